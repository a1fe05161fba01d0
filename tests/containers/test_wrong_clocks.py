"""Containers print dates by their client's own clock, however wrong it is."""

from __future__ import annotations

import pytest

from simulator.catalogue import load_schemas
from simulator.fixtures.simulated import simulated
from simulator.population import cohort_profiles
from simulator.scenario import parse_scenario
from simulator.simulation import Plan

SCENARIO = """
format = 1
name = "wrong-clocks"
start = 2021-12-14T00:00:00Z
duration = "1d"
clients = 700
[products]
fenix = 0.3
[clock]
wrong = 1.0
[messaging]
sets = ["badge", "cfr"]
attribute_timeout = 0.1
[telemetry]
event_ping = true
main_ping = true
glean = true
"""
_A_CENTURY_MS = 36_525 * 86_400_000


@pytest.mark.slow
def test_every_ping_fits_its_schema_even_where_the_clock_is_centuries_ahead() -> None:
    scenario = parse_scenario(SCENARIO)
    skews = [profile.clock_skew_ms for profile in cohort_profiles(scenario, 3, range(scenario.clients))]
    absurd = {client for client, skew in enumerate(skews) if skew > _A_CENTURY_MS}
    schemas = load_schemas("wire")
    sent_by = set()
    for ping in simulated(Plan(scenario, 3, "wire")):
        if ping.client in absurd and ping.ping in {"event_ping", "main_ping", "glean_baseline_ping"}:
            assert schemas.check(ping.route, ping.json()) == ()
            sent_by.add(ping.ping)
    assert sent_by == {"event_ping", "main_ping", "glean_baseline_ping"}
