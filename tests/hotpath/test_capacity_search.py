"""The search finds the knee of a simulated endpoint, in few trials, through noise, and says what ended it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.capacity import Search, Step, check_objectives, find_capacity, find_knee
from simulator.errors import UsageError
from simulator.randomness import stream
from simulator.reconcile.summary import Latency
from simulator.thresholds import parse_thresholds


class Simulated:
    """An endpoint whose latency is that of an M/M/1 queue; the objective is p99 under 50 ms."""

    def __init__(self, capacity, *, generator=float("inf"), flaky=0.0):
        self.capacity, self.generator, self.flaky = capacity, generator, flaky
        self.draw = stream(1, 0, "test/capacity").uniform
        self.seconds = 0.0

    def p99_ms(self, rate):
        return 4600 / (self.capacity - rate) if rate < self.capacity else 60_000

    def __call__(self, rate, seconds, purpose):
        self.seconds += seconds
        starved = rate > self.generator
        p99 = self.p99_ms(min(rate, self.generator))
        ok = p99 < 50 and not starved and self.draw() >= self.flaky
        return Step(
            rate=rate,
            purpose=purpose,
            ok=ok,
            generator=starved,
            achieved=min(rate, self.capacity, self.generator),
            pings_per_s=10 * min(rate, self.capacity),
            latency_ms=Latency(p99=p99),
            errors=0,
            reasons=[] if ok else ["p99"],
        )

    @property
    def truth(self):
        return self.capacity - 92


@pytest.mark.parametrize("capacity", [150, 1_000, 7_777, 90_000])
@pytest.mark.parametrize("start", [1, 100, 30_000])
def test_the_highest_rate_under_the_objective_is_found(capacity, start):
    endpoint = Simulated(capacity)
    found = find_capacity(endpoint, Search(start=start), slo=["p99<50ms"])
    assert endpoint.truth / 1.06 <= found.rate <= endpoint.truth
    assert (found.limit, found.slo) == ("objective", ["p99<50ms"])
    assert found.steps[-1].purpose == "confirm"
    assert found.pings_per_s == 10 * found.rate
    assert len(found.steps) <= 40


def test_a_finer_search_comes_closer():
    endpoint = Simulated(5_000)
    found = find_capacity(endpoint, Search(precision=0.01))
    assert endpoint.truth / 1.011 <= found.rate <= endpoint.truth


def test_one_bad_moment_is_not_believed():
    endpoint = Simulated(5_000, flaky=0.1)
    found = find_capacity(endpoint, Search())
    assert found.rate >= endpoint.truth / 1.15
    assert "again" in {step.purpose for step in found.steps}


def test_an_answer_that_does_not_hold_is_stepped_down():
    endpoint = Simulated(5_000)

    def tires(rate, seconds, purpose):
        step = endpoint(rate, seconds, purpose)
        short_lived = seconds >= 20 and rate > 4_500
        return Step(
            **{**{f: getattr(step, f) for f in step.__struct_fields__}, "ok": step.ok and not short_lived}
        )

    found = find_capacity(tires, Search())
    assert 4_000 < found.rate <= 4_500
    assert [step.ok for step in found.steps if step.purpose == "confirm"][-1]


def test_a_generator_at_its_limit_ends_the_search_and_says_so():
    found = find_capacity(Simulated(50_000, generator=3_000), Search())
    assert 3_000 / 1.06 <= found.rate <= 3_000
    assert found.limit == "generator"


def test_the_highest_rate_that_was_to_be_tried_may_hold():
    found = find_capacity(Simulated(50_000), Search(highest=800))
    assert (found.rate, found.limit) == (800, "ceiling")
    assert [step.rate for step in found.steps] == [100, 200, 400, 800, 800]


def test_a_start_far_too_high_is_left_for_what_was_answered():
    endpoint = Simulated(120)
    found = find_capacity(endpoint, Search(start=1e6))
    assert endpoint.truth / 1.06 <= found.rate <= endpoint.truth
    assert len(found.steps) <= 20


def test_an_endpoint_that_holds_nothing_is_given_up():
    found = find_capacity(Simulated(80), Search(start=64, lowest=1))
    assert (found.rate, found.pings_per_s, found.limit) == (None, None, "floor")
    assert min(step.rate for step in found.steps) == 1


def test_the_search_is_bounded_whatever_happens():
    endpoint = Simulated(5_000, flaky=0.6)
    found = find_capacity(endpoint, Search(precision=0.0001))
    assert len(found.steps) <= 50


def test_however_fine_the_search_it_ends_and_says_what_it_has_found():
    endpoint = Simulated(5_000)
    found = find_capacity(endpoint, Search(precision=1e-12))
    assert len(found.steps) <= 50
    assert endpoint.truth / 1.001 <= found.rate <= endpoint.truth


@given(
    capacity=st.floats(100, 1e5),
    generator=st.just(float("inf")) | st.floats(50, 1e5),
    start=st.floats(0.1, 1e6),
    lowest=st.floats(1, 100),
    highest=st.floats(150, 1e6),
)
def test_wherever_it_starts_it_finds_the_same_and_stays_within_its_bounds(
    capacity, generator, start, lowest, highest
):
    endpoint = Simulated(capacity, generator=generator)
    found = find_capacity(endpoint, Search(start=start, lowest=lowest, highest=highest))
    truth = min(endpoint.truth, generator)
    assert all(lowest <= step.rate <= highest for step in found.steps)
    if truth < lowest:
        assert (found.rate, found.limit) == (None, "floor")
    elif endpoint.truth > highest and generator >= highest:
        assert (found.rate, found.limit) == (highest, "ceiling")
    else:
        assert max(truth / 1.06, lowest) <= found.rate <= truth
        assert found.limit in (
            {"generator"} if generator < endpoint.truth / 1.06 else {"objective", "generator"}
        )
    assert found.pings_per_s == (None if found.rate is None else found.steps[-1].pings_per_s)


def step(rate, p99, *, generator=False):
    return Step(
        rate=rate,
        purpose="bracket",
        ok=True,
        generator=generator,
        achieved=rate,
        pings_per_s=rate,
        latency_ms=Latency(p99=p99),
        errors=0,
        reasons=[],
    )


def test_the_knee_is_where_latency_begins_to_climb():
    curve = [(100, 2), (200, 2), (400, 2.1), (800, 2.3), (900, 9), (950, 60), (1000, 900)]
    assert find_knee([step(rate, p99) for rate, p99 in curve]) == 800


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [step(rate, 2) for rate in (100, 200, 400)],
        [step(rate, 2 + rate / 10_000) for rate in (100, 200, 400, 800)],
    ],
)
def test_a_flat_or_short_curve_has_no_knee(steps):
    assert find_knee(steps) is None


def test_what_the_generator_spoilt_does_not_count_for_the_knee():
    flat = [step(rate, 2) for rate in (100, 200, 400, 800)]
    assert find_knee([*flat, step(900, 5_000, generator=True)]) is None


def test_an_objective_that_no_trial_can_judge_is_refused_before_the_search():
    check_objectives(parse_thresholds(["p99<50ms,errors<1%,wrongly_accepted==0"]))
    with pytest.raises(UsageError, match=r"--slo lost==0, duplicated_by_retry<5: trials look up no ledger"):
        check_objectives(parse_thresholds(["p99<50ms,lost==0,duplicated_by_retry<5"]))
