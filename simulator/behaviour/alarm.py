"""An alarm clock over a SimPy environment, for senders that know no SimPy."""

from __future__ import annotations

from collections.abc import Callable

import simpy


def alarm(env: simpy.Environment) -> Callable[[int, Callable[[int], None]], None]:
    """A function that calls another one at a moment of the simulation.

    Args:
        env: the cohort's clock.

    Returns:
        `later(at_ms, act)`: calls `act(at_ms)` when the clock reads `at_ms`. It costs one event, no process.
    """

    def later(at_ms: int, act: Callable[[int], None]) -> None:
        event = env.timeout(at_ms - env.now)
        if event.callbacks is not None:
            event.callbacks.append(lambda _: act(at_ms))

    return later
