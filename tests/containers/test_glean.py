from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise

from container_bench import Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.client.glean import MOST_EVENTS
from simulator.pings.containers.glean_info import glean_event_fragment

START = 1_639_562_430_123
FRAGMENT = glean_event_fragment(
    "nimbus_events", "exposure", {"experiment": "e", "branch": "b", "feature_id": "f"}
)


def test_a_first_day(bench_in_each_dialect):
    bench = bench_in_each_dialect
    glean = bench.glean()
    glean.start(START)
    glean.active(START)
    glean.record(START + 5_000, FRAGMENT)
    glean.record(START + 65_000, FRAGMENT)
    glean.inactive(START + 600_000)
    glean.active(START + 700_000)
    (_, first, active), (_, second, inactive), (_, third, events), (_, _, again) = bench.pings()
    assert (first, second, third) == ("glean_baseline_ping", "glean_baseline_ping", "glean_events_ping")
    assert active["ping_info"] == {
        "end_time": active["ping_info"]["start_time"],
        "reason": "active",
        "seq": 0,
        "start_time": active["ping_info"]["start_time"],
    }
    assert "metrics" not in active
    assert inactive["metrics"] == {
        "labeled_counter": {"glean.validation.pings_submitted": {"baseline": 1}},
        "timespan": {"glean.baseline.duration": {"time_unit": "second", "value": 600}},
    }
    assert inactive["ping_info"]["seq"] == 1
    assert inactive["ping_info"]["start_time"] == active["ping_info"]["end_time"]
    assert [event["timestamp"] for event in events["events"]] == [0, 60_000]
    assert events["ping_info"]["reason"] == "inactive"
    assert events["ping_info"]["seq"] == 0
    assert events["ping_info"]["start_time"] == active["ping_info"]["start_time"]
    assert again["metrics"] == {
        "labeled_counter": {"glean.validation.pings_submitted": {"baseline": 1, "events": 1}}
    }


def test_five_hundred_events_go_at_once(bench):
    glean = bench.glean()
    glean.start(START)
    for i in range(MOST_EVENTS + 1):
        glean.record(START + i, FRAGMENT)
    [(due, _, document)] = bench.pings()
    assert due == START + MOST_EVENTS - 1
    assert len(document["events"]) == MOST_EVENTS
    assert document["ping_info"]["reason"] == "max_capacity"
    glean.inactive(START + 9_000)
    *_, (_, _, rest) = bench.pings()
    assert [event["timestamp"] for event in rest["events"]] == [0]
    assert rest["ping_info"]["seq"] == 1


def test_what_a_short_run_leaves_goes_at_the_next_start(bench):
    glean = bench.glean()
    glean.start(START)
    glean.active(START)
    glean.record(START + 7, FRAGMENT)
    glean.start(START + 3_600_000)
    found = [(ping, document["ping_info"]["reason"]) for _, ping, document in bench.pings()]
    assert found == [
        ("glean_baseline_ping", "active"),
        ("glean_events_ping", "startup"),
        ("glean_baseline_ping", "dirty_startup"),
    ]


def test_an_end_by_force_is_told_at_the_next_start_though_the_last_period_began_warm(bench):
    glean = bench.glean()
    glean.start(START)
    glean.active(START)
    glean.inactive(START + 60_000)
    glean.active(START + 120_000)
    glean.start(START + 3_600_000)
    reasons = [document["ping_info"]["reason"] for _, _, document in bench.pings()]
    assert reasons == ["active", "inactive", "active", "dirty_startup"]


def test_an_end_in_order_is_not_told_again_at_the_next_start(bench):
    glean = bench.glean()
    glean.start(START)
    glean.active(START)
    glean.record(START + 7, FRAGMENT)
    glean.inactive(START + 60_000)
    sent = len(bench.outbox.rows)
    glean.start(START + 3_600_000)
    assert len(bench.outbox.rows) == sent
    glean.start(START + 7_200_000)  # but that start came to no end
    assert bench.pings()[-1][2]["ping_info"]["reason"] == "dirty_startup"


