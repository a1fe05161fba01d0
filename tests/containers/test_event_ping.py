from __future__ import annotations

from itertools import pairwise
from typing import Any

from container_bench import Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.client.event_ping import MOST_EVENTS, EventPingSender
from simulator.clock import MS_PER_HOUR, MS_PER_MINUTE

START = 1_639_562_430_123
FRAGMENT = '"secure.proxy","fxa","authStarted"]'


def records(document: dict[str, Any]) -> int:
    return sum(map(len, document["payload"]["events"].values()))


def test_a_run_without_events_sends_nothing(bench):
    sender = EventPingSender(bench.session)
    bench.start(START, START + 5 * MS_PER_HOUR)
    bench.alarm.until(START + 5 * MS_PER_HOUR)
    sender.shutdown(START + 5 * MS_PER_HOUR)
    assert bench.pings() == []
    assert bench.alarm.pending == []


def test_record_becomes_a_list_under_its_process(bench_in_each_dialect):
    bench = bench_in_each_dialect
    sender = EventPingSender(bench.session)
    bench.start(START, START + MS_PER_HOUR)
    sender.record(START + 900, "dynamic", "secure.proxy", "general", "install", "0.8")
    sender.record(START + 2_100, "dynamic", "secure.proxy", "fxa", "authStarted")
    sender.record(
        START + 2_500,
        "parent",
        "messaging_experiments",
        "targeting",
        "attribute_error",
        "foo",
        {"source": "exp"},
    )
    sender.shutdown(START + 60_000)
    [(due, ping, document)] = bench.pings()
    assert (due, ping) == (START + 60_000, "event_ping")
    payload = document["payload"]
    assert payload["events"] == {
        "dynamic": [
            [900, "secure.proxy", "general", "install", "0.8"],
            [2100, "secure.proxy", "fxa", "authStarted"],
        ],
        "parent": [[2500, "messaging_experiments", "targeting", "attribute_error", "foo", {"source": "exp"}]],
    }
    assert payload["reason"] == "shutdown"
    assert payload["processStartTimestamp"] == START - START % 60_000
    assert payload["sessionId"] == bench.installation.browser_session_id
    assert payload["lostEventsCount"] == 0
    assert document["creationDate"].endswith("Z")
    assert "experiments" not in document["environment"]


def test_the_address_names_the_build(bench):
    sender = EventPingSender(bench.session)
    bench.start(START, START + MS_PER_HOUR)
    sender.append(START, "dynamic", FRAGMENT)
    sender.shutdown(START + 1)
    profile = bench.installation.profile
    kind = bench.outbox.kinds.kinds[bench.outbox.rows[0][2]]
    document_id = bench.outbox.rows[0][4]
    assert kind.address.path(document_id) == (
        f"/submit/telemetry/{document_id}/event/Firefox/{profile.version}/{profile.channel}/{profile.build_id}?v=4"
    )


def test_periodic_pings_come_on_the_hour_since_start(bench):
    sender = EventPingSender(bench.session)
    ends = START + 10 * MS_PER_HOUR
    bench.start(START, ends)
    sender.append(START + 5, "dynamic", FRAGMENT)
    bench.alarm.until(START + 2 * MS_PER_HOUR)
    sender.append(START + 2 * MS_PER_HOUR + 9, "dynamic", FRAGMENT)
    bench.alarm.until(ends)
    sender.shutdown(ends)
    found = [(due - START, document["payload"]["reason"]) for due, _, document in bench.pings()]
    assert found == [(MS_PER_HOUR, "periodic"), (3 * MS_PER_HOUR, "periodic")]


def test_a_full_bucket_goes_at_once_and_then_waits_ten_minutes(bench):
    sender = EventPingSender(bench.session)
    bench.start(START, START + 5 * MS_PER_HOUR)
    for i in range(2 * MOST_EVENTS + 7):
        sender.append(START + i, "dynamic", FRAGMENT)
    sender.append(START + 3_000, "parent", FRAGMENT)
    bench.alarm.until(START + 30 * MS_PER_MINUTE)
    pings = bench.pings()
    assert [
        (due - START, d["payload"]["reason"], d["payload"]["lostEventsCount"]) for due, _, d in pings
    ] == [
        (999, "max", 0),
        (999 + 10 * MS_PER_MINUTE, "max", 7),
    ]
    assert records(pings[0][2]) == MOST_EVENTS
    assert {name: len(events) for name, events in pings[1][2]["payload"]["events"].items()} == {
        "dynamic": MOST_EVENTS,
        "parent": 1,
    }


def test_the_limit_is_for_each_process(bench):
    sender = EventPingSender(bench.session)
    bench.start(START, START + MS_PER_HOUR)
    for i in range(999):
        sender.append(START + i, "dynamic", FRAGMENT)
        sender.append(START + i, "parent", FRAGMENT)
    assert bench.outbox.rows == []
    sender.append(START + 1_000, "parent", FRAGMENT)
    [(_, _, document)] = bench.pings()
    assert records(document) == 1_999


def test_environment_carries_experiments_only_while_enrolled(bench):
    sender = EventPingSender(bench.session)
    bench.start(START, START + MS_PER_HOUR)
    bench.annotations.enrol("exp-a", "control", experiment_type="nimbus", enrollment_id=bench.session.uuid())
    sender.append(START, "dynamic", FRAGMENT)
    sender.shutdown(START + 1)
    bench.annotations.unenrol("exp-a")
    bench.start(START + 10_000, START + MS_PER_HOUR)
    sender.append(START + 10_001, "dynamic", FRAGMENT)
    sender.shutdown(START + 10_002)
    [(_, _, first), (_, _, second)] = bench.pings()
    assert first["environment"]["experiments"]["exp-a"]["branch"] == "control"
    assert first["environment"]["experiments"]["exp-a"]["type"] == "nimbus-nimbus"
    assert "experiments" not in second["environment"]
    assert first["payload"]["sessionId"] != second["payload"]["sessionId"]
    assert first["payload"]["subsessionId"] != second["payload"]["subsessionId"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bursts=st.lists(
        st.tuples(
            st.integers(0, 3 * MS_PER_HOUR), st.sampled_from(["parent", "dynamic"]), st.integers(1, 1_100)
        ),
        max_size=8,
    ),
    length=st.integers(MS_PER_MINUTE, 4 * MS_PER_HOUR),
)
def test_every_event_is_sent_once_or_counted_as_lost(profile, bursts, length):
    bench = Bench(profile)
    sender = EventPingSender(bench.session)
    bench.start(START, START + length)
    recorded = 0
    for at, process, count in sorted(bursts):
        if at >= length:
            continue
        bench.alarm.until(START + at - 1)
        for _ in range(count):
            sender.append(START + at, process, FRAGMENT)
        recorded += count
    bench.alarm.until(START + length - 1)
    sender.shutdown(START + length)
    pings = bench.pings()
    lost = sum(document["payload"]["lostEventsCount"] for _, _, document in pings)
    assert sum(records(document) for _, _, document in pings) + lost == recorded
    for _, _, document in pings:
        for events in document["payload"]["events"].values():
            times = [event[0] for event in events]
            assert times == sorted(times)
            assert 0 < len(events) <= MOST_EVENTS
    running = [(due, d["payload"]["reason"]) for due, _, d in pings]
    for (earlier, _), (later, reason) in pairwise(running):
        assert reason == "shutdown" or later - earlier >= 10 * MS_PER_MINUTE
    assert all(later <= START + length for later, _ in running)
