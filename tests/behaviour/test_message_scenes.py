"""What happens on each surface, step by step."""

from __future__ import annotations

import pytest
from browser_bench import START, BrowserBench, always, message

from simulator.behaviour import messages
from simulator.records import DIALECTS, Dialect
from simulator.scenario.message import Messaging

CALM = Messaging(targeting_error=0, attribute_timeout=0, provider_failure=0, pref_toggle=0)
CFR = ("cfr_impression_release", "cfr_interaction_release")


def test_a_doorhanger_is_shown_opened_explained_and_closed() -> None:
    reactions = always(primary=1.0, rationale=1.0, learn_more=1.0)
    found = message("A", "cfr", "site_visit", primary_action="PIN", reactions=reactions)
    bench = BrowserBench([found])
    messages.show(bench.person, CALM, "site_visit")
    bench.env.run()
    assert bench.events(*CFR) == ["IMPRESSION", "CLICK_DOORHANGER", "RATIONALE", "LEARN_MORE", "PIN"]
    assert bench.sent[0][0] >= START + 1_000  # the chiclet waits a second
    messages.show(bench.person, CALM, "site_visit")
    bench.env.run()
    assert len(bench.sent) == 5  # what was followed is over


def test_an_ignored_doorhanger_is_only_seen() -> None:
    bench = BrowserBench([message("A", "cfr", "site_visit", reactions=always())])
    messages.show(bench.person, CALM, "site_visit")
    bench.env.run()
    assert bench.events(*CFR) == ["IMPRESSION"]


def test_one_message_at_a_time_is_on_the_stage() -> None:
    both = [
        message("A", "spotlight", "startup", reactions=always(primary=1.0)),
        message("B", "infobar", "toolbar", reactions=always(dismiss=1.0)),
    ]
    bench = BrowserBench(both)
    messages.show(bench.person, CALM, "startup")
    messages.show(bench.person, CALM, "toolbar")
    bench.env.run()
    assert bench.events("spotlight_event") == ["IMPRESSION", "CLICK"]
    assert bench.events("infobar_event") == []
    messages.show(bench.person, CALM, "toolbar")
    bench.env.run()
    assert bench.events("infobar_event") == ["IMPRESSION", "DISMISSED"]


@pytest.mark.parametrize(
    ("way", "event"),
    [("primary", "CLICK_PRIMARY_BUTTON"), ("secondary", "CLICK_SECONDARY_BUTTON"), ("dismiss", "DISMISSED")],
)
def test_an_infobar_is_closed_one_way(way: str, event: str) -> None:
    bench = BrowserBench([message("A", "infobar", "startup", reactions=always(**{way: 1.0}))])
    messages.show(bench.person, CALM, "startup")
    bench.env.run()
    assert bench.events("infobar_event") == ["IMPRESSION", event]


def test_a_spotlights_second_button_counts_as_dismissed() -> None:
    bench = BrowserBench([message("A", "spotlight", "startup", reactions=always(secondary=1.0))])
    messages.show(bench.person, CALM, "startup")
    bench.env.run()
    assert bench.events("spotlight_event") == ["IMPRESSION", "DISMISS"]


def test_a_message_dies_with_the_browser() -> None:
    bench = BrowserBench([message("A", "cfr", "site_visit", reactions=always(primary=1.0))], run_ms=900)
    messages.show(bench.person, CALM, "site_visit")
    bench.env.run()
    assert bench.sent == []


