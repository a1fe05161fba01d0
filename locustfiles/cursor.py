"""Which request comes next: the tape's own order, repetition after repetition, and what waits to be sent again."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from due_times import DueTimes
from plan import Plan
from recorder import Recorder
from rounds import Round

from simulator.tape import Tape

_REWRITE_PINGS = 4096  # ids rewritten at once: a fraction of a millisecond


class Job(NamedTuple):
    """A request to send: its place on the tape, its repetition, and for which time it is sent.

    `items` are those of its pings that go out (numbers within the request); None: all of them.
    """

    k: int
    round: Round
    attempt: int
    items: tuple[int, ...] | None = None


class Cursor:
    """Hands out requests, each once, and those that were given back again.

    Args:
        tape: requests.
        plan: pace and number of repetitions.
        recorder: is told when a repetition begins.
    """

    def __init__(self, tape: Tape, plan: Plan, recorder: Recorder) -> None:
        self._tape, self._plan, self._recorder = tape, plan, recorder
        self._size = len(tape)
        self._k = self._size  # so that the first request begins the first repetition
        self._number = -1
        self._rewritten = 0
        self._stretch = max(1, _REWRITE_PINGS * self._size // max(tape.pings, 1))
        self._open = plan.pace.is_open
        self._due_times = DueTimes(tape, plan)
        self._ties = 0
        self.round: Round | None = None
        self.exhausted = self._size == 0
        self.waiting: list[tuple[int, int, Job]] = []

    def start(self, now: int) -> None:
        """Due times count from `now`."""
        self._due_times.start(now)

    def take(self, now: int) -> Job | None:
        """The next request that is due at `now` (always, in a closed loop); None where none is."""
        waiting = self.waiting
        if waiting and waiting[0][0] <= now:
            return heapq.heappop(waiting)[2]
        k = self._k
        if k >= self._size:
            if not self._turn():
                return None
            k = 0
        round_ = self.round
        if self._open:
            if k >= self._due_times.known:
                self._due_times.go_on()
            if round_.due[k] > now:  # type: ignore[union-attr]
                return None
        self._k = k + 1
        if k >= self._rewritten:
            self._rewrite(k)
        return Job(k, round_, 1)  # type: ignore[arg-type]

    def give_back(self, job: Job, when: int) -> None:
        """Puts a request back; it is due again at `when`."""
        self._ties += 1
        heapq.heappush(self.waiting, (when, self._ties, job))

    def next_due(self) -> int:
        """When the next request is due; 0 where none is, or where in a closed loop none waits."""
        due = self.waiting[0][0] if self.waiting else 0
        if self._open and self.round is not None and self._k < self._size:
            if self._k >= self._due_times.known:
                self._due_times.go_on()
            own = self.round.due[self._k]
            due = min(due, own) if due else own
        return int(due)

    def never_started(self, now: int, breathe: Callable[[], None]) -> int:
        """How many requests were due by `now` and were never handed out. Finds the due times that are left.

        Args:
            now: monotonic nanoseconds.
            breathe: called between steps.
        """
        if self.round is None or self.round.due_array is None:
            return 0
        while self._due_times.go_on():
            breathe()
        return max(int(np.searchsorted(self.round.due_array, now, side="right")) - self._k, 0)

    def _turn(self) -> bool:
        """Begins the next repetition; False where there is none."""
        if self.exhausted or (self._plan.rounds and self._number + 1 >= self._plan.rounds):
            self.exhausted = True
            return False
        self._number += 1
        self.round = Round(self._tape, self._number, self._due_times.begin(self._number))
        self._recorder.add(self.round)
        self._k = 0
        self._rewritten = 0 if self._number else self._size  # the tape holds the first repetition's ids
        return True

    def _rewrite(self, k: int) -> None:
        """Gives the next stretch of the tape the ids of this repetition, just before it is sent."""
        last = min(k + self._stretch, self._size)
        self._tape.rewrite(k, last, self._number)
        self._rewritten = last
