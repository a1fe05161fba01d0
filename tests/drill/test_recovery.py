"""The recovery of a fleet, on runs made by hand. Times in seconds; the outage lasts from 10 to 15."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.drill.recovery import NS_PER_S, Recovery, measure
from simulator.records import OUTCOME_DTYPE, STATES
from simulator.rundir import Outcomes

BEGAN, ENDED = 10, 15
START_S = 1_700_000_000


def ns(second: float) -> int:
    return START_S * NS_PER_S + int(second * NS_PER_S)


def run_of(pings: list[tuple[float, float | None, str, int]]) -> Outcomes:
    """(due, done, state, attempt) of each ping."""
    rows = np.zeros(len(pings), dtype=OUTCOME_DTYPE)
    for row, (due, done, state, attempt) in zip(rows, pings, strict=True):
        row["due"], row["sent"] = ns(due), ns(due)
        row["done"] = ns(done) if done is not None else 0
        row["state"], row["attempt"] = STATES.index(state), attempt
    return rows


def measured(pings: list[tuple[float, float | None, str, int]]) -> Recovery:
    return measure(run_of(pings), began_ns=ns(BEGAN), ended_ns=ns(ENDED))


def at_once(first: float, last: float, a_second: int = 10) -> list[tuple[float, float | None, str, int]]:
    count = int((last - first) * a_second)
    return [(first + i / a_second, first + i / a_second + 0.01, "accepted", 1) for i in range(count)]


def test_nothing_happened() -> None:
    found = measured(at_once(0, 30))
    assert (found.recovery_s, found.delayed, found.given_up, found.tried_again) == (0, 0, 0, 0)
    assert found.most_behind == 0
    assert found.usual_per_s == 10


def test_kept_pings_come_in_a_wave_after_the_outage() -> None:
    kept = [(10 + i / 10, 16 + i / 100, "accepted", 3) for i in range(50)]
    found = measured(at_once(0, 10) + kept + at_once(15, 30))
    assert found.recovery_s == pytest.approx(1.49, abs=0.01), "the last of them was done with at 16.49"
    assert found.delayed == found.tried_again == 50
    assert found.peak_per_s == 60, "ten new ones and fifty kept ones"
    assert found.most_behind > 40
    assert found.wave.behind[-1] == 0
    assert sum(found.wave.decided) == len(at_once(0, 10) + kept + at_once(15, 30))


def test_forgotten_pings_leave_nothing_to_recover_from() -> None:
    forgotten = [(10 + i / 10, 10 + i / 10 + 0.01, "failed", 1) for i in range(50)]
    found = measured(at_once(0, 10) + forgotten + at_once(15, 30))
    assert (found.recovery_s, found.given_up, found.delayed) == (0, 50, 0)
    assert sum(found.wave.given_up) == 50


def test_a_late_hiccup_is_not_part_of_the_recovery() -> None:
    kept = [(14.0, 16.0, "accepted", 2)]
    hiccup = [(25.0, 27.0, "accepted", 1)]
    assert measured(at_once(0, 10) + kept + at_once(15, 25) + hiccup).recovery_s == pytest.approx(1.0)


def test_a_wave_that_pushes_new_pings_back_lasts_until_they_are_done() -> None:
    kept = [(14.0, 17.0, "accepted", 2)]
    pushed = [(16.5, 18.5, "accepted", 1)]
    assert measured(at_once(0, 10) + kept + pushed).recovery_s == pytest.approx(3.5)


def test_a_ping_that_never_ended_keeps_the_recovery_open() -> None:
    found = measured([*at_once(0, 30), (12.0, None, "unknown", 2)])
    assert found.recovery_s > 10


def test_pings_that_never_left_are_left_aside() -> None:
    rows = run_of(at_once(0, 20))
    rows["sent"][-5:] = 0
    found = measure(rows, began_ns=ns(BEGAN), ended_ns=ns(ENDED))
    assert sum(found.wave.due) == len(rows) - 5


def test_an_empty_run() -> None:
    assert measured([]).recovery_s == 0


pings = st.lists(
    st.tuples(st.floats(0, 30), st.floats(0, 20), st.sampled_from(STATES[1:]), st.integers(1, 5)), max_size=60
)


@given(pings)
def test_every_second_adds_up(found: list[tuple[float, float, str, int]]) -> None:
    run = [(due, due + took, state, attempt) for due, took, state, attempt in found]
    recovery = measured(run)
    wave = recovery.wave
    assert sum(wave.due) == len(run)
    assert sum(wave.decided) + sum(wave.given_up) == len(run)
    assert recovery.recovery_s >= 0
    assert len({len(wave.due), len(wave.decided), len(wave.given_up), len(wave.behind)}) == 1
    ended = [due + took for due, took, _, _ in found]
    assert recovery.recovery_s <= max([*ended, ENDED]) - ENDED + 0.001


def test_the_outage_is_told_as_it_was() -> None:
    found = measured(at_once(2, 30))
    assert (found.outage_s, found.began_s, found.ended_s) == (5, 8, 13)
    assert len(found.wave.due) == 28, "from the first due ping to the last answer"


def test_a_ping_is_behind_a_quarter_of_a_second_after_its_time() -> None:
    for late, delayed in ((0.25, 0), (0.251, 1)):
        found = measured([*at_once(0, 10), (20.0, 20.0 + late, "accepted", 1)])
        assert (found.delayed, found.behind_ms) == (delayed, 250)


def test_where_answers_are_slow_at_all_times_only_slower_ones_are_behind() -> None:
    slow = [(due, due + 0.2, state, attempt) for due, _, state, attempt in at_once(0, 10)]
    for late, delayed in ((0.9, 0), (1.1, 1)):
        found = measured([*slow, (20.0, 20.0 + late, "accepted", 1)])
        assert (found.delayed, found.behind_ms) == (delayed, pytest.approx(1_000))
        assert found.usual_per_s == pytest.approx(10, abs=0.5)


def test_the_wave_is_as_high_as_what_follows_the_outage() -> None:
    found = measured(at_once(0, 10, a_second=50) + at_once(15, 30, a_second=20))
    assert (found.usual_per_s, found.peak_per_s) == (50, 20)


@settings(max_examples=50)
@given(pings)
def test_each_second_holds_what_a_look_at_every_ping_finds_in_it(
    found: list[tuple[float, float, str, int]],
) -> None:
    run = [(round(due, 3), round(due, 3) + round(took, 3), state, tries) for due, took, state, tries in found]
    recovery = measured(run)
    wave = recovery.wave
    start = min((due for due, *_ in run), default=BEGAN)
    limit = recovery.behind_ms / 1_000

    def second(at: float) -> int:
        return min((ns(at) - ns(start)) // NS_PER_S, len(wave.due) - 1)

    is_decided = {"accepted", "rejected"}
    for place in range(len(wave.due)):
        assert wave.due[place] == sum(second(due) == place for due, *_ in run)
        ends = [state for _, done, state, _ in run if second(done) == place]
        assert wave.decided[place] == sum(state in is_decided for state in ends)
        assert wave.given_up[place] == sum(state not in is_decided for state in ends)
        now = ns(start) + (place + 1) * NS_PER_S
        behind = sum(ns(due) + int(limit * 1e9) <= now < ns(done) for due, done, *_ in run)
        assert wave.behind[place] == behind
    assert recovery.most_behind == max(wave.behind)
    assert recovery.delayed == sum(
        state in is_decided and ns(done) - ns(due) > limit * 1e9 for due, done, state, _ in run
    )
    assert recovery.given_up == sum(state not in is_decided for *_, state, _ in run)
    assert recovery.tried_again == sum(tries > 1 for *_, tries in run)


@settings(max_examples=50)
@given(pings)
def test_it_is_over_at_the_first_moment_at_which_nothing_old_is_open(
    found: list[tuple[float, float, str, int]],
) -> None:
    run = [(round(due, 3), round(due, 3) + round(took, 3), state, tries) for due, took, state, tries in found]
    recovery = measured(run)
    limit = int(recovery.behind_ms * 1e6)

    def is_open(now: int) -> bool:
        return any(ns(due) + limit <= now < ns(done) for due, done, *_ in run)

    # It can only end when the outage does, or when a ping is done with.
    moments = sorted({ns(ENDED), *(ns(done) for _, done, *_ in run if ns(done) > ns(ENDED))})
    over = next(moment for moment in moments if not is_open(moment))
    assert recovery.recovery_s == pytest.approx((over - ns(ENDED)) / NS_PER_S, abs=0.001)