def test_a_clicked_badge_never_comes_back() -> None:
    bench = BrowserBench([message("A_BADGE", "toolbar_badge", "toolbar", reactions=always(primary=1.0))])
    for _ in range(2):
        messages.show(bench.person, CALM, "toolbar")
        bench.env.run()
    assert bench.events("toolbar_badge") == ["IMPRESSION", "CLICK"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_snippet_is_used_only_while_its_page_is_there(dialect: Dialect) -> None:
    for stays in (True, False):
        found = message("A", "snippets", "newtab_page", reactions=always(block=1.0))
        bench = BrowserBench([found], dialect)
        newtab = bench.person.newtab
        newtab.open_page(START, "about:home", asked_ms=None, preloaded=False, stories_seen=0)
        messages.show(bench.person, CALM, "newtab_page")
        if not stays:
            bench.env.run(until=START + 1)
            newtab.leave_page(START + 1)
        bench.env.run()
        assert bench.events("snippets_impression") == ["IMPRESSION"]
        assert bench.events("snippets_interaction") == (["BLOCK"] if stays else [])


def test_the_document_has_no_dismissed_snippet() -> None:
    found = message("A", "snippets", "newtab_page", reactions=always(dismiss=1.0))
    sent = {}
    for dialect in DIALECTS:
        bench = BrowserBench([found], dialect)
        bench.person.newtab.open_page(START, "about:home", asked_ms=None, preloaded=False, stories_seen=0)
        messages.show(bench.person, CALM, "newtab_page")
        bench.env.run()
        sent[dialect] = bench.events("snippets_interaction")
    assert sent == {"documented": [], "wire": ["DISMISS"]}


def test_reach_comes_first_then_exposure_then_the_impression() -> None:
    branches = [
        message(f"{branch}", "cfr", "site_visit", experiment="exp", branch=branch, reactions=always())
        for branch in ("control", "one", "two")
    ]
    bench = BrowserBench(branches)
    bench.installation.enrol("exp", "one")
    messages.show(bench.person, CALM, "site_visit")
    bench.env.run()
    (shown_at, ping, document) = bench.sent[0]
    assert bench.log.told == [
        ("reached", START, "control"),
        ("reached", START, "two"),
        ("exposed", shown_at, "cfr"),
    ]
    assert ping == "cfr_impression_prerelease"  # an experiment on recommendations lifts the release policy
    assert document["message_id"] == "one"
    assert document["experiments"] == {"exp": {"branch": "one"}}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_failing_expression_is_told_and_its_message_not_shown(dialect: Dialect) -> None:
    failing = Messaging(targeting_error=1.0, attribute_timeout=0, provider_failure=0)
    found = message("A", "spotlight", "startup", targeting="runs > 0", reactions=always())
    bench = BrowserBench([found], dialect)
    messages.show(bench.person, failing, "startup")
    bench.env.run()
    pings = [ping for _, ping, _ in bench.sent]
    assert pings == ["targeting_error"] + (["attribute_error"] if dialect == "documented" else [])
    assert bench.sent[0][2]["message_id"] == "A"
    event = ("event", "messaging_experiments", "targeting", "attribute_error", "runs", {"source": "A"})
    assert bench.log.told == ([] if dialect == "documented" else [event])


def test_an_attribute_that_takes_too_long_is_no_targeting_error() -> None:
    slow = Messaging(targeting_error=0, attribute_timeout=1.0, provider_failure=0)
    bench = BrowserBench([message("A", "spotlight", "startup", targeting="runs > 0")], "documented")
    messages.show(bench.person, slow, "startup")
    bench.env.run()
    assert [ping for _, ping, _ in bench.sent] == ["attribute_timeout"]


def test_a_provider_that_fails_is_told_and_sends_nothing_that_run() -> None:
    failing = Messaging(targeting_error=0, attribute_timeout=0, provider_failure=1.0)
    bench = BrowserBench([message("A", "spotlight", "startup", provider="cfr-remote", reactions=always())])
    messages.load(bench.person, failing)
    messages.show(bench.person, CALM, "startup")
    bench.env.run()
    assert [ping for _, ping, _ in bench.sent] == ["remote_settings_error"]
    assert bench.sent[0][2]["event_context"] == "cfr-remote"
    messages.load(bench.person, CALM)
    messages.show(bench.person, CALM, "startup")
    bench.env.run()
    assert bench.events("spotlight_event")[0] == "IMPRESSION"


def test_moments_pages_are_set_once_each_five_minutes_apart() -> None:
    bench = BrowserBench([message(name, "moments_page", "moments", bucket="") for name in ("A", "B")])
    bench.env.process(messages.moments(bench.person, CALM))
    bench.env.run()
    assert [due - START for due, _, _ in bench.sent] == [0, 300_000]
    assert {document["bucket_id"] for _, _, document in bench.sent} == {"A", "B"}
    assert {document["message_id"] for _, _, document in bench.sent} == {"n/a"}
    bench.start()
    bench.env.process(messages.moments(bench.person, CALM))
    bench.env.run()
    assert len(bench.sent) == 2


def test_a_panel_that_is_open_is_not_opened_again() -> None:
    found = [
        message(name, "whats_new_panel", "panel", reactions=always(primary=1.0))
        for name in ("NEW_2", "NEW_1")
    ]
    bench = BrowserBench(found)
    for _ in range(2):
        bench.env.process(messages.open_panel(bench.person, CALM))
    bench.env.run()
    assert bench.events("whats_new_panel_event") == ["IMPRESSION", "CLICK", "CLICK"]
    assert bench.sent[0][2]["message_id"] == "NEW_1,NEW_2"
    bench.env.process(messages.open_panel(bench.person, CALM))
    bench.env.run()
    assert len(bench.sent) == 6


def test_the_panels_checkbox_flips() -> None:
    often = Messaging(targeting_error=0, attribute_timeout=0, provider_failure=0, pref_toggle=1.0)
    bench = BrowserBench([message("NEW", "whats_new_panel", "panel", reactions=always())])
    for _ in range(2):
        bench.env.process(messages.open_panel(bench.person, often))
        bench.env.run()
    contexts = [d["event_context"] for _, ping, d in bench.sent if ping == "whats_new_panel_pref_toggle"]
    assert contexts == ['{"prefValue":false}', '{"prefValue":true}']
