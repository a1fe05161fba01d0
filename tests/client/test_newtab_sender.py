"""The new tab's sender: what is collected, what follows a change in the middle of a session, what is never sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.client import newtab_clicks as clicks
from simulator.client import newtab_events as events
from simulator.client.installation import Installation
from simulator.client.newtab import NewTabSender
from simulator.client.newtab_texts import NewTabTexts
from simulator.client.outbox import Outbox
from simulator.pings.firefox.basic_metadata import Application
from simulator.population import PageContent, cohort_profiles
from simulator.population.preferences import (
    ALL_ON,
    SPONSORED_STORIES,
    SPONSORED_TOP_SITES,
    TOP_SITES,
    TOP_STORIES,
)
from simulator.randomness import stream
from simulator.records import DIALECTS, Dialect
from simulator.scenario import parse_scenario
from simulator.simulation.cohort import new_kinds

HEAD = 'format = 1\nname = "x"\nstart = 2021-12-15T00:00:00Z\nduration = "1d"\nclients = 9\n'
NOW = 1_639_526_400_000


class Page:
    """A sender with its outbox, in a browser that has just been started."""

    def __init__(self, dialect: Dialect = "wire", *, prefs: int = ALL_ON, text_ids: bool = False) -> None:
        self.kinds = new_kinds()
        self.outbox = Outbox(dialect, self.kinds)
        profile = cohort_profiles(parse_scenario(HEAD), 1, range(1))[0]
        app = Application(profile.build_id, profile.version, profile.channel, profile.locale)
        self.installation = Installation(profile, app, self.outbox.rows.append)
        self.installation.user_prefs = prefs
        texts = NewTabTexts(self.outbox, PageContent(1, sponsored_tiles=2), text_tile_ids=text_ids)
        self.newtab = NewTabSender(self.installation, texts, stream(1, 1, "new tab"))
        self.start(NOW)

    def start(self, now: int) -> None:
        self.installation.start_run(now, now + 3_600_000, f"run-{now}")

    def open(
        self, at: int, page: str = "about:newtab", *, asked: bool = True, preloaded: bool = False
    ) -> str:
        self.newtab.open_page(at, page, asked_ms=at if asked else None, preloaded=preloaded, stories_seen=6)
        return self.newtab.session_id

    @property
    def sent(self) -> list[tuple[str, dict[str, Any]]]:
        return [(self.kinds.kinds[code].ping, json.loads(body)) for _, _, code, body, _ in self.outbox.rows]

    def pings(self) -> list[str]:
        return [ping for ping, _ in self.sent]

    def last(self) -> dict[str, Any]:
        return self.sent[-1][1]


def test_what_was_collected_goes_in_order_and_the_session_last() -> None:
    page = Page()
    page.open(NOW + 10)
    page.newtab.leave_page(NOW + 4_209)
    assert page.pings() == [
        "sponsored_topsite_impression",
        "sponsored_topsite_impression",
        "story_loaded_content",
        "story_impression_stats",
        "newtab_session",
    ]
    assert page.last()["session_duration"] == 4_199


def test_load_triggers_over_a_browser_run() -> None:
    page = Page()

    def trigger(at: int, name: str, *, asked: bool) -> tuple[str, int]:
        page.open(at, name, asked=asked)
        page.newtab.leave_page(at + 1)
        perf = page.last()["perf"]
        return perf["load_trigger_type"], perf["load_trigger_ts"]

    assert trigger(NOW + 5, "about:newtab", asked=False) == ("unexpected", -1)
    assert trigger(NOW + 10, "about:home", asked=False) == ("first_window_opened", NOW)
    assert trigger(NOW + 20, "about:home", asked=False) == ("unexpected", -1)
    assert trigger(NOW + 30, "about:newtab", asked=True) == ("menu_plus_or_keyboard", NOW + 30)
    assert trigger(NOW + 40, "about:newtab", asked=False) == ("menu_plus_or_keyboard", NOW + 30)  # inherited
    assert trigger(NOW + 50, "about:welcome", asked=False) == ("unexpected", -1)
    page.start(NOW + 5_000_000)
    assert trigger(NOW + 5_000_010, "about:newtab", asked=False) == ("unexpected", -1)
    assert trigger(NOW + 5_000_020, "about:home", asked=False) == ("first_window_opened", NOW + 5_000_000)


def test_a_preloaded_page_that_is_never_shown_leaves_no_trace() -> None:
    page = Page()
    first = page.open(NOW + 10, preloaded=True)
    page.newtab.leave_page(NOW + 20)
    waiting = page.newtab._preloaded_id
    second = page.open(NOW + 30, preloaded=True)
    assert second == waiting != first
    page.newtab.leave_page(NOW + 40)
    dropped = page.newtab._preloaded_id
    page.start(NOW + 5_000_000)
    assert page.open(NOW + 5_000_010, preloaded=True) != dropped
    page.newtab.leave_page(NOW + 5_000_020)
    assert not any(dropped in json.dumps(document) for _, document in page.sent)


def test_a_lost_page_sends_nothing_more() -> None:
    page = Page()
    page.open(NOW + 10)
    before = len(page.sent)
    page.newtab.lose_page()
    assert len(page.sent) == before
    assert not page.newtab.is_open


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_preference_changed_in_the_page_shows_at_once(dialect: Dialect) -> None:
    page = Page(dialect)
    session = page.open(NOW + 10)
    clicks.search_handoff(page.newtab, NOW + 15)
    events.change_preference(page.newtab, NOW + 20, TOP_STORIES, in_page=True)
    changed = page.last()
    assert changed["user_prefs"] == ALL_ON & ~TOP_STORIES
    assert json.loads(changed["value"]) == {"status": False, "menu_source": "CUSTOMIZE_MENU"}
    assert ("session_id" in changed) == (dialect == "wire")
    clicks.search_handoff(page.newtab, NOW + 25)
    assert page.last()["user_prefs"] == ALL_ON & ~TOP_STORIES
    assert page.last()["session_id"].strip("{}") == session
    page.newtab.leave_page(NOW + 30)
    assert page.last()["user_prefs"] == ALL_ON & ~TOP_STORIES
    assert not {"story_impression_stats", "story_loaded_content"} & set(page.pings())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_top_sites_that_were_not_painted_in_time_were_never_rendered(dialect: Dialect) -> None:
    page = Page(dialect)
    kept: set[bool] = set()
    for at in range(NOW + 10, NOW + 40_000, 1_000):
        page.open(at)
        page.newtab.leave_page(at + 60)
        perf = page.last()["perf"]
        painted = perf.get("topsites_first_painted_ts", -1)
        rendered = {
            key for key in perf if key.startswith(("topsites_icon", "topsites_pinned", "topsites_search"))
        }
        assert len(rendered) == (3 if painted >= 0 else 0)
        assert painted <= perf["visibility_event_rcvd_ts"] + 60
        assert painted >= 0 or not {"topsites_data_late_by_ms", "highlights_data_late_by_ms"} & set(perf)
        kept.add(painted >= 0)
    assert kept == {True, False}


def test_a_preference_changed_elsewhere_names_no_page() -> None:
    page = Page()
    events.change_preference(page.newtab, NOW + 20, TOP_SITES, in_page=False)
    assert not {"page", "session_id"} & page.last().keys()
    assert json.loads(page.last()["value"])["menu_source"] == "ABOUT_PREFERENCES"
    page.open(NOW + 30)
    page.newtab.leave_page(NOW + 40)
    assert "topsites_icon_stats" not in page.last()["perf"]
    assert "sponsored_topsite_impression" not in page.pings()


def test_sponsored_things_go_and_come_with_their_preferences() -> None:
    page = Page(prefs=ALL_ON & ~SPONSORED_TOP_SITES & ~SPONSORED_STORIES)
    page.open(NOW + 10)
    assert page.sent == []
    assert page.newtab.layout.sponsored == ()
    assert all(story.shim is None for story in page.newtab.slate.stories)
    events.change_preference(page.newtab, NOW + 20, SPONSORED_STORIES, in_page=True)
    assert any(story.shim for story in page.newtab.slate.stories)
    events.change_preference(page.newtab, NOW + 30, SPONSORED_TOP_SITES, in_page=False)
    page.newtab.leave_page(NOW + 40)
    page.open(NOW + 50)
    assert page.pings()[-2:] == ["sponsored_topsite_impression"] * 2


def test_an_experiment_annotates_from_its_enrolment_to_its_end() -> None:
    page = Page()
    page.open(NOW + 10)
    clicks.search_handoff(page.newtab, NOW + 11)
    assert page.last()["experiments"] == {}
    page.installation.enrol("exp", "one")
    clicks.search_handoff(page.newtab, NOW + 12)
    assert page.last()["experiments"] == {"exp": {"branch": "one"}}
    page.installation.unenrol("exp")
    page.newtab.leave_page(NOW + 13)
    assert page.last()["experiments"] == {}


def test_a_blocked_tile_is_replaced_and_counted_anew() -> None:
    page = Page()
    page.open(NOW + 10)
    instead = page.newtab.texts.content.site(stream(1, 1, "tile"))
    events.block_tile(page.newtab, NOW + 20, 0, instead=instead)
    assert json.loads(page.last()["value"])["card_type"] == "spoc"
    assert len(page.newtab.layout.sponsored) == 1
    page.newtab.leave_page(NOW + 300)
    assert sum(page.last()["perf"]["topsites_icon_stats"].values()) == 8


def test_a_sponsored_click_sends_two_pings_that_share_no_id() -> None:
    page = Page()
    page.open(NOW + 10)
    clicks.click_topsite(page.newtab, NOW + 20, 0)
    (_, event), (_, paid) = page.sent[-2:]
    assert paid["position"] == event["action_position"] + 1
    profile = page.installation.profile
    assert profile.client_id in event.values()
    assert profile.client_id not in json.dumps(paid)
    assert paid["context_id"] == f"{{{profile.context_id}}}"


@pytest.mark.parametrize(("dialect", "kind", "version"), [("wire", str, "2"), ("documented", int, "1")])
def test_story_ids_as_text_are_version_two_on_the_wire_alone(
    dialect: Dialect, kind: type, version: str
) -> None:
    page = Page(dialect, text_ids=True)
    page.open(NOW + 10)
    clicks.click_story(page.newtab, NOW + 20, 3)
    ping, document = page.sent[-1]
    assert isinstance(document["tiles"][0]["id"], kind)
    route = {kind.ping: kind.route for kind in page.kinds.kinds}[ping]
    assert route.endswith(f"/{version}")


def test_only_the_wire_tells_the_event_of_a_blocked_story() -> None:
    told = {}
    for dialect in DIALECTS:
        page = Page(dialect)
        page.open(NOW + 10)
        events.block_story(page.newtab, NOW + 20, 2)
        told[dialect] = [ping for ping in page.pings() if not ping.startswith("sponsored")]
    assert told == {"documented": ["story_block_stats"], "wire": ["tile_block", "story_block_stats"]}


def test_an_update_changes_version_and_build_of_what_follows() -> None:
    page = Page()
    page.open(NOW + 10)
    page.newtab.leave_page(NOW + 11)
    before = page.last()
    page.start(NOW + 5_000_000)
    profile = page.installation.profile
    page.installation.update(Application("20220110000000", "96.0", profile.channel, profile.locale))
    page.open(NOW + 5_000_010)
    page.newtab.leave_page(NOW + 5_000_011)
    assert before["version"] != page.last()["version"] == "96.0"
    assert page.last()["addon_version"] == "20220110000000"
    assert page.installation.targeting_attributes(NOW)["updated"] is True
    assert page.installation.targeting_attributes(NOW)["version"] == 96.0
