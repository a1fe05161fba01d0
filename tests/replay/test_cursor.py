"""The order in which requests are handed out, held against a list of all of them with their due times."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_rig import pings_for

from simulator.corpus import open_corpus, write_corpus
from simulator.guard import admit
from simulator.pacing import parse_pace
from simulator.tape import TapeBuilder, TapeSpec
from simulator.target import load_target

MS = 1_000_000
START = 7_000 * MS
SIZE = 7
GAP_MS = 10


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("cursor") / "corpus"
    write_corpus(path, pings_for(SIZE, gap_ms=GAP_MS), dialect="wire")
    return open_corpus(path)


def due_times(pace: str, rounds: int) -> list[int]:
    """When each request of all repetitions is due, one after the other; 0 where none has a time."""
    if pace == "max":
        return [0] * (SIZE * rounds)
    # 100 requests a second, and a corpus that has one every 10 ms and is played as it is: the same times,
    # but that the next repetition of a schedule begins a millisecond after the last ping.
    span_ms = GAP_MS * (SIZE - 1) + 1
    if pace == "schedule":
        return [START + (n // SIZE * span_ms + n % SIZE * GAP_MS) * MS for n in range(SIZE * rounds)]
    return [START + n * GAP_MS * MS for n in range(SIZE * rounds)]


STEPS = st.lists(
    st.tuples(st.integers(0, 45), st.integers(0, 6), st.sampled_from([None, None, 0, 5, 25])), max_size=40
)


@settings(max_examples=60)
@given(
    st.sampled_from(["max", "rate 100", "schedule"]),
    st.integers(1, 3),
    st.integers(0, 2**32 - 1),
    STEPS,
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)),
)
def test_each_request_comes_once_in_order_and_not_before_its_time(corpus, pace, rounds, salt, steps, pieces):
    import cursor as module
    import due_times as due_module
    from plan import Plan

    target = load_target("structured")
    spec = TapeSpec(target=target, netloc="x", repeats=True)
    tape = replace(TapeBuilder(corpus, spec).build(), salt=salt)
    plan = Plan(
        target=target,
        destination=admit("http://127.0.0.1:1"),
        pace=parse_pace(pace),
        rounds=rounds,
        origin_ms=corpus.meta.first_due_ms,
        span_ms=GAP_MS * (SIZE - 1) + 1,
    )
    due, begun = due_times(pace, rounds), []
    taken, waiting, now = 0, [], START
    with (
        patch.object(module, "_STOCK", pieces[0]),
        patch.object(module, "_REWRITE_PINGS", pieces[1]),
        patch.object(due_module, "STEP_REQUESTS", pieces[2]),
    ):
        found = module.Cursor(tape, plan, SimpleNamespace(add=begun.append))
        found.start(START)
        for pause, most, again_after in steps:
            now += pause * MS
            for _ in range(most):
                ready = sorted(entry for entry in waiting if entry[0] <= now)
                job = found.take(now)
                if ready:
                    waiting.remove(ready[0])
                    assert (job.round.number, job.k, job.attempt) == ready[0][2]
                    assert job.data is None
                elif taken < len(due) and due[taken] <= now:
                    assert (job.round.number, job.k, job.attempt) == (*divmod(taken, SIZE), 1)
                    assert job.due == due[taken]
                    assert bytes(job.data) == tape.render(job.k, job.round.number)
                    taken += 1
                else:
                    assert job is None
                    break
                if again_after is not None:
                    when, again = now + again_after * MS, job.again()
                    # Of two that are due together the one that was given back first goes first.
                    waiting.append((when, 0, (again.round.number, again.k, again.attempt)))
                    waiting = [(at, place, what) for place, (at, _, what) in enumerate(waiting)]
                    found.give_back(again, when)
            check_what_comes_next(found, due, taken, waiting, now)
        while taken < len(due):
            taken += found.take(START + 10**12).attempt == 1
        waiting = [found.take(START + 10**12) for _ in range(len(found.waiting))]
        assert found.take(START + 10**12) is None
        assert found.exhausted
        found.close()
    assert [round_.number for round_ in begun] == list(range(len(begun)))


def check_what_comes_next(found, due, taken, waiting, now):
    has_times = due[0] > 0
    inside = taken % SIZE > 0  # the next repetition begins only when somebody asks for its first request
    own = [due[taken]] if has_times and inside else []
    times = [when for when, *_ in waiting] + own
    if not (has_times and not inside and taken < len(due)):
        assert found.next_due() == min(times, default=0)
    never = sum(at <= now for at in due[taken : -(-taken // SIZE) * SIZE]) if has_times and inside else 0
    if inside:
        assert found.never_started(now, lambda: None) == never
    assert not (found.exhausted and taken < len(due))


def test_without_an_end_repetitions_go_on(corpus):
    from cursor import Cursor
    from plan import Plan

    target = load_target("structured")
    tape = TapeBuilder(corpus, TapeSpec(target=target, netloc="x")).build()
    plan = Plan(target=target, destination=admit("http://127.0.0.1:1"), pace=parse_pace("max"), rounds=0)
    found = Cursor(tape, plan, SimpleNamespace(add=lambda _: None))
    jobs = [found.take(0) for _ in range(5 * SIZE)]
    assert [(job.round.number, job.k) for job in jobs] == [divmod(n, SIZE) for n in range(5 * SIZE)]
    assert not found.exhausted
    found.close()
