"""Hostile input of every kind, a fixed number of cases: never 5xx, never a hang, memory bounded."""

import gzip
import json
import socket
import struct

import pytest
from endpoint_kit import ROUTE, click, uid
from endpoint_process import Served, read_answer, totals
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.endpoint.answer import answer
from simulator.endpoint.message import Limits, Request
from simulator.endpoint.receive import receive

pytestmark = pytest.mark.slow

_ITEM = json.dumps({"id": uid(1), "route": ROUTE, "body": {"who": "a"}}).encode()
_GRAPHQL = json.dumps(
    {
        "query": "mutation logEvent { logEvent(event: 1) { alwaysNil } }",
        "variables": {"source": "WEB", "argument": "{}"},
    }
).encode()

#: Well-formed requests to start from: path and body.
SEEDS = [
    (click(1), b'{"who":"a","clicks":3}'),
    (click(2), gzip.compress(b'{"who":"a"}', mtime=0)),
    (f"/submit/telemetry/{uid(3)}/event/Firefox/95.0/release/2021?v=4", b'{"type":"event"}'),
    (f"/submit/app/baseline/1/{uid(4)}", b'{"ping_info":{}}'),
    ("/batch", b"[" + _ITEM + b"," + _ITEM + b"]"),
    ("/batch", _ITEM + b"\n" + _ITEM),
    ("/.api/graphql?logEvent", _GRAPHQL),
    ("/api/1/store/?sentry_key=x", b'{"event_id":"fc6d8c0c43fc4630ad850ee518f1b9d0"}'),
    (
        "/api/1/envelope/",
        b'{"event_id":"fc6d8c0c43fc4630ad850ee518f1b9d0"}\n{"type":"event","length":2}\n{}\n',
    ),
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
items = st.fixed_dictionaries(
    {},
    optional={
        "id": st.just(uid(1)) | json_values,
        "route": st.just(ROUTE) | json_values,
        "path": st.just(click(1)) | st.sampled_from([path for path, _ in SEEDS]) | json_values,
        "body": st.just({"who": "a"}) | json_values,
        "body_b64": st.just("e30=") | json_values,
        "headers": st.just({"content-encoding": "gzip"}) | json_values,
    },
)
bodies = (
    st.binary(max_size=200)
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.lists(items, max_size=4).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=60).map(gzip.compress)
    | st.sampled_from([body for _, body in SEEDS])
)
paths = st.sampled_from([path for path, _ in SEEDS]) | st.text(
    st.characters(min_codepoint=33, max_codepoint=126), max_size=80
).map("/submit/".__add__)
header_names = st.sampled_from(
    [b"content-type", b"content-encoding", b"x-telsim-record-id", b"user-agent", b"transfer-encoding"]
)
header_values = st.binary(max_size=40) | st.sampled_from([b"gzip", b"application/x-ndjson", uid(1).encode()])


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    method=st.sampled_from(["POST", "PUT", "GET"]),
    target=paths,
    headers=st.dictionaries(header_names, header_values, max_size=3),
    body=bodies,
)
def test_the_core_never_fails(the_rules, method, target, headers, body):
    path, _, query = target.partition("?")
    given_headers = {b"content-length": str(len(body)).encode(), **headers}
    receipt = receive(Request(method, path, query, given_headers, body), the_rules)
    told = answer(receipt, (), limits=Limits())
    assert told.status < 500
    if told.body:
        json.loads(told.body)
    for decision in receipt.decisions:
        assert len(decision.id) == 36
        assert decision.id == decision.id.lower()
        assert decision.route in the_rules.routes.known | {""}


class Mutator:
    """Bends bytes, the same way every time: the case's number is all that it draws from."""

    TOKENS = (
        b"\r\n",
        b"\0",
        b"\xff",
        b"{",
        b"[",
        b'"',
        b":",
        b",",
        b"%",
        b"/",
        b"9" * 30,
        b"\x1f\x8b",
        b"-1",
        b" ",
        b"[" * 400,
    )

    def __init__(self, number: int) -> None:
        self.state = number * 2_654_435_761 + 1

    def below(self, most: int) -> int:
        self.state = (self.state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        return (self.state >> 33) % max(1, most)

    def bend(self, data: bytes) -> bytes:
        for _ in range(1 + self.below(4)):
            at, kind = self.below(len(data)), self.below(6)
            if kind == 0:
                data = data[:at] + bytes([self.below(256)]) + data[at + 1 :]
            elif kind == 1:
                data = data[:at] + data[at + 1 + self.below(8) :]
            elif kind == 2:
                data = data[:at] + self.TOKENS[self.below(len(self.TOKENS))] + data[at:]
            elif kind == 3:
                data = data[:at]
            elif kind == 4:
                end = at + self.below(40)
                data = data[:end] + data[at:end] + data[end:]
            else:
                data = data[:at] + struct.pack("<I", self.below(2**32)) + data[at + 4 :]
        return data


def request(number: int) -> bytes:
    """A request whose head, body or both are bent; most keep a head that leads somewhere."""
    mutator = Mutator(number)
    path, body = SEEDS[number % len(SEEDS)]
    which = mutator.below(4)
    if which:
        body = mutator.bend(body)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    return (head if which in (1, 2) else mutator.bend(head)) + body


@pytest.mark.parametrize(
    "cases", [range(600), pytest.param(range(600, 12_000), marks=pytest.mark.slow)], ids=str
)
def test_bent_bytes_never_break_the_server(schema_directory, tmp_path, cases):
    seen: dict[int, int] = {}
    with Served("--schemas", schema_directory, "--store", tmp_path / "s") as served:
        before = served.memory_mb()
        for number in cases:
            with socket.create_connection(("127.0.0.1", served.port), timeout=10) as opened:
                try:
                    opened.sendall(request(number))
                    opened.shutdown(socket.SHUT_WR)
                except (BrokenPipeError, ConnectionResetError, OSError):
                    pass
                status, _, body = read_answer(opened)
            assert status < 500, (number, status, body)
            seen[status] = seen.get(status, 0) + 1
        assert served.memory_mb() - before < 80
        counted = totals(served.url)
        assert counted["accepted"] + counted["rejected"] + counted["duplicates"] > len(cases) // 4
        assert served.end() == 0
    assert {200, 400} <= set(seen)
