"""What is known of a request that was to be sent again when the run ended: never more than there is to know."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from replay_rig import pings_for, target_from

from simulator.corpus import open_corpus, write_corpus
from simulator.guard import admit
from simulator.pacing import NS_PER_S, parse_pace
from simulator.records import STATES
from simulator.tape import TapeBuilder, TapeSpec

ACCEPTED, FAILED, UNKNOWN = (STATES.index(name) for name in ("accepted", "failed", "unknown"))
BULK = """
name = "bulk"
title = "t"
[envelope]
path = "/"
content_type = "a/b"
[answers]
results = "elasticsearch"
[retry]
policy = "fixed"
item_statuses = [429]
"""


@pytest.fixture
def tape(tmp_path):
    write_corpus(tmp_path / "corpus", pings_for(4), dialect="wire")
    spec = TapeSpec(target=target_from(BULK), netloc="x", batch=4)
    return TapeBuilder(open_corpus(tmp_path / "corpus"), spec).build()


class Waiting(list):
    """Takes back what is to be sent again, and when."""

    def give_back(self, job, when):
        self.append((job, when))


def fates_by(tape, rules="", *, policy="fixed"):
    """Fates by a target's rules, what is to be sent again, and the recorder."""
    from fates import Fates
    from plan import Plan
    from recorder import Recorder

    target, waiting = target_from(BULK.replace("fixed", policy) + rules), Waiting()
    plan = Plan(target=target, destination=admit("http://127.0.0.1:1"), pace=parse_pace("max"))
    recorder = Recorder(tape, target, writer=None, locust=None)
    return Fates(tape, plan, waiting, recorder), waiting, recorder


@pytest.fixture
def fates(tape):
    return fates_by(tape)[0]


def lane_with(job, *, retry_after=b""):
    return SimpleNamespace(
        job=job,
        before=(0, 0),
        written=False,
        server_timing=lambda: b"",
        retry_after=lambda: retry_after,
        payload_is_whole=lambda: True,
        payload=lambda: b"",
        head=lambda: b"",
    )


def told(round_):
    """(state, attempt, sent, done, status) of each ping."""
    rows, _ = round_.rows(np.array([0]), epoch_ns=1_000)
    names = ("state", "attempt", "sent", "done", "status")
    return [tuple(int(row[name]) for name in names) for row in rows]


def test_a_request_that_never_left_was_not_sent(tape, fates):
    from cursor import Job
    from rounds import Round

    round_ = Round(tape, 0, None)
    lane = lane_with(Job(0, round_, 0, None, plain=False))
    round_.sent[0] = 10
    fates.abandoned(lane)
    assert told(round_) == [(STATES.index("unsent"), 0, 0, 0, 0)] * 4


@pytest.mark.parametrize("left", [False, True])
def test_a_second_try_that_never_left_leaves_the_first_as_it_was(tape, fates, left):
    from cursor import Job
    from rounds import Round

    round_ = Round(tape, 0, None)
    round_.sent[0], round_.done[0], round_.status[0], round_.state[0] = 10, 20, 503, FAILED
    lane = lane_with(Job(0, round_, 0, None, plain=False).again())
    fates.sends_again(lane, 50)
    round_.sent[0], lane.written = 50, left
    fates.abandoned(lane)
    # The answer to the first try is none to the second, which may have arrived.
    assert told(round_) == [(UNKNOWN, 2, 1_050, 0, 0) if left else (FAILED, 1, 1_010, 1_020, 503)] * 4


@pytest.mark.parametrize("left", [False, True])
def test_items_that_did_not_leave_a_second_time_are_as_they_were(tape, fates, left):
    from cursor import Job
    from rounds import Parted, Round

    round_ = Round(tape, 0, None)
    round_.sent[0], round_.done[0], round_.status[0] = 10, 20, 200
    states = [ACCEPTED, FAILED, ACCEPTED, FAILED]
    round_.parted[0] = Parted(states, attempt=1, sent=10, done=20, status=200)
    lane = lane_with(Job(0, round_, 0, None, plain=False).again((1, 3)))
    fates.sends_again(lane, 50)
    round_.sent[0], lane.written = 50, left
    fates.abandoned(lane)
    first = (ACCEPTED, 1, 1_010, 1_020, 200)
    again = (UNKNOWN, 2, 1_050, 0, 0) if left else (FAILED, 1, 1_010, 1_020, 200)
    assert told(round_) == [first, again, first, again]


