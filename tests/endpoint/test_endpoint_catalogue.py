"""The endpoint takes every ping of the catalogue on its own carrier, alone and in a batch, in both dialects."""

import gzip
import json

import httpx
import pytest
from endpoint_kit import uid
from endpoint_process import Served, totals

from simulator import wire
from simulator.catalogue import example, ping_types

pytestmark = pytest.mark.slow

OPERATIONS = {
    "sourcegraph_log_user_event": "logUserEvent",
    "sourcegraph_log_event": "logEvent",
    "sourcegraph_log_events": "LogEvents",
}


def address(name, ping, dialect):
    route = ping.routes[dialect]
    if ping.carrier == "structured":
        return wire.structured(route)
    if ping.carrier == "telemetry":
        return wire.telemetry(
            route.split("/")[1], version="95.0", channel="release", build_id="20211129150630"
        )
    if ping.carrier == "glean":
        return wire.glean(name.split("_")[1], application_id="firefox-desktop")
    return wire.graphql(OPERATIONS[name]) if ping.carrier == "graphql" else wire.sentry_store()


@pytest.fixture(scope="module", params=["wire", "documented"])
def dialect(request):
    return request.param


@pytest.fixture(scope="module")
def served(dialect, tmp_path_factory):
    with Served("--dialect", dialect, "--store", tmp_path_factory.mktemp("catalogue") / "s") as running:
        yield running


def test_every_example_alone_and_in_a_batch(served, dialect):
    names = [name for name, ping in ping_types().items() if dialect in ping.routes]
    assert len(names) > 50
    records = []
    with httpx.Client(base_url=served.url) as http:
        for number, name in enumerate(names):
            ping, body = ping_types()[name], example(name, dialect)
            target = address(name, ping, dialect)
            path = target.path(uid(number))
            headers = dict(wire.CARRIER_HEADERS[ping.carrier]) | {"X-Telsim-Record-Id": uid(number)}
            packed = gzip.compress(json.dumps(body).encode(), mtime=0)
            answered = http.request(
                target.method, path, content=packed, headers=headers | {"Content-Encoding": "gzip"}
            )
            assert answered.status_code == 200, (name, answered.text)
            assert "errors" not in answered.text, (name, answered.text)
            second = uid(1000 + number)
            records.append(
                {"id": second, "route": ping.routes[dialect], "path": target.path(second), "body": body}
            )
        lines = "\n".join(map(json.dumps, records)).encode()
        told = http.post("/batch", content=lines).json()
    assert told == {"accepted": len(names), "rejected": 0, "duplicates": 0, "results": []}
    assert totals(served.url)["accepted"] == 2 * len(names)


@pytest.mark.parametrize("dialect", ["wire"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        {"source": "MARS"},
        {"url": None},
        {"platform": "chrome-extension"},
        {"argument": {"platform": "chrome-extension"}},
        {"argument": "{platform}"},
    ],
)
def test_sourcegraph_events_that_the_real_server_refuses(served, dialect, change):
    body = example("sourcegraph_log_event", "wire")
    body["variables"] |= change
    answered = httpx.post(served.url + "/.api/graphql?logEvent", json=body)
    assert answered.status_code == 200
    assert set(answered.json()) == {"errors"}
