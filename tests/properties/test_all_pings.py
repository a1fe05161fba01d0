"""The scenario of all pings keeps its promise in both dialects, and nothing in it is invalid."""

from __future__ import annotations

import pytest
from firefox_run import Run

from simulator.catalogue import load_schemas, ping_types
from simulator.records import DIALECTS, Dialect
from simulator.scenario import load_scenario

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_structured_firefox_ping_comes_twenty_times(dialect: Dialect) -> None:
    scenario, _ = load_scenario("all-pings")
    run = Run(scenario, dialect)
    counts = run.counts
    wanted = {
        name
        for name, row in ping_types().items()
        if row.product == "firefox" and row.carrier == "structured" and dialect in row.dialects
    }
    assert {name: counts[name] for name in wanted if counts[name] < 20} == {}
    assert sum(counts.values()) < 100_000
    schemas = load_schemas(dialect)
    invalid = [sent for sent in run.read() if not schemas.is_valid(sent.route, sent.document)]
    assert invalid == []


@pytest.mark.parametrize("name", ["first-run-onboarding", "cfr-release-vs-beta", "message-storm"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_scenario_is_for_is_in_it(name: str, dialect: Dialect) -> None:
    scenario, _ = load_scenario(name)
    counts = Run(scenario, dialect).counts
    promised = {
        "first-run-onboarding": {p for p in ping_types() if p.startswith("onboarding")},
        "cfr-release-vs-beta": {p for p in ping_types() if p.startswith(("cfr", "moments"))},
        "message-storm": {
            *("infobar_event", "spotlight_event", "toolbar_badge", "whats_new_panel_event"),
            *("whats_new_panel_pref_toggle", "snippets_impression", "snippets_interaction"),
            *("targeting_error", "remote_settings_error", "onboarding_session_end"),
        },
    }
    assert {ping for ping in promised[name] if counts[ping] < 10} == set()
