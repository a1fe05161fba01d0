"""What is known of a request that was to be sent again when the run ended: never more than there is to know."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from replay_rig import pings_for, target_from

from simulator.corpus import open_corpus, write_corpus
from simulator.guard import admit
from simulator.pacing import parse_pace
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


@pytest.fixture
def fates(tape):
    from fates import Fates
    from plan import Plan
    from recorder import Recorder

    target = target_from(BULK)
    plan = Plan(target=target, destination=admit("http://127.0.0.1:1"), pace=parse_pace("max"))
    recorder = Recorder(tape, target, writer=None, locust=None)
    return Fates(tape, plan, SimpleNamespace(), recorder)


def lane_with(job):
    return SimpleNamespace(job=job, before=(0, 0), written=False)


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
