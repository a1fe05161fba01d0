from __future__ import annotations

import pytest

from simulator.client.installation import Installation
from simulator.client.outbox import Outbox
from simulator.pings.firefox.basic_metadata import Application
from simulator.population import cohort_profiles
from simulator.scenario import parse_scenario
from simulator.simulation import Plan
from simulator.simulation.cohort import new_kinds
from simulator.simulation.environment import CohortClocks
from simulator.simulation.telemetry import TelemetryCast

HEAD = """
format = 1
name = "equipment"
start = 2021-12-15T00:00:00Z
duration = "1d"
clients = 200
"""
HALF = """
[[experiments]]
slug = "exp"
feature = "cfr"
branches = [{ slug = "control" }]
bucketing = { namespace = "ns", count = 5000 }
"""


def equipment(text: str):
    scenario = parse_scenario(HEAD + text)
    plan = Plan(scenario, 3, "documented")
    profiles = cohort_profiles(scenario, 3, range(200))
    clocks = CohortClocks(plan.start_ms)
    outbox = Outbox("documented", new_kinds())
    cohort = TelemetryCast(plan).cohort(clocks, outbox, profiles)
    found = []
    for profile in profiles:
        app = Application(profile.build_id, profile.version, profile.channel, profile.locale)
        found.append(cohort.equip(Installation(profile, app)))
    assert not clocks.run_until(plan.start_ms)  # nothing is to happen before anybody starts a browser
    return found


def test_nobody_has_anything_by_default():
    assert all(e.events is None and e.experiments is None and not e.companions for e in equipment(""))


def test_only_those_in_a_bucket_take_part():
    taking_part = [e for e in equipment(HALF) if e.experiments is not None]
    assert len(taking_part) / 200 == pytest.approx(0.5, abs=0.12)
    assert all(e.events is not None and e.companions == (e.experiments,) for e in taking_part)


def test_without_event_pings_experiments_still_annotate():
    found = [e for e in equipment("[telemetry]\nevent_ping = false\n" + HALF) if e.experiments is not None]
    assert found
    assert all(e.events is None for e in found)


def test_containers_that_are_switched_on_are_everybodys():
    found = equipment("[telemetry]\nmain_ping = true\nglean = true")
    assert all(len(e.companions) == 1 and e.events is not None for e in found)
