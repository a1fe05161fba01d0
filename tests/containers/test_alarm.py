from __future__ import annotations

import simpy

from simulator.behaviour.alarm import alarm


def test_alarms_go_off_in_order_and_those_of_the_past_at_once():
    env = simpy.Environment(initial_time=100)
    later = alarm(env)
    log: list[tuple[str, int, int]] = []

    def note(name: str):
        return lambda at_ms: log.append((name, at_ms, int(env.now)))

    later(130, note("later"))
    later(120, note("sooner"))
    later(90, note("past"))
    env.run()
    assert log == [("past", 100, 100), ("sooner", 120, 120), ("later", 130, 130)]


def test_an_alarm_can_set_another():
    env = simpy.Environment()
    later = alarm(env)
    log: list[int] = []

    def again(at_ms: int) -> None:
        log.append(at_ms)
        if at_ms < 30:
            later(at_ms + 10, again)

    later(10, again)
    env.run()
    assert log == [10, 20, 30]
