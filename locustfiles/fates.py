"""What becomes of a request: its pings are decided, it is sent again later, or nobody knows."""

from __future__ import annotations

from cursor import Cursor, Job
from lane import Lane
from plan import Plan
from recorder import Recorder
from rounds import FAILED, STATE_NUMBERS, UNKNOWN

from simulator.pacing import NS_PER_S
from simulator.randomness import stream
from simulator.tape import Tape
from simulator.target.results import decided, read_results


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
        retry = self._target.retry
        undecided = decided(self._target, status) == "failed"
        if undecided and status in retry.statuses and self._may_repeat(job):
            asked_ns = self._recorder.retry_after_ns(lane.retry_after()) if retry.honour_retry_after else 0
            job.round.state[job.k] = FAILED
            self._later(job, now, asked_ns)
        else:
            self._decide(lane, job, status)
            job.round.finished.append(job.k)

    def broke_off(self, lane: Lane, now: int, why: str, *, repeatable: bool) -> Job | None:
        """The connection ended under a request.

        Returns:
            What the lane is to send at once on a new connection, if anything.
        """
        job = lane.job
        k, round_ = job.k, job.round
        reused = lane.served > 0 and not lane.chunks
        if repeatable and not lane.written:
            if job.attempt == 1:
                round_.sent[k] = 0
            return job
        identified = repeatable and self._ids[self._tape.carrier[k]]
        round_.state[k] = UNKNOWN
        if identified and reused and k not in round_.resent and not self._tape.closes[k]:
            # RFC 9110 9.2.2: a request on a kept-alive connection that ends without a byte of an answer may be
            # sent again where a second copy does no harm; ids make it so. Once only, and on a new connection.
            round_.resent.add(k)
            return job._replace(attempt=job.attempt + 1)
        if identified and self._target.retry.network and self._may_repeat(job):
            self._later(job, now, 0)
            return None
        round_.done[k] = now
        round_.status[k] = 0
        round_.finished.append(k)
        self._recorder.lost(round_, k, f"{why} (request written in part)" if lane.rest is not None else why)
        return None

    def refused(self, job: Job, now: int) -> None:
        """No connection could be made for a request, and the target's policy counts that as a try."""
        k, round_ = job.k, job.round
        round_.sent[k] = round_.sent[k] or now
        round_.attempts[k] = job.attempt
        round_.state[k] = FAILED
        if self._may_repeat(job):
            self._later(job, now, 0)
            return
        round_.done[k] = now
        round_.status[k] = 0
        round_.finished.append(k)
        self._recorder.lost(round_, k, "cannot connect")

    def memorable(self, lane: Lane, status: int) -> bool:
        """Whether the bytes of this answer say everything there is to know: the same bytes need no parser again."""
        k = lane.job.k
        return (
            status in self._target.answers.accepted
            and self._kinds[self._tape.carrier[k]] == "status"
            and not self._tape.closes[k]
            and lane.keep_alive
            and not lane.server_timing()
            and lane.job.attempt == 1
            and lane.rest is None
        )

    def _may_repeat(self, job: Job) -> bool:
        retry = self._target.retry
        return retry.policy != "none" and job.attempt < retry.attempts

    def _later(self, job: Job, now: int, at_least_ns: int) -> None:
        retry = self._target.retry
        wait_s = retry.wait_s
        if retry.policy == "exponential":
            wait_s = min(retry.wait_s * 2 ** (job.attempt - 1), retry.longest_wait_s)
        if retry.jitter:
            wait_s *= 0.5 + 0.5 * self._jitter.uniform()
        wait_ns = max(int(wait_s * NS_PER_S), at_least_ns)
        self._cursor.give_back(job._replace(attempt=job.attempt + 1), now + wait_ns)

    def _decide(self, lane: Lane, job: Job, status: int) -> None:
        k, round_, tape = job.k, job.round, self._tape
        pings = int(tape.first[k + 1] - tape.first[k])
        kind = self._kinds[tape.carrier[k]]
        states = read_results(self._target, kind, status=status, body=lane.payload(), pings=pings)
        numbers = [STATE_NUMBERS[state] for state in states]
        round_.state[k] = numbers[0]
        if pings > 1 and len(set(numbers)) > 1:
            round_.item_states[k] = numbers
            round_.mixed.add(k)
        self._recorder.answer(lane, round_, k, status, numbers)
