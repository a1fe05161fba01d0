from __future__ import annotations

from types import SimpleNamespace

import pytest

from simulator.behaviour.containers import Containers
from simulator.client.main_ping import MainPingSender
from simulator.clock import MS_PER_HOUR, MS_PER_MINUTE

START = 1_639_562_430_123


def reasons_of_a_run(bench, *, lasts_ms, waits):
    """How the subsessions of a run end whose environment changes after each of these waits."""
    waiting = iter(waits)
    containers = Containers(
        MainPingSender(bench.session),
        None,
        describe=lambda _: "",
        least_active_ms=0,
        later=bench.alarm.later,
        until_change=waiting.__next__ if waits else None,
    )
    bench.start(START, START + lasts_ms)
    containers.started(SimpleNamespace(installation=bench.installation))
    bench.alarm.until(START + lasts_ms)
    assert list(waiting) == []
    return [document["payload"]["info"]["reason"] for _, _, document in bench.pings()]


@pytest.mark.parametrize(
    ("minutes", "ended"),
    [
        ((), 0),
        ((60,), 0),  # the browser is closed by then
        ((10, 60), 1),
        ((4, 60), 0),  # too early in the subsession to end it
        ((10, 4, 60), 1),
        ((10, 10, 60), 2),
    ],
)
def test_a_change_of_the_environment_ends_a_subsession(bench, minutes, ended):
    found = reasons_of_a_run(
        bench, lasts_ms=MS_PER_HOUR, waits=[minute * MS_PER_MINUTE for minute in minutes]
    )
    assert found == ["environment-change"] * ended + ["shutdown"]
