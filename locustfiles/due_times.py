"""When each request of a repetition is due: found stretch by stretch, just before the requests are needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from plan import Plan

from simulator.pacing import NS_PER_MS, PoissonArrivals, due_ns, schedule_ns
from simulator.tape import Tape

#: Requests a step: about a millisecond.
STEP_REQUESTS = 1 << 14


class DueTimes:
    """The due times of one repetition after the other.

    Args:
        tape: requests.
        plan: pace.
    """

    def __init__(self, tape: Tape, plan: Plan) -> None:
        self._tape, self._plan = tape, plan
        self._size = len(tape)
        self._started_ns = 0
        self._number = 0
        self._arrivals = (
            PoissonArrivals(plan.pace.rate, seed=plan.seed, worker=plan.worker)
            if plan.pace.model == "poisson"
            else None
        )
        self._times: Any = None
        self.known = 0

    def start(self, now: int) -> None:
        """Due times count from `now`."""
        self._started_ns = now

    def begin(self, number: int) -> Any:
        """The array of the due times of repetition `number`; None in a closed loop, which has none.

        Its first `known` elements are valid; `go_on` finds more.
        """
        if not self._plan.pace.is_open:
            self.known = self._size
            return None
        self._number, self.known = number, 0
        self._times = np.zeros(self._size, dtype=np.int64)
        self.go_on()
        return self._times

    def go_on(self) -> bool:
        """Finds the next stretch; False where all are known."""
        start = self.known
        if start >= self._size:
            return False
        self.known = stop = min(start + STEP_REQUESTS, self._size)
        self._times[start:stop] = self._stretch(start, stop) + self._started_ns
        return True

    def _stretch(self, start: int, stop: int) -> Any:
        plan, pace = self._plan, self._plan.pace
        if pace.model == "schedule":
            times = schedule_ns(self._tape.due_ms[start:stop], origin_ms=plan.origin_ms, speed=pace.speed)
            return times + int(self._number * plan.span_ms * NS_PER_MS / pace.speed)
        if self._arrivals is not None:
            return self._arrivals.next_ns(stop - start)
        return due_ns(pace, self._number * self._size + start, stop - start)
