"""Requests that are judged together: each for itself, whatever stands beside it."""

import gzip
import json
from dataclasses import replace

from endpoint_kit import GOOD, ROUTE, click, uid
from hypothesis import given
from hypothesis import strategies as st

from simulator.endpoint.intake import Arrival, Intake
from simulator.endpoint.message import Limits, Request
from simulator.endpoint.metrics import Metrics
from simulator.endpoint.receive import receive, receive_all
from simulator.endpoint.settings import Settings
from simulator.endpoint.store import Submission


class PromptWriter:
    """Stores at once."""

    def submit(self, receipt, settled):
        settled(Submission(receipt.decisions))
        return True


class Desk:
    """An intake whose turn ends when the test says so."""

    def __init__(self, rules) -> None:
        self.soon = []
        self.metrics = Metrics()
        self.told: dict[int, tuple[int, bytes]] = {}
        self.intake = Intake(
            rules, Settings(), writer=PromptWriter(), metrics=self.metrics, soon=self.soon.append
        )

    def take(self, number: int, body: bytes, *, refused: str = "ok") -> None:
        def tell(told, timing) -> None:
            assert number not in self.told
            self.told[number] = (told.status, timing)

        self.intake.take(Arrival(request(click(number), body), tell, 0, refused))

    def end_turn(self) -> None:
        (judge,) = self.soon
        self.soon.clear()
        judge()

    def statuses(self) -> list[int]:
        return [status for _, (status, _) in sorted(self.told.items())]


def request(path: str, body: bytes, **headers: str) -> Request:
    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return Request("POST", path, "", {b"content-length": b"%d" % len(body), **given}, body)


PING = json.dumps(GOOD).encode()
ITEM = json.dumps([{"id": uid(1), "route": ROUTE, "body": GOOD}, 1]).encode()

KINDS = [
    request(click(1), PING),
    request(click(2), PING),
    request(click(3), b'{"who":1}'),
    request(click(4), b'{"who"'),
    request(click(5), b'1,{"who":"a"'),  # joined with its neighbours it could pass for JSON
    request(click(6), b"1}"),
    request(click(7), b""),
    request(click(8), b"\x1f\x8bnope"),
    request(click(9), PING, content_encoding="br"),
    request("/submit/shop/click/1/nope", PING),
    request(f"/submit/shop/none/1/{uid(1)}", PING),
    request(f"/submit/app/events/1/{uid(1)}", b'{"ping_info":{}}'),
    request(f"/submit/telemetry/{uid(1)}/event/A/1/release/2", b'{"type":"event"}'),
    request("/nowhere", PING),
    request("/batch", ITEM),
    request("/batch", b"[]"),
]


def timeless(receipt):
    return (receipt.carrier, receipt.decisions, receipt.refusal, receipt.detail, receipt.echo, receipt.size)


@given(st.lists(st.sampled_from(KINDS), max_size=30))
def test_a_request_is_judged_alike_alone_and_among_others(the_rules, requests):
    together = [timeless(receipt) for receipt in receive_all(requests, the_rules)]
    assert together == [timeless(receive(one, the_rules)) for one in requests]


def test_those_judged_together_share_the_time(the_rules):
    receipts = receive_all([request(click(number), PING) for number in range(8)], the_rules)
    assert len({(one.inflate_ns, one.parse_ns, one.validate_ns) for one in receipts}) == 1
    assert receipts[0].parse_ns > 0


def test_nothing_is_judged_before_the_turn_ends(the_rules):
    desk = Desk(the_rules)
    for number in range(3):
        desk.take(number, PING)
    assert desk.told == {}
    desk.end_turn()
    assert desk.statuses() == [200] * 3


def test_large_bodies_are_not_parsed_together(the_rules):
    """Each may be 8 MB, and takes many times that once it is parsed."""
    most = 0

    class Counting:
        routes = the_rules.schemas.routes

        def is_valid(self, _route, _document) -> bool:
            return True

        def are_valid(self, _route, documents) -> bool:
            nonlocal most
            most = max(most, len(documents))
            return True

    large = json.dumps({"who": "x" * 100_000}).encode()
    bodies = [gzip.compress(large) if number % 2 else PING for number in range(20)]
    requests = [request(click(number), body) for number, body in enumerate(bodies)]
    receipts = receive_all(requests, replace(the_rules, schemas=Counting(), limits=Limits()))
    assert [one.decisions[0].code for one in receipts] == ["ok"] * 20
    assert most <= 4


def test_a_refused_request_does_not_keep_others_from_being_judged(the_rules):
    desk = Desk(the_rules)
    desk.take(0, PING)
    desk.take(1, b"", refused="body_timeout")
    desk.take(2, b"[]")
    desk.end_turn()
    assert desk.statuses() == [200, 408, 400]


class Lame:
    """Validates everything but one document, at which it breaks."""

    routes = (ROUTE,)

    def is_valid(self, _route, document) -> bool:
        return 1 / (document["who"] != "worst") > 0

    def are_valid(self, route, documents) -> bool:
        return all(self.is_valid(route, one) for one in documents)


def test_a_fault_of_ours_at_one_request_leaves_those_beside_it_alone(the_rules, caplog):
    desk = Desk(replace(the_rules, schemas=Lame()))
    for number, who in enumerate(("first", "worst", "last")):
        desk.take(number, json.dumps({"who": who}).encode())
    desk.end_turn()
    assert desk.statuses() == [200, 500, 200]
    assert "a fault of ours, at a request to " + click(1) in caplog.text
