"""What breaks the contract of a record, one change at a time."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import simulator
from simulator.catalogue import load_schemas, ping_types
from simulator.check.record import RecordRules
from simulator.errors import UsageError
from simulator.faults import FAULTS
from simulator.records import DIALECTS, Ping
from simulator.wire import sentry_envelope

Make = Callable[..., Ping]
OTHER_ID = "00000000-0000-4000-8000-000000000001"


def found(ping: Ping, dialect: str = "wire") -> list[str]:
    schemas = load_schemas("wire" if dialect == "wire" else "documented")
    findings = list(RecordRules(schemas, own_schemas=True).findings(ping, "here"))
    assert {finding.where for finding in findings} <= {"here"}
    return [str(finding) for finding in findings]


def changed(record: Ping, **fields: Any) -> Ping:
    return msgspec.structs.replace(record, **fields)


def with_body(ping: Ping, change: Callable[[Any], object]) -> Ping:
    """The record with a payload that `change` has worked on."""
    document = ping.json()
    change(document)
    return changed(ping, body=msgspec.Raw(json.dumps(document).encode()))


def envelope(ping: Ping, event: bytes, *, length: int | None = None) -> Ping:
    item = {"type": "event"} if length is None else {"type": "event", "length": length}
    lines = b"\n".join((b'{"event_id":"0"}', b'{"type":"session"}', b"{}", json.dumps(item).encode(), event))
    text = base64.b64encode(lines).decode()
    path = sentry_envelope().path(ping.id)
    return changed(ping, path=path, body=msgspec.Raw(b""), body_b64=text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dialect"),
    [(name, dialect) for name, row in ping_types().items() for dialect in DIALECTS if dialect in row.routes],
)
def test_every_example_keeps_the_contract(make: Make, name: str, dialect: str) -> None:
    assert found(make(name, 1, dialect), dialect) == []


@pytest.mark.parametrize("label", sorted(set(FAULTS) - {"early", "out_of_order"}))
def test_every_fault_keeps_it_as_far_as_it_says(make: Make, label: str) -> None:
    """Those two need a ping before the one that goes wrong."""
    broken = []
    for name in ("cfr_impression_release", "newtab_session", "glean_events_ping", "sentry_event"):
        with contextlib.suppress(UsageError):  # nothing there that this fault could break
            broken.append(simulator.corrupt(make(name, 1), label))
    assert broken
    assert [found(ping) for ping in broken] == [[]] * len(broken)


@pytest.mark.parametrize(
    ("label", "hint"), [("vaild", "did you mean 'valid'"), ("foo", "the name of a fault")]
)
@pytest.mark.parametrize("expect", ["accept", "reject"])
def test_a_label_that_nobody_knows_is_told(make: Make, label: str, hint: str, expect: str) -> None:
    (told,) = found(changed(make("topsite_click", 1), label=label, expect=expect))
    assert repr(label) in told
    assert hint in told


def test_an_overridden_ping_has_a_label_of_its_own(make: Make) -> None:
    broken = make("topsite_click", 1, without=["body.addon_version"])
    assert broken.label == "overridden"
    assert found(broken) == []


@pytest.mark.parametrize("label", ["vaild", "late", "duplicate", "wrong_content_type"])
def test_a_payload_that_is_to_be_accepted_is_checked_whatever_the_label(make: Make, label: str) -> None:
    expect = FAULTS[label].expect if label in FAULTS else "accept"
    broken = with_body(make("topsite_click", 1), lambda body: body.pop("addon_version"))
    assert any("addon_version" in told for told in found(changed(broken, label=label, expect=expect)))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"product": "foo"}, "is sent by firefox"),
        ({"product": "fenix"}, "is sent by firefox"),
        ({"ping": "topsite_clic"}, "did you mean 'topsite_click'"),
        ({"ping": "cfr_impression_release"}, "goes to messaging-system/cfr/1"),
        ({"route": "activity-stream/sessions/1"}, "goes to activity-stream/events/1"),
        ({"route": "nothing"}, "has no schema"),
        ({"method": "GET"}, "GET"),
    ],
)
def test_a_combination_that_the_catalogue_does_not_have_is_told(
    make: Make, fields: dict[str, str], told: str
) -> None:
    assert any(told in finding for finding in found(changed(make("topsite_click", 1), **fields)))


def test_glean_pings_come_from_the_mobile_browser_too(make: Make) -> None:
    assert found(changed(make("glean_baseline_ping", 1), product="fenix")) == []


def test_another_version_of_a_route_is_one_that_has_a_schema(make: Make) -> None:
    ping = make("story_impression_stats", 1)
    later = changed(
        with_body(ping, lambda body: [tile.update(id=str(tile["id"])) for tile in body["tiles"]]),
        route="activity-stream/impression-stats/2",
        path=ping.path.replace("impression-stats/1", "impression-stats/2"),
    )
    assert found(later) == []
    never = changed(ping, route="activity-stream/impression-stats/9")
    assert any("has no schema" in told for told in found(never))


def test_a_ping_of_the_other_dialect_is_told(make: Make) -> None:
    ping = make("sourcegraph_log_user_event", 1)
    assert any("not sent in the documented dialect" in told for told in found(ping, "documented"))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("topsite_click", "/events/", "/sessions/"),
        ("topsite_click", "ID", OTHER_ID),
        ("topsite_click", "/1/ID", "/1/ID/more"),
        ("event_ping", "/event/", "/main/"),
        ("event_ping", "ID", OTHER_ID),
        ("glean_baseline_ping", "/baseline/", "/events/"),
        ("glean_baseline_ping", "ID", OTHER_ID),
        ("sourcegraph_log_event", "?logEvent", "?logUserEvent"),
        ("sourcegraph_log_event", "/.api/graphql", "/graphql"),
        ("sentry_event", "/store/", "/stores/"),
    ],
)
def test_a_path_of_another_document_is_told(make: Make, name: str, old: str, new: str) -> None:
    ping = make(name, 1)
    path = ping.path.replace(old.replace("ID", ping.id), new.replace("ID", ping.id))
    assert path != ping.path
    (told,) = found(changed(ping, path=path))
    assert "path" in told
    broken = changed(ping, path=path, label="bad_document_id", expect="reject")
    assert found(broken) == [], "a fault may break it on purpose"


@pytest.mark.parametrize("text", ["!!!!", "e30", "AAEC/w=="])
def test_base64_that_holds_no_document_is_told(make: Make, text: str) -> None:
    ping = changed(make("topsite_click", 1), body=msgspec.Raw(b""), body_b64=text)
    (told,) = found(ping)
    assert "body" in told


def test_base64_that_nobody_can_decode_is_told_of_broken_pings_too(make: Make) -> None:
    ping = simulator.corrupt(make("topsite_click", 1), "truncated_json")
    assert found(ping) == []
    assert "not base64" in found(changed(ping, body_b64="!!!!"))[0]


def test_two_payloads_are_one_too_many(make: Make) -> None:
    assert "beside body" in found(changed(make("topsite_click", 1), body_b64="e30="))[0]


def test_json_in_base64_is_checked(make: Make) -> None:
    ping = make("topsite_click", 1)
    as_base64 = base64.b64encode(bytes(ping.body)).decode()
    assert found(changed(ping, body=msgspec.Raw(b""), body_b64=as_base64)) == []
    assert found(changed(ping, body=msgspec.Raw(b""), body_b64=base64.b64encode(b"{}").decode()))


@pytest.mark.parametrize("counted", [False, True])
def test_the_event_in_an_envelope_is_checked(make: Make, counted: bool) -> None:
    ping = make("sentry_event", 1)
    event = bytes(ping.body)
    assert found(envelope(ping, event, length=len(event) if counted else None)) == []
    wrong = event.replace(b'"level":"error"', b'"level":"awful"')
    assert wrong != event
    (told,) = found(envelope(ping, wrong, length=len(wrong) if counted else None))
    assert "$.level" in told


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b"{}", "holds no event"),
        (b"", "header is not JSON"),
        (b"[]", "header is not an object"),
        (b'{}\n{"type":"event","length":9}\n{}', "shorter than it says"),
        (b'{}\n{"type":"event","length":"2"}\n{}', "shorter than it says"),
        (b'{}\n{"type":"event"}\n{', "event is not JSON"),
        (b"\xff", "header is not JSON"),
    ],
)
def test_an_envelope_that_cannot_be_opened_is_told(make: Make, payload: bytes, told: str) -> None:
    ping = envelope(make("sentry_event", 1), b"{}")
    text = base64.b64encode(payload).decode()
    body = {"body_b64": text} if text else {"body_b64": "", "body": msgspec.Raw(b"")}
    (finding,) = found(changed(ping, **body))
    assert told in finding


def _late_start(events: list[list[Any]]) -> None:
    events[0][0] = events[-1][0] + 1


@pytest.mark.parametrize(
    ("name", "change", "place"),
    [
        ("event_ping", lambda body: body.update(id=OTHER_ID), "$.id"),
        ("main_ping", lambda body: body.update(id=OTHER_ID), "$.id"),
        ("sentry_event", lambda body: body.update(event_id="0" * 32), "$.event_id"),
        (
            "event_ping",
            lambda body: [_late_start(events) for events in body["payload"]["events"].values()],
            "$.payload.events.",
        ),
        ("glean_events_ping", lambda body: body["events"][0].update(timestamp=1), "$.events[0]"),
        (
            "glean_events_ping",
            lambda body: body["events"].extend({**body["events"][0], "timestamp": at} for at in (9**9, 5)),
            "$.events[",
        ),
        (
            "glean_baseline_ping",
            lambda body: body["ping_info"].update(start_time="2030-01-01T00:00+00:00"),
            "$.ping_info.start_time",
        ),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_no_schema_says_is_checked(
    make: Make, name: str, change: Callable[[Any], object], place: str, dialect: str
) -> None:
    ping = make(name, 1, dialect)
    if name == "event_ping":  # at least two events
        ping = with_body(
            ping, lambda body: [each.append(each[-1]) for each in body["payload"]["events"].values()]
        )
    assert found(ping, dialect) == []
    told = found(with_body(ping, change), dialect)
    assert told
    assert all(place in finding for finding in told)


@pytest.mark.parametrize(
    ("start", "end", "in_order"),
    [
        ("2021-12-01T10:00+01:00", "2021-12-01T10:00+01:00", True),
        ("2021-10-31T02:50+02:00", "2021-10-31T02:10+01:00", True),
        ("2021-10-31T02:50+01:00", "2021-10-31T02:10+02:00", False),
        ("2021-12-01T10:01+01:00", "2021-12-01T10:00+01:00", False),
    ],
)
def test_local_times_are_compared_with_their_offsets(
    make: Make, start: str, end: str, in_order: bool
) -> None:
    times = {"start_time": start, "end_time": end}
    ping = with_body(make("glean_baseline_ping", 1), lambda body: body["ping_info"].update(times))
    assert (found(ping) == []) == in_order
