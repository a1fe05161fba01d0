"""Which request comes next: the tape's own order, repetition after repetition, and what waits to be sent again."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import pairwise, repeat

import msgspec
import numpy as np
from due_times import DueTimes
from plan import Plan
from recorder import Recorder
from rounds import Round

from simulator.tape import Tape

_REWRITE_PINGS = 4096  # ids rewritten at once: a fraction of a millisecond
_STOCK = 256  # requests made ready at once: a tenth of a millisecond


class Job(msgspec.Struct, frozen=True, gc=False):
    """A request to send: its place on the tape, its repetition, and for which time it is sent.

    Args:
        k: place on the tape.
        round: repetition.
        due: when, in nanoseconds of the monotonic clock; 0 in a closed loop.
        data: its bytes on the tape, until the next repetition rewrites them; None where it is sent again.
        plain: whether the status of an answer says all there is to know of it, and the connection stays open.
        attempt: for which time it is sent, from 1.
        items: those of its pings that go out (numbers within the request); None: all of them.
    """

    k: int
    round: Round
    due: int
    data: memoryview | None
    plain: bool
    attempt: int = 1
    items: tuple[int, ...] | None = None

    def again(self, items: tuple[int, ...] | None = None) -> Job:
        """The next try of the same request, or of some items of it (None: the same ones)."""
        return Job(
            self.k,
            self.round,
            self.due,
            None,
            plain=False,
            attempt=self.attempt + 1,
            items=self.items if items is None else items,
        )


class Cursor:
    """Hands out requests, each once, and those that were given back again.

    `stock` is what comes next on the tape, in reverse; whoever pops of it takes heed of `due` and of `waiting`
    himself, as `take` does.

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
        carriers = plan.target.carrier
        kinds = [carrier.results for carrier in carriers] or [plan.target.answers.results]
        self._by_status = np.array([kind == "status" for kind in kinds])
        self._view = memoryview(tape.data)
        self.stock: list[Job] = []
        self.round: Round | None = None
        self.exhausted = self._size == 0
        self.waiting: list[tuple[int, int, Job]] = []

    def start(self, now: int) -> None:
        """Due times count from `now`."""
        self._due_times.start(now)

    def take(self, now: int) -> Job | None:
        """The next request that is due at `now` (in a closed loop: the next one); None where none is."""
        waiting, stock = self.waiting, self.stock
        if waiting and waiting[0][0] <= now:
            return heapq.heappop(waiting)[2]
        if not stock and not self._restock():
            return None
        return stock.pop() if stock[-1].due <= now else None

    def give_back(self, job: Job, when: int) -> None:
        """Puts a request back; it is due again at `when`."""
        self._ties += 1
        heapq.heappush(self.waiting, (when, self._ties, job))

    def next_due(self) -> int:
        """When the next request is due; 0 where none is, or where in a closed loop none waits."""
        due = self.waiting[0][0] if self.waiting else 0
        if self._open and not self.stock and self._k < self._size:
            self._restock()
        if self.stock and (own := self.stock[-1].due):
            due = min(due, own) if due else own
        return due

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
        taken = self._k - len(self.stock)
        return max(int(np.searchsorted(self.round.due_array, now, side="right")) - taken, 0)

    def close(self) -> None:
        """Lets go of the tape's bytes. Nothing can be taken any more."""
        self.stock.clear()
        self._view.release()

    def _restock(self) -> bool:
        """Makes the next requests ready, many at once; False where there is none.

        `stock` holds them in reverse. It has to be empty: what it held would be rewritten.
        """
        if self._k >= self._size and not self._turn():
            return False
        k, round_, tape, view = self._k, self.round, self._tape, self._view
        if k >= self._due_times.known:
            self._due_times.go_on()
        if k >= self._rewritten:
            self._rewrite(k)
        self._k = last = min(k + _STOCK, self._due_times.known, self._rewritten)
        due = repeat(0) if round_.due_array is None else round_.due_array[k:last].tolist()
        data = [view[start:stop] for start, stop in pairwise(tape.start[k : last + 1].tolist())]
        plain = (self._by_status[tape.carrier[k:last]] & ~tape.closes[k:last]).tolist()
        self.stock.extend(map(Job, range(k, last), repeat(round_), due, data, plain))
        self.stock.reverse()
        return True

    def _turn(self) -> bool:
        """Begins the next repetition; False where there is none."""
        if self.exhausted or (self._plan.rounds and self._number + 1 >= self._plan.rounds):
            self.exhausted = True
            return False
        self._number += 1
        self.round = Round(self._tape, self._number, self._due_times.begin(self._number))
        self._recorder.add(self.round)
        self._k = 0
        # The tape holds the ids of a first repetition that nothing changes.
        self._rewritten = 0 if self._number or self._tape.salt else self._size
        return True

    def _rewrite(self, k: int) -> None:
        """Gives the next stretch of the tape the ids of this repetition, just before it is sent."""
        last = min(k + self._stretch, self._size)
        self._tape.rewrite(k, last, self._number)
        self._rewritten = last
