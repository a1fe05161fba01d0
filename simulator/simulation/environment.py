"""SimPy's environment with a loop of its own: the same events in the same order, in fewer calls for each."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from heapq import heappop, heappush
from typing import Any

import simpy
from simpy.events import NORMAL, URGENT


class _Moment(simpy.Timeout):
    """A timeout that says of itself only what is not the same for all."""

    _delay = 0
    _ok = True
    _value = None


_new_moment = partial(_Moment.__new__, _Moment)  # the constructor would be a call more for each


class _Act(simpy.Process):
    """A process that nobody interrupts. It ends with an event only where somebody waits for that."""

    def __init__(self, env: simpy.Environment, generator: Generator[simpy.Event, Any, Any]) -> None:
        self.env = env
        self.callbacks = []
        self._generator = generator
        self._advance = generator.send

    def _resume(self, event: simpy.Event) -> None:
        """Go on to the next event that has to be waited for. What goes wrong leaves through the loop."""
        while event._ok:  # noqa: SLF001 - we stand in for SimPy's process
            try:
                event = self._advance(event._value)  # noqa: SLF001 - likewise
            except StopIteration as end:
                self._ok, self._value = True, end.value
                if self.callbacks:
                    self.env.schedule(self)
                else:
                    self.callbacks = None  # type: ignore[assignment] # over: whoever waits from now on need not
                return
            if event.callbacks is not None:
                event.callbacks.append(self._resume)
                return
        super()._resume(event)


class ClientEnvironment(simpy.Environment):
    """One client's environment: it runs until a moment, and can be run on."""

    def timeout(self, delay: float = 0, value: object = None) -> simpy.Timeout:
        """A timeout like SimPy's, put into the queue in one call where SimPy makes four.

        Raises:
            ValueError: the delay is negative.
        """
        if delay < 0:
            raise ValueError(f"Negative delay {delay}")
        event = _new_moment()
        event.env = self
        event.callbacks = []
        if value is not None:
            event._value = value  # type: ignore[assignment] # noqa: SLF001 - we stand in for the constructor
        heappush(self._queue, (self._now + delay, NORMAL, next(self._eid), event))
        return event

    def process(self, generator: Generator[simpy.Event, Any, Any]) -> simpy.Process:
        """Start a process that nobody interrupts, as soon as those that run now wait for something."""
        act = _Act(self, generator)
        start = _new_moment()
        start.env = self
        start.callbacks = [act._resume]  # noqa: SLF001 - our own
        heappush(self._queue, (self._now, URGENT, next(self._eid), start))
        return act

    def run_until(self, end_ms: int) -> bool:
        """Process the events before a moment.

        It does what repeated calls of `step` do, without one call and one exception handler for each event.

        Args:
            end_ms: the moment, in milliseconds since the Unix epoch; what happens then is left.

        Returns:
            Whether anything is left to happen.
        """
        queue = self._queue
        while queue and queue[0][0] < end_ms:
            self._now, _, _, event = heappop(queue)
            callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment] # as Environment.step does
            for callback in callbacks:
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):  # noqa: SLF001 - we stand in for step
                raise event._value  # noqa: SLF001 - likewise
        return bool(queue)


class CohortClocks:
    """The environments of a cohort's clients: one for each, as nothing passes between clients.

    What one client does in a span of time is simulated in one go before the next client's turn. What it touches stays
    in the processor's caches meanwhile; in one environment for all, each event would belong to somebody else than the
    one before.

    Args:
        start_ms: what the clocks read at first, in milliseconds since the Unix epoch.
    """

    def __init__(self, start_ms: int) -> None:
        self._start_ms = start_ms
        self._of: dict[int, ClientEnvironment] = {}

    def of(self, client: int) -> ClientEnvironment:
        """A client's environment, which all its products share.

        Args:
            client: its number.
        """
        env = self._of.get(client)
        if env is None:
            env = self._of[client] = ClientEnvironment(initial_time=self._start_ms)
        return env

    def run_until(self, end_ms: int) -> bool:
        """Process all clients' events before a moment, those of one client after those of another.

        Args:
            end_ms: the moment, in milliseconds since the Unix epoch.

        Returns:
            Whether anything is left to happen.
        """
        self._of = {client: env for client, env in self._of.items() if env.run_until(end_ms)}
        return bool(self._of)
