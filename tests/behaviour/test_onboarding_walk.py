"""about:welcome: its screens in order, its ends, its variant for add-ons."""

from __future__ import annotations

from typing import Any

import pytest
from browser_bench import START, BrowserBench

from simulator.behaviour.onboarding import welcome
from simulator.scenario.browsing import Onboarding
from simulator.scenario.message import Messaging
from simulator.scenario.message_sets import message_set

CALM = Messaging(targeting_error=0, attribute_timeout=0)
PINGS = ("onboarding_impression", "onboarding_click", "onboarding_rtamo_install", "onboarding_session_end")


def walk(rates: Onboarding, *, run_ms: int = 3_600_000, add_on: bool = False) -> BrowserBench:
    bench = BrowserBench(list(message_set("onboarding").messages), run_ms=run_ms, new=True)
    if add_on:
        import msgspec

        changed = {"returns_to_amo": True, "attribution": 0.5}
        bench.installation.profile = msgspec.structs.replace(bench.installation.profile, **changed)
    bench.env.process(welcome(bench.person, rates, CALM))
    bench.env.run()
    return bench


def steps(bench: BrowserBench) -> list[tuple[str, str]]:
    return [(d["event"], d["message_id"]) for _, ping, d in bench.sent if ping in PINGS]


def test_the_screens_come_in_order_and_the_session_ends_last() -> None:
    bench = walk(Onboarding(primary=1.0, secondary=0.0, import_sites=1.0))
    name = "DEFAULT_ABOUTWELCOME"
    assert steps(bench) == [
        ("IMPRESSION", name),
        ("IMPRESSION", f"{name}_AW_GET_STARTED"),
        ("IMPRESSION", f"{name}_SITES"),
        ("CLICK_BUTTON", f"{name}_AW_GET_STARTED"),
        ("IMPRESSION", f"{name}_AW_IMPORT_SETTINGS"),
        ("CLICK_BUTTON", f"{name}_AW_IMPORT_SETTINGS"),
        ("IMPRESSION", f"{name}_AW_CHOOSE_THEME"),
        ("CLICK_BUTTON", f"{name}_AW_CHOOSE_THEME"),
        ("SESSION_END", name),
    ]
    _, ping, session = bench.sent[-1]
    assert ping == "newtab_session"
    assert session["page"] == "about:welcome"
    assert session["perf"]["load_trigger_type"] == "unexpected"
    assert "topsites_icon_stats" not in session["perf"]


def test_who_leaves_at_once_clicks_nothing() -> None:
    bench = walk(Onboarding(primary=0.0, secondary=0.0, import_sites=0.0))
    assert [event for event, _ in steps(bench)] == ["IMPRESSION", "IMPRESSION", "SESSION_END"]
    reason: Any = bench.sent[-2][2]["event_context"]
    assert "app-shut-down" not in reason


def test_a_shutdown_is_the_reason_where_the_browser_is_closed() -> None:
    bench = walk(Onboarding(primary=1.0, secondary=0.0), run_ms=100)
    end = next(d for _, ping, d in bench.sent if ping == "onboarding_session_end")
    assert '"reason":"app-shut-down"' in end["event_context"]
    assert bench.sent[-1][0] <= START + 100


@pytest.mark.parametrize(("install", "event"), [(1.0, "INSTALL"), (0.0, "CLICK_BUTTON")])
def test_who_came_for_an_add_on_is_offered_it(install: float, event: str) -> None:
    bench = walk(Onboarding(install=install, primary=0.0, secondary=1.0), add_on=True)
    name = "RTAMO_DEFAULT_WELCOME"
    assert steps(bench) == [("IMPRESSION", name), (event, name), ("SESSION_END", "DEFAULT_ABOUTWELCOME")]
    assert all(
        d["attribution"]["source"] == "addons.mozilla.org" for _, ping, d in bench.sent if ping in PINGS
    )


def test_nobody_is_welcomed_twice() -> None:
    bench = walk(Onboarding())
    before = len(bench.sent)
    bench.env.process(welcome(bench.person, Onboarding(), CALM))
    bench.env.run()
    assert len(bench.sent) == before
