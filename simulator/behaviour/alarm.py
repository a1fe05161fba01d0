"""An alarm clock over a SimPy environment, for senders that know no SimPy."""

from __future__ import annotations

from collections.abc import Callable

import simpy


def alarm(env: simpy.Environment) -> Callable[[int, Callable[[int], None]], None]:
    """A function that calls another one at a moment of the simulation.

    Args:
        env: the client's clock.

    Returns:
        `later(at_ms, act)`: calls `act` with the time when the clock reads `at_ms`. It costs one event, no
        process.
    """

    def later(at_ms: int, act: Callable[[int], None]) -> None:
        now_ms = int(env.now)
        due_ms = max(at_ms, now_ms)  # what is already past happens at once
        env.timeout(due_ms - now_ms).callbacks.append(lambda _: act(due_ms))

    return later
