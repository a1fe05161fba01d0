"""Sentry's store and envelope routes."""

import gzip
import json

import pytest
from endpoint_kit import uid

from simulator.endpoint.answer import answer
from simulator.endpoint.message import Limits

EVENT_ID = "fc6d8c0c43fc4630ad850ee518f1b9d0"
AS_UUID = "fc6d8c0c-43fc-4630-ad85-0ee518f1b9d0"
EVENT = {"event_id": EVENT_ID, "platform": "javascript"}


def envelope(*lines):
    return b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)


def told(receipt):
    given = answer(receipt, (), limits=Limits())
    return given.status, json.loads(given.body)


def test_a_stored_event_is_answered_with_its_id(post):
    receipt = post("/api/1334031/store/", EVENT, query="sentry_key=x&sentry_version=7")
    assert told(receipt) == (200, {"id": EVENT_ID})
    (decision,) = receipt.decisions
    assert (decision.id, decision.code, decision.route) == (AS_UUID, "ok", "sentry/event/1")


def test_a_record_id_names_the_entry(post):
    receipt = post("/api/1/store/", EVENT, headers={b"x-telsim-record-id": uid(5).encode()})
    assert receipt.decisions[0].id == uid(5)
    assert told(receipt) == (200, {"id": EVENT_ID})


def test_an_envelope_without_final_newline(post):
    receipt = post("/api/1/envelope/", envelope({"event_id": EVENT_ID}, {"type": "event"}, EVENT))
    assert told(receipt) == (200, {"id": EVENT_ID})
    assert [decision.code for decision in receipt.decisions] == ["ok"]


def test_an_item_with_a_length_may_hold_newlines(post):
    payload = json.dumps(EVENT, indent=1).encode()
    item = {"type": "event", "length": len(payload)}
    receipt = post("/api/1/envelope/", envelope({}, item, payload, {"type": "session"}, {}))
    assert [decision.code for decision in receipt.decisions] == ["ok"]


def test_an_envelope_without_events_is_taken_and_leaves_no_entry(post):
    receipt = post("/api/1/envelope/", envelope({}, {"type": "session"}, {"sid": "1"}))
    assert told(receipt) == (200, {})
    assert receipt.decisions == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_body"),
        (b"[]", "wrong_shape"),
        (envelope({}, [], b"x"), "wrong_shape"),
        (envelope({}, {"type": "event", "length": 99}, b"{}"), "wrong_shape"),
        (envelope({}, {"type": "event", "length": -1}, b"{}"), "wrong_shape"),
        (envelope({}, {"type": "event", "length": True}, b"{}"), "wrong_shape"),
        (envelope({}, {"type": "event"}, b"{"), "bad_json"),
        (envelope({}, {"type": "event"}, {}), "missing_required"),
        (envelope({}, *([{"type": "session"}, {}] * 101)), "wrong_shape"),
    ],
)
def test_a_bad_envelope(post, body, code):
    receipt = post("/api/1/envelope/", body)
    assert [decision.code for decision in receipt.decisions] == [code]
    assert told(receipt)[0] == 400


def test_a_bad_event(post):
    receipt = post("/api/1/store/", {"platform": "javascript"})
    assert receipt.decisions[0].code == "missing_required"
    assert told(receipt)[0] == 400


def test_the_answer_is_about_the_first_event_that_is_rejected(post):
    head, misfit = {"type": "event"}, {"event_id": ["SECRET"]}
    for events, code, message in (
        ([EVENT, misfit, b"{"], "wrong_type", "the document does not fit its schema at $.event_id"),
        (
            [b'{"event_id":1,"event_id":2}', misfit],
            "duplicate_key",
            "the key 'event_id' occurs twice in one object",
        ),
    ):
        lines = [line for event in events for line in (head, event)]
        assert told(post("/api/1/envelope/", envelope({}, *lines))) == (
            400,
            {"code": code, "message": message},
        )


def test_a_packed_event_larger_than_a_megabyte_is_too_large(the_rules, post):
    from dataclasses import replace

    wide = replace(the_rules, limits=Limits())
    body = gzip.compress(json.dumps(EVENT | {"padding": "x" * 1_000_001}).encode(), mtime=0)
    receipt = post("/api/1/store/", body, edge_rules=wide)
    assert receipt.decisions[0].code == "inflated_too_large"
    assert told(receipt)[0] == 413
