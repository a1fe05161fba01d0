"""Our own endpoint, without a socket, takes what the team sends, on every carrier and in both dialects."""

from __future__ import annotations

import base64
import json

import pytest
from sourcegraph_kit import Sent

from simulator.catalogue import load_schemas, ping_types
from simulator.endpoint.answer import answer
from simulator.endpoint.message import Limits, Request
from simulator.endpoint.receive import receive, rules
from simulator.records import Dialect
from simulator.wire import CARRIER_HEADERS

pytestmark = pytest.mark.slow


def _request(ping: Sent) -> Request:
    body = base64.b64decode(json.loads(ping.text)) if ping.kind.base64 else ping.text.encode()
    carrier = ping_types()[ping.ping].carrier
    headers = {**CARRIER_HEADERS[carrier], **ping.kind.headers, "Content-Length": str(len(body))}
    path, _, query = ping.kind.address.path("").partition("?")
    lowered = {name.lower().encode(): value.encode() for name, value in headers.items()}
    return Request(ping.kind.address.method, path, query, lowered, body)


@pytest.mark.parametrize(
    ("client", "dialect"), [("documented", "documented"), ("wire", "wire"), ("later", "wire")]
)
def test_the_endpoint_accepts_every_kind_of_request(
    team_pings: dict[str, list[Sent]], client: str, dialect: Dialect
) -> None:
    judge = rules(load_schemas(dialect), Limits())
    pings = team_pings[client]
    chosen = pings[::50] + [ping for ping in pings if ping.ping == "sentry_event"]
    assert {ping.ping for ping in chosen} == {ping.ping for ping in pings}
    for ping in chosen:
        receipt = receive(_request(ping), judge)
        assert (receipt.refusal, [decision.code for decision in receipt.decisions]) == ("ok", ["ok"])
        assert receipt.decisions[0].route == ping.kind.route
        assert answer(receipt, (), limits=judge.limits, edge=False).status == 200
        if ping.id is not None:
            assert receipt.decisions[0].id == ping.id
