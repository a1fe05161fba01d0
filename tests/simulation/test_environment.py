"""The cohort's environment against SimPy's own: the same processes see the same things in the same order."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
import simpy

from simulator.simulation.environment import CohortEnvironment

Process = Generator[simpy.Event, Any, Any]
Log = list[tuple[float, str]]


def family(env: simpy.Environment, log: Log) -> None:
    """Processes that start others, wait at the same moments, wait for each other, and are told of a failure."""

    def child(name: str, delay: float) -> Process:
        log.append((env.now, f"{name} starts"))
        got = yield env.timeout(delay, value=name)
        log.append((env.now, f"{got} ends"))
        return name

    def parent() -> Process:
        first, second = env.process(child("a", 5)), env.process(child("b", 5))
        log.append((env.now, "parent waits"))
        yield env.timeout(5)
        log.append((env.now, "parent goes on"))
        log.append((env.now, (yield first)))
        yield env.timeout(3)
        log.append((env.now, (yield second)))  # long over
        bad = env.event()
        bad.fail(KeyError("gone"))
        try:
            yield bad
        except KeyError as error:
            log.append((env.now, f"caught {error}"))
        yield env.timeout(0)
        log.append((env.now, "parent ends"))

    env.process(parent())
    env.process(child("c", 0))


def test_events_happen_in_simpys_order() -> None:
    expected: Log = []
    plain = simpy.Environment(initial_time=100)
    family(plain, expected)
    plain.run()
    log: Log = []
    ours = CohortEnvironment(initial_time=100)
    family(ours, log)
    while ours.run_on(log, len(log) + 1):
        pass
    assert log == expected
    assert expected[-1] == (108, "parent ends")


def test_it_pauses_once_enough_rows_wait_and_can_be_run_on() -> None:
    env, rows = CohortEnvironment(), list[float]()

    def sender() -> Process:
        for _ in range(5):
            yield env.timeout(10)
            rows.append(env.now)

    env.process(sender())
    assert env.run_on(rows, 2)
    assert rows == [10, 20]
    assert not env.run_on(rows, 100)
    assert rows == [10, 20, 30, 40, 50]


def test_what_goes_wrong_in_a_process_leaves_through_the_loop() -> None:
    env = CohortEnvironment()

    def broken() -> Process:
        yield env.timeout(1)
        raise ZeroDivisionError

    env.process(broken())
    with pytest.raises(ZeroDivisionError):
        env.run_on([], 1)


def test_nobody_waits_for_the_past() -> None:
    with pytest.raises(ValueError, match="Negative delay"):
        CohortEnvironment().timeout(-1)
