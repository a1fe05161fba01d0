"""The invariants of Firefox's people, over the shipped scenarios and over scenarios that nobody thought of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from firefox_invariants import INVARIANTS
from firefox_run import Run, shipped_run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.catalogue import load_schemas
from simulator.records import DIALECTS, Dialect
from simulator.scenario import Scenario, parse_scenario
from simulator.scenario.browsing import NewTab
from simulator.scenario.message_sets import message_sets

pytestmark = pytest.mark.slow

SHIPPED = {
    "all-pings": 60,
    "cfr-release-vs-beta": 80,
    "first-run-onboarding": 80,
    "message-storm": 40,
    "messaging-experiment": 60,
    "newtab-day": 150,
    "smoke": 60,
    "spotlight-experiment": 60,
}


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.__name__)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", SHIPPED)
def test_it_holds_in_a_shipped_scenario(
    invariant: Callable[[Run], None], name: str, dialect: Dialect
) -> None:
    # The invariant varies fastest, so that test processes which divide these among them seldom make a run twice.
    invariant(shipped_run(name, SHIPPED[name], dialect))


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Scenarios with any mix of habits, in which rare things are not rare."""
    some = st.floats(0, 1)
    rare = st.sampled_from([0.0, 0.01, 0.06])
    newtab = {key: draw(rare) for key in NewTab().rarities}
    newtab |= {
        "refresh": draw(st.floats(0, 0.3)),
        "lost_at_shutdown": draw(some),
        "preloaded": draw(some),
        "home_again": draw(st.floats(0, 0.5)),
        "unasked": draw(st.floats(0, 0.5)),
        "sponsored_tiles": draw(st.integers(0, 2)),
        "prefs_close": draw(some),
    }
    text_ids = draw(st.booleans())
    lines = [
        "format = 1",
        'name = "any"',
        f"seed = {draw(st.integers(0, 2**40))}",
        f"start = {draw(st.sampled_from(['2021-12-14', '2021-12-26', '2019-06-01']))}T00:00:00Z",
        f'duration = "{draw(st.integers(6, 60))}h"',
        f"clients = {draw(st.integers(4, 16))}",
        f"channels = {{ release = {draw(some)}, beta = 0.3, nightly = 0.1, esr = 0.05 }}",
        "[population]",
        f"telemetry_on = {draw(st.floats(0.5, 1))}",
        f"new_profiles = {draw(some)}",
        f"page_takeover = {draw(st.floats(0, 0.4))}",
        f"private_windows = {draw(st.floats(0, 0.5))}",
        f"pocket_logged_in = {draw(some)}",
        "[onboarding]",
        f"return_to_amo = {draw(some)}",
        f"attributed = {draw(some)}",
        "[browser]",
        f"tab_pins_an_hour = {draw(st.floats(0, 3))}",
        f"pref_changes_an_hour = {draw(st.floats(0, 2))}",
        f"pocket_uses_an_hour = {draw(st.floats(0, 3))}",
        f"updates_a_week = {draw(st.floats(0, 14))}",
        "[clock]",
        f"wrong = {draw(st.sampled_from([0.0, 0.5]))}",
        "[newtab]",
        *(f"{key} = {value}" for key, value in newtab.items()),
        f'tile_ids = "{"text" if text_ids else "number"}"',
        "[messaging]",
        f"sets = {draw(st.lists(st.sampled_from(message_sets()), unique=True))}",
        f"site_visits_an_hour = {draw(st.floats(0, 60))}",
        f"toolbar_uses_an_hour = {draw(st.floats(0, 30))}",
        f"panel_uses_an_hour = {draw(st.floats(0, 10))}",
        f"targeting_error = {draw(st.floats(0, 0.2))}",
        f"attribute_timeout = {draw(st.floats(0, 0.2))}",
        f"provider_failure = {draw(st.floats(0, 0.3))}",
    ]
    return parse_scenario("\n".join(lines))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scenario=scenarios(), dialect=st.sampled_from(DIALECTS))
def test_everything_holds_in_any_scenario(scenario: Scenario, dialect: Dialect) -> None:
    run = Run(scenario, dialect)
    for invariant in INVARIANTS:
        invariant(run)
    schemas = load_schemas(dialect)
    for sent in run.sent:
        assert schemas.check(sent.route, sent.document) == (), sent
