"""A client's history depends on scenario, seed and its number: not on neighbours, flushes, or how it is read."""

from pathlib import Path

import pytest

from simulator.corpus import open_corpus
from simulator.engine import generate
from simulator.fixtures.simulated import simulated
from simulator.records import Ping
from simulator.scenario import parse_scenario
from simulator.simulation import Plan, cohort

pytestmark = pytest.mark.slow

SCENARIO = """
format = 1
name = "independence"
start = 2021-12-15T00:00:00Z
duration = "3d"
clients = 48
[products]
secure_proxy = 0.3
fenix = 0.3
sourcegraph_extension = 0.1
sourcegraph_web = 0.1
[telemetry]
main_ping = true
glean = true
[delivery]
next_start = 0.3
later = 0.2
[faults]
share = 0.05
"""


def plan(**changes: object) -> Plan:
    scenario = parse_scenario(SCENARIO, overrides=changes)
    return Plan(scenario, 5, "wire")


def corpus_of(directory: Path, **changes: object) -> list[Ping]:
    generate(plan(**changes), directory, scenario_text=SCENARIO)
    return list(open_corpus(directory).pings())


def by_client(pings: list[Ping], below: int) -> dict[int, list[Ping]]:
    histories: dict[int, list[Ping]] = {}
    for ping in pings:
        if ping.client < below:
            histories.setdefault(ping.client, []).append(ping)
    return histories


@pytest.mark.parametrize("rows", [64, 1_000_000])
def test_neighbours_and_flushes_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    alone = by_client(corpus_of(tmp_path / "alone", clients=16, cohort_clients=4), 16)
    monkeypatch.setattr(cohort, "_WAITING_BEFORE_FLUSH", rows)
    together = by_client(corpus_of(tmp_path / "together", clients=48, cohort_clients=48), 16)
    assert alone == together
    assert sum(map(len, alone.values())) > 500


def test_a_stream_of_pings_is_the_corpus(tmp_path: Path) -> None:
    assert list(simulated(plan())) == corpus_of(tmp_path / "corpus")
