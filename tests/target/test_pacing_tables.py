"""The pacing functions as tables: happy rows first, then sad ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import UsageError
from simulator.pacing import (
    NS_PER_S,
    Pace,
    PoissonArrivals,
    due_count,
    due_ns,
    duration_s,
    parse_pace,
    schedule_ns,
)


@pytest.mark.parametrize(
    ("text", "pace"),
    [
        ("max", Pace("max")),
        ("rate 500", Pace("rate", 500)),
        ("RATE  500/s", Pace("rate", 500)),
        ("rate=0.5", Pace("rate", 0.5)),
        ("poisson 20", Pace("poisson", 20)),
        ("ramp 10..100 over 30s", Pace("ramp", 10, 100, 30)),
        ("ramp 100..10 over 2m", Pace("ramp", 100, 10, 120)),
        ("ramp 0..50 over 500ms", Pace("ramp", 0, 50, 0.5)),
        ("schedule", Pace("schedule")),
    ],
)
def test_paces_are_read(text, pace):
    assert parse_pace(text) == pace


@pytest.mark.parametrize(
    "text",
    ["", "fast", "rate", "rate 0", "rate -5", "rate five", "poisson 0", "ramp 1..2", "ramp 1..0 over 3s",
     "ramp 0..0 over 3s", "ramp 1..2 over 0s", "ramp 1..2 over soon", "schedule 5"],
)  # fmt: skip
def test_nonsense_is_refused_with_the_choices(text):
    with pytest.raises(UsageError):
        parse_pace(text)


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
def test_a_speed_that_makes_no_sense_is_refused(speed):
    with pytest.raises(UsageError, match="--speed"):
        parse_pace("schedule", speed=speed)


@pytest.mark.parametrize(
    ("text", "seconds"), [("5", 5), ("5s", 5), ("250ms", 0.25), ("2m", 120), ("1h", 3600), ("1.5d", 129600)]
)
def test_durations(text, seconds):
    assert duration_s(text) == seconds


@pytest.mark.parametrize(
    ("pace", "number", "due_s"),
    [
        # a constant rate: the first at once, then evenly
        ("rate 100", 0, 0.0),
        ("rate 100", 1, 0.01),
        ("rate 100", 250, 2.5),
        ("rate 0.5", 3, 6.0),
        # a ramp from 0 to 100/s in 10 s: t^2 * 5 requests by then
        ("ramp 0..100 over 10s", 0, 0.0),
        ("ramp 0..100 over 10s", 5, 1.0),
        ("ramp 0..100 over 10s", 500, 10.0),
        # after the ramp the last rate stays
        ("ramp 0..100 over 10s", 600, 11.0),
        ("ramp 50..50 over 10s", 100, 2.0),
        # downwards: 100 t - 2.5 t^2
        ("ramp 100..50 over 10s", 750, 10.0),
        ("ramp 100..50 over 10s", 800, 11.0),
    ],
)
def test_when_a_request_is_due(pace, number, due_s):
    assert due_ns(parse_pace(pace), number, 1)[0] / NS_PER_S == pytest.approx(due_s, abs=1e-6)


@pytest.mark.parametrize(
    ("pace", "elapsed_s", "count"),
    [
        ("rate 100", -1, 0),
        ("rate 100", 0, 1),
        ("rate 100", 0.0099, 1),
        ("rate 100", 0.01, 2),
        ("rate 100", 2.5, 251),
        ("ramp 0..100 over 10s", 0, 1),
        ("ramp 0..100 over 10s", 1.0, 6),
        ("ramp 0..100 over 10s", 10, 501),
        ("ramp 0..100 over 10s", 11, 601),
    ],
)
def test_how_many_are_due(pace, elapsed_s, count):
    assert due_count(parse_pace(pace), elapsed_s) == count


@pytest.mark.parametrize("pace", ["max", "poisson 5", "schedule"])
def test_paces_without_times_by_number_say_so(pace):
    with pytest.raises(ValueError, match="alone"):
        due_ns(parse_pace(pace), 0, 1)
    with pytest.raises(ValueError, match="alone"):
        due_count(parse_pace(pace), 1.0)


rates = st.floats(0.5, 5000)


@given(rates, st.integers(0, 10_000))
def test_count_and_time_agree_for_a_rate(rate, number):
    pace = Pace("rate", rate)
    due_s = due_ns(pace, number, 1)[0] / NS_PER_S
    assert abs(due_count(pace, due_s + 1e-6) - (number + 1)) <= rate * 2e-6 + 1


@given(st.floats(0, 1000), rates, st.floats(0.1, 600), st.integers(0, 100_000))
def test_count_and_time_agree_for_a_ramp(start, end, over_s, number):
    pace = Pace("ramp", start, end, over_s)
    due_s = due_ns(pace, number, 1)[0] / NS_PER_S
    assert due_count(pace, due_s) == pytest.approx(number + 1, abs=1 + max(start, end) * 1e-6)


@given(st.floats(0, 1000), rates, st.floats(0.1, 600))
def test_due_times_never_go_back(start, end, over_s):
    assert (np.diff(due_ns(Pace("ramp", start, end, over_s), 0, 500)) >= 0).all()


@given(rates, st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_poisson_arrivals_do_not_depend_on_how_many_are_drawn_at_once(rate, pieces):
    whole = PoissonArrivals(rate, seed=3, worker=1).next_ns(sum(pieces))
    arrivals = PoissonArrivals(rate, seed=3, worker=1)
    parts = np.concatenate([arrivals.next_ns(piece) for piece in pieces])
    assert np.abs(whole - parts).max(initial=0) <= 2 + whole.max(initial=0) * 1e-12


def test_poisson_gaps_are_exponential():
    from scipy import stats

    times = PoissonArrivals(50, seed=9, worker=0).next_ns(20_000) / NS_PER_S
    gaps = np.diff(times)
    assert stats.kstest(gaps, "expon", args=(0, 1 / 50)).pvalue > 0.001


def test_workers_have_streams_of_their_own_that_add_up():
    half = parse_pace("poisson 100").share(0.5)
    assert half.rate == 50
    first, second = (PoissonArrivals(50, seed=1, worker=worker).next_ns(100) for worker in (0, 1))
    assert first.tolist() != second.tolist()


def test_the_schedule_keeps_gaps_and_squeezes_them():
    recorded = np.array([1000, 1000, 61_000, 121_000], dtype=np.int64)
    assert schedule_ns(recorded, origin_ms=1000, speed=60).tolist() == [0, 0, NS_PER_S, 2 * NS_PER_S]