def test_items_whose_second_try_was_put_off_wait_as_failed(tape):
    from cursor import Job
    from rounds import Parted, Round

    fates, waiting, _ = fates_by(tape)
    round_ = Round(tape, 0, None)
    round_.parted[0] = Parted([ACCEPTED, FAILED, FAILED, FAILED], attempt=1, sent=10, done=20, status=200)
    lane = lane_with(Job(0, round_, 0, None, plain=False).again((1, 3)))
    fates.sends_again(lane, 50)
    fates.answered(lane, 503, 60)
    first, put_off = (1_010, 1_020, 200), (1_050, 1_060, 503)
    assert told(round_) == [
        *((ACCEPTED, 1, *first), (FAILED, 2, *put_off), (FAILED, 1, *first), (FAILED, 2, *put_off)),
    ]
    [(job, _)] = waiting
    assert (job.attempt, job.items) == (3, (1, 3))


@pytest.mark.parametrize(
    ("policy", "rules", "waits_s"),
    [
        ("fixed", "wait_s = 2.0\nattempts = 4\n", [2, 2, 2]),
        ("fixed", "wait_s = 2.0\nattempts = 1\n", []),
        ("none", "wait_s = 2.0\nattempts = 4\n", []),
        ("exponential", "wait_s = 2.0\nlongest_wait_s = 10.0\nattempts = 6\n", [2, 4, 8, 10, 10]),
    ],
)
@pytest.mark.parametrize("refused", [False, True])
def test_a_request_is_tried_as_often_and_as_late_as_the_target_says(tape, policy, rules, waits_s, refused):
    from cursor import Job
    from rounds import Round

    fates, waiting, recorder = fates_by(tape, rules, policy=policy)
    round_ = Round(tape, 0, None)
    recorder.add(round_)
    job, now, waits = Job(0, round_, 0, None, plain=False), 1_000, []
    for _ in range(10):
        if refused:
            fates.refused(job, now)
        else:
            round_.sent[0] = now
            lane = lane_with(job)
            if job.attempt > 1:
                fates.sends_again(lane, now)
            fates.answered(lane, 503, now)
        if not waiting:
            break
        [(job, when)] = waiting
        waiting.clear()
        waits.append((when - now) / NS_PER_S)
        now = when
    assert waits == waits_s
    assert round_.finished == [0]
    tries = 1 + len(waits_s)
    [state, attempt, sent, done, status] = told(round_)[0]
    assert (state, attempt, status) == (FAILED, tries, 0 if refused else 503)
    assert done == now + 1_000
    assert sent == (2_000 if refused else done)  # who was refused has been trying since the first time


@pytest.mark.parametrize(
    ("rules", "retry_after", "least", "most"),
    [
        ("wait_s = 4.0\n", b"", 4, 4),
        ("wait_s = 4.0\n", b"9", 9, 9),
        ("wait_s = 4.0\n", b"1", 4, 4),
        ("wait_s = 4.0\nhonour_retry_after = false\n", b"9", 4, 4),
        ("wait_s = 4.0\njitter = true\n", b"", 2, 4),
    ],
)
def test_how_long_a_wait_is(tape, rules, retry_after, least, most):
    from cursor import Job
    from rounds import Round

    fates, waiting, _ = fates_by(tape, rules)
    round_ = Round(tape, 0, None)
    for _ in range(20):
        fates.answered(lane_with(Job(0, round_, 0, None, plain=False), retry_after=retry_after), 429, 1_000)
    waits = {(when - 1_000) / NS_PER_S for _, when in waiting}
    assert least <= min(waits) <= max(waits) <= most
    assert (len(waits) > 1) == (least < most)


@pytest.mark.parametrize("status", [200, 400, 404, 302])
def test_what_was_decided_or_may_not_be_repeated_ends_at_once(tape, status):
    from cursor import Job
    from rounds import Round

    fates, waiting, recorder = fates_by(tape)
    round_ = Round(tape, 0, None)
    recorder.add(round_)
    fates.answered(lane_with(Job(0, round_, 0, None, plain=False)), status, 1_000)
    assert (waiting, round_.finished) == ([], [0])