def test_times_are_local_and_to_the_minute(bench):
    glean = bench.glean(offset_ms=-8 * 3_600_000)
    glean.start(1_639_562_430_123)
    glean.active(1_639_562_430_123)
    [(_, _, document)] = bench.pings()
    assert document["ping_info"]["start_time"] == "2021-12-15T02:00-08:00"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(-7_200_000, 7_200_000),
    st.sampled_from([0, -28_800_000, 19_800_000]),
    st.lists(st.integers(0, 50_000), min_size=1, max_size=8),
)
def test_each_time_is_that_of_the_clients_own_clock_however_wrong(profile, skew_ms, offset_ms, pauses):
    bench = Bench(profile)
    glean = bench.glean(offset_ms=offset_ms, skew_ms=skew_ms)
    own_clock = timezone(timedelta(milliseconds=offset_ms))
    now_ms, shown = START, []
    glean.start(now_ms)
    for pause in pauses:
        now_ms += pause
        glean.active(now_ms)
        moment = datetime.fromtimestamp((now_ms + skew_ms) / 1000, own_clock)
        shown.append(moment.isoformat(timespec="minutes"))
    assert [document["ping_info"]["end_time"] for _, _, document in bench.pings()] == shown


def test_extra_values_are_cut_at_five_hundred_bytes(bench):
    glean = bench.glean()
    glean.start(START)
    glean.record(START, glean_event_fragment("c", "n", {"key": "é" * 300, "other": "x" * 500}))
    glean.record(START, glean_event_fragment("c", "n", {}))
    glean.inactive(START)
    *_, (_, _, document) = bench.pings()
    first, second = document["events"]
    assert first["extra"] == {"key": "é" * 250, "other": "x" * 500}
    assert "extra" not in second


STEPS = st.lists(
    st.tuples(
        st.integers(0, 40 * 60_000),
        st.sampled_from(["start", "active", "inactive", "burst", "event", "enrol", "unenrol"]),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_pings_of_a_name_form_an_unbroken_sequence(profile, steps):
    bench = Bench(profile)
    glean = bench.glean()
    glean.start(START)
    now_ms, recorded, enrolled = START, 0, []
    for pause, what in steps:
        now_ms += pause
        before = len(bench.outbox.rows)
        if what == "start":
            glean.start(now_ms)
        elif what == "active":
            glean.active(now_ms)
        elif what == "inactive":
            glean.inactive(now_ms)
        elif what == "enrol":
            bench.annotations.enrol("exp", "b", experiment_type="nimbus", enrollment_id=bench.session.uuid())
        elif what == "unenrol":
            bench.annotations.unenrol("exp")
        else:
            for _ in range(450 if what == "burst" else 1):
                glean.record(now_ms, FRAGMENT)
                recorded += 1
        is_enrolled = bool(bench.annotations.glean)
        enrolled += [is_enrolled] * (len(bench.outbox.rows) - before)
    glean.inactive(now_ms)
    pings = bench.pings()
    for (_, _, document), expected in zip(pings, enrolled, strict=False):
        assert ("experiments" in document["ping_info"]) == expected
    for name in ("glean_events_ping", "glean_baseline_ping"):
        infos = [document["ping_info"] for _, ping, document in pings if ping == name]
        assert [info["seq"] for info in infos] == list(range(len(infos)))
        assert all(later["start_time"] == earlier["end_time"] for earlier, later in pairwise(infos))
    sent = [document["events"] for _, ping, document in pings if ping == "glean_events_ping"]
    assert sum(map(len, sent)) == recorded
    for events in sent:
        times = [event["timestamp"] for event in events]
        assert times[0] == 0
        assert times == sorted(times)
        assert len(times) <= MOST_EVENTS
