"""What becomes of a request: its pings are decided, it is sent again later, or nobody knows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cursor import Cursor, Job
from lane import Lane
from plan import Plan
from recorder import Recorder
from rounds import FAILED, STATE_NUMBERS, UNKNOWN, UNSENT, Parted, Round

from simulator.pacing import NS_PER_S
from simulator.randomness import stream
from simulator.tape import Tape
from simulator.target.coding import decoded
from simulator.target.results import States, decided, read_results

_CONTENT_ENCODING = re.compile(rb"\r\ncontent-encoding:[ \t]*([^\r\n]*)", re.IGNORECASE)
_LARGEST_BODY = 1 << 25


class Fates:
    """Decides by the target's rules, and writes it down in the request's round.

    Args:
        tape: requests.
        plan: target and its retry policy.
        cursor: takes requests back that are to be sent again.
        recorder: hears of everything out of the ordinary.
    """

    def __init__(self, tape: Tape, plan: Plan, cursor: Cursor, recorder: Recorder) -> None:
        self._tape, self._target, self._cursor, self._recorder = tape, plan.target, cursor, recorder
        target = plan.target
        self._ids = [carrier.ids for carrier in target.carrier] or [target.ids]
        self._kinds = [carrier.results for carrier in target.carrier] or [target.answers.results]
        self._jitter = stream(plan.seed, plan.worker, "replay/retry-jitter")

    def answered(self, lane: Lane, status: int, now: int) -> None:
        """A whole answer came."""
        job = lane.job
        job.round.done[job.k] = now
        job.round.status[job.k] = status
        self._recorder.server_timing(lane)
        undecided = decided(self._target, status) == "failed"
        if undecided and status in self._target.retry.statuses and self._may_repeat(job):
            if job.items is None:
                job.round.state[job.k] = FAILED
            else:
                states = [FAILED] * len(job.items)
                job.round.parted[job.k].ends(job.items, states, done=now, status=status)
            self._later(job, now, self._asked_ns(lane))
        else:
            self._decide(lane, job, status, now)

    def sends_again(self, lane: Lane, now: int) -> None:
        """A request, or some items of it, is about to go out for another time."""
        job = lane.job
        k, round_, items = job.k, job.round, job.items
        self._recorder.sent_again(round_, k)
        round_.attempts[k] = job.attempt
        if items is None:
            lane.before = round_.state[k], round_.sent[k]
            round_.state[k] = UNSENT  # as the first time: what came before says nothing of this one
        else:
            parted = round_.parted[k]
            lane.before = parted.states[items[0]], parted.sent[items[0]]
            parted.sends(items, attempt=job.attempt, now=now)

    def takes_back(self, lane: Lane) -> None:
        """Not a byte of a request went out."""
        job = lane.job
        k, round_ = job.k, job.round
        if job.attempt == 1:
            round_.sent[k] = 0
            return
        round_.attempts[k] = job.attempt - 1
        state, round_.sent[k] = lane.before
        if job.items is None:
            round_.state[k] = state
        else:
            round_.parted[k].takes_back(job.items, state, sent=round_.sent[k])

    def abandoned(self, lane: Lane) -> None:
        """The run ends under a request."""
        job = lane.job
        k, round_ = job.k, job.round
        if not lane.written:
            self.takes_back(lane)
        elif job.items is None:  # an answer to an earlier try is none to this one
            round_.state[k], round_.done[k], round_.status[k] = UNKNOWN, 0, 0
        else:
            round_.parted[k].ends(job.items, [UNKNOWN] * len(job.items), done=0, status=0)

    def broke_off(self, lane: Lane, now: int, why: str, *, repeatable: bool, timed_out: bool) -> Job | None:
        """The connection ended under a request.

        Args:
            lane: it holds the request.
            now: monotonic nanoseconds.
            why: in words.
            repeatable: whether another try may do better.
            timed_out: whether we ended it, as nothing had come for too long.

        Returns:
            What the lane is to send at once on a new connection, if anything.
        """
        job = lane.job
        k, round_ = job.k, job.round
        reused = lane.reused and not lane.chunks
        if repeatable and not lane.written:
            self.takes_back(lane)
            return job
        identified = repeatable and self._ids[self._tape.carrier[k]]
        if job.items is None:
            round_.state[k] = UNKNOWN
        if identified and reused and not timed_out and k not in round_.resent and not self._tape.closes[k]:
            # RFC 9110 9.2.2: a request on a kept-alive connection that ends without a byte of an answer may be
            # sent again where a second copy does no harm; ids make it so. Once only, and on a new connection.
            round_.resent.add(k)
            return job.again()
        if identified and self._target.retry.network and self._may_repeat(job):
            self._later(job, now, 0)
            return None
        self._gives_up(job, now, f"{why} (request written in part)" if lane.rest is not None else why)
        return None

    def refused(self, job: Job, now: int) -> None:
        """No connection could be made for a request, and the target's policy counts that as a try."""
        k, round_ = job.k, job.round
        round_.sent[k] = round_.sent[k] or now
        round_.attempts[k] = job.attempt
        if job.items is None:
            round_.state[k] = FAILED
        else:  # what was known of them is still all that is known
            for item in job.items:
                round_.parted[k].attempts[item] = job.attempt
        if self._may_repeat(job):
            self._later(job, now, 0)
            return
        self._gives_up(job, now, "cannot connect")

    def _gives_up(self, job: Job, now: int, why: str) -> None:
        """The last try ended without an answer."""
        k, round_ = job.k, job.round
        round_.done[k] = now
        round_.status[k] = 0
        if job.items is not None:
            parted = round_.parted[k]
            parted.ends(job.items, [parted.states[item] for item in job.items], done=now, status=0)
            self._settle(round_, k, parted.states)
        round_.finished.append(k)
        self._recorder.lost(round_, k, why)

    def memorable(self, lane: Lane, status: int) -> bool:
        """Whether the bytes of this answer, to a plain request, say everything there is to know.

        The same bytes need no parser again.
        """
        return status in self._target.answers.accepted and lane.keep_alive and not lane.server_timing()

    def _may_repeat(self, job: Job) -> bool:
        retry = self._target.retry
        return retry.policy != "none" and job.attempt < retry.attempts

    def _later(self, job: Job, now: int, at_least_ns: int, *, items: tuple[int, ...] | None = None) -> None:
        retry = self._target.retry
        wait_s = retry.wait_s
        if retry.policy == "exponential":
            wait_s = min(retry.wait_s * 2 ** (job.attempt - 1), retry.longest_wait_s)
        if retry.jitter:
            wait_s *= 0.5 + 0.5 * self._jitter.uniform()
        wait_ns = max(int(wait_s * NS_PER_S), at_least_ns)
        self._cursor.give_back(job.again(items), now + wait_ns)

    def _asked_ns(self, lane: Lane) -> int:
        """How long the answer asks to wait."""
        if not self._target.retry.honour_retry_after:
            return 0
        return self._recorder.retry_after_ns(lane.retry_after())

    def _decide(self, lane: Lane, job: Job, status: int, now: int) -> None:
        k, round_, tape = job.k, job.round, self._tape
        pings = int(tape.first[k + 1] - tape.first[k]) if job.items is None else len(job.items)
        kind = self._kinds[tape.carrier[k]]
        body = b"" if kind == "status" else _body(lane)
        results = read_results(self._target, kind, status=status, body=body, pings=pings)
        states = _numbers(results.states)
        if self._recorder.wants_example(status):
            self._recorder.example(_body(lane) or lane.payload(), status)
        again = (
            results.again(self._target) if self._target.sends_items_again and self._may_repeat(job) else []
        )
        if job.items is None and again:
            round_.parted[k] = Parted(
                states, attempt=job.attempt, sent=round_.sent[k], done=now, status=status
            )
        elif job.items is not None:
            parted = round_.parted[k]
            parted.ends(job.items, states, done=now, status=status)
            again = [job.items[position] for position in again]
            states = parted.states
        if again:
            self._later(job, now, self._asked_ns(lane), items=tuple(again))
        else:
            self._settle(round_, k, states)
            round_.finished.append(k)

    def _settle(self, round_: Round, k: int, states: list[int]) -> None:
        """Every ping of a request has its state."""
        round_.state[k] = states[0]
        if not _alike(states):
            if k not in round_.parted:
                round_.item_states[k] = states
            self._recorder.mixed(round_, k, states)


def _body(lane: Lane) -> bytes | None:
    """An answer's body as it was before it was compressed; None where that cannot be had."""
    if not lane.payload_is_whole():
        return None
    codings = b",".join(_CONTENT_ENCODING.findall(lane.head())).decode("latin-1")
    return decoded(lane.payload(), codings, at_most=_LARGEST_BODY)


def _numbers(states: States) -> list[int]:
    if _alike(states):  # as nearly always, and several times as fast
        return [STATE_NUMBERS[states[0]]] * len(states)
    return [STATE_NUMBERS[state] for state in states]


def _alike(states: Sequence[object]) -> bool:
    return states.count(states[0]) == len(states)
