"""A client's environment against SimPy's own: the same processes see the same things in the same order."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
import simpy

from simulator.simulation.environment import ClientEnvironment, CohortClocks

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
    ours = ClientEnvironment(initial_time=100)
    family(ours, log)
    end_ms = 100
    while ours.run_until(end_ms):
        end_ms += 1
    assert log == expected
    assert expected[-1] == (108, "parent ends")


def test_it_stops_before_a_moment_and_can_be_run_on() -> None:
    env, seen = ClientEnvironment(), list[float]()

    def sender() -> Process:
        for _ in range(5):
            yield env.timeout(10)
            seen.append(env.now)

    env.process(sender())
    assert env.run_until(30)
    assert seen == [10, 20]
    assert env.run_until(31)
    assert seen == [10, 20, 30]
    assert not env.run_until(1_000)
    assert seen == [10, 20, 30, 40, 50]


def test_clients_have_their_turns_one_after_the_other() -> None:
    clocks, seen = CohortClocks(100), list[tuple[str, float]]()

    def walker(name: str, env: simpy.Environment, steps: int) -> Process:
        for _ in range(steps):
            yield env.timeout(10)
            seen.append((name, env.now))

    for client, name, steps in ((7, "a", 3), (3, "b", 2), (7, "also a", 1)):
        clocks.of(client).process(walker(name, clocks.of(client), steps))
    assert clocks.run_until(121)
    assert seen == [("a", 110), ("also a", 110), ("a", 120), ("b", 110), ("b", 120)]
    seen.clear()
    assert not clocks.run_until(1_000)
    assert seen == [("a", 130)]


def test_what_goes_wrong_in_a_process_leaves_through_the_loop() -> None:
    env = ClientEnvironment()

    def broken() -> Process:
        yield env.timeout(1)
        raise ZeroDivisionError

    env.process(broken())
    with pytest.raises(ZeroDivisionError):
        env.run_until(2)


def test_nobody_waits_for_the_past() -> None:
    with pytest.raises(ValueError, match="Negative delay"):
        ClientEnvironment().timeout(-1)
