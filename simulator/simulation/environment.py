"""SimPy's environment with a loop of its own: the same events in the same order, in fewer calls for each."""

from __future__ import annotations

from collections.abc import Sized
from heapq import heappop, heappush

import simpy
from simpy.events import NORMAL


class CohortEnvironment(simpy.Environment):
    """An environment that runs until enough pings wait, and can be run on."""

    def timeout(self, delay: float = 0, value: object = None) -> simpy.Timeout:
        """A timeout like SimPy's, put into the queue in one call where SimPy makes four.

        Raises:
            ValueError: the delay is negative.
        """
        if delay < 0:
            raise ValueError(f"Negative delay {delay}")
        event = simpy.Timeout.__new__(simpy.Timeout)
        event.env = self
        event.callbacks = []
        event._value = value  # noqa: SLF001 - we stand in for the constructor
        event._delay = delay  # noqa: SLF001 - likewise
        event._ok = True  # noqa: SLF001 - likewise
        heappush(self._queue, (self._now + delay, NORMAL, next(self._eid), event))
        return event

    def run_on(self, rows: Sized, most: int) -> bool:
        """Process events until `rows` has `most` rows, or nothing is left to happen.

        It does what repeated calls of `step` do, without one call and one exception handler for each event.

        Args:
            rows: grows while events are processed.
            most: how many rows are enough.

        Returns:
            Whether anything is left to happen.
        """
        queue = self._queue
        while queue and len(rows) < most:
            self._now, _, _, event = heappop(queue)
            callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment] # as Environment.step does
            for callback in callbacks:
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):  # noqa: SLF001 - we stand in for step
                raise event._value  # noqa: SLF001 - likewise
        return bool(queue)
