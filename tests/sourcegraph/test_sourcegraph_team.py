"""The shipped team: every row of the document is there in both dialects, and the week looks like one."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, get_args

import orjson
import pytest
from sourcegraph_kit import DOTCOM, INSTANCE, Sent, simulate, team, web_events

from simulator.catalogue import load_schemas
from simulator.clock import MS_PER_DAY, MS_PER_HOUR, utc
from simulator.population import cohort_profiles
from simulator.records import DIALECTS, Dialect
from simulator.scenario.sourcegraph import Platform
from simulator.simulation.plan import Plan

pytestmark = pytest.mark.slow

BUILTIN_ACTIONS = {
    "goToDefinition", "goToDefinition.preloaded", "findReferences", "toggleLineWrap", "goToPermalink",
    "toggleColorTheme",
}  # fmt: skip
EXTENSION_ACTIONS = {"git.blame.toggle", "linecounter.displayLineCountAction"}


def _names(pings: list[Sent]) -> Counter[str]:
    bodies = (ping.body for ping in pings if ping.ping == "sourcegraph_log_event")
    return Counter(body["event"] if "event" in body else body["variables"]["name"] for body in bodies)


def test_every_ping_fits_the_catalogue(team_pings: dict[str, list[Sent]], dialect: Dialect) -> None:
    schemas = load_schemas(dialect)
    for route, text in {
        (ping.kind.route, ping.text) for ping in team_pings[dialect]
    }:  # four of five repeat another
        assert schemas.is_valid(route, orjson.loads(text)), schemas.check(route, orjson.loads(text))


def test_every_ping_type_of_the_document_is_sent(team_pings: dict[str, list[Sent]]) -> None:
    assert {ping.ping for ping in team_pings["documented"]} == {
        "sourcegraph_log_event", "sourcegraph_log_events", "sentry_event",
    }  # fmt: skip
    assert {ping.ping for ping in team_pings["wire"]} == {
        "sourcegraph_log_user_event", "sourcegraph_log_event", "sourcegraph_log_events", "sentry_event",
    }  # fmt: skip


def test_builtin_and_extension_actions_and_page_views_of_the_web_application(
    team_pings: dict[str, list[Sent]], dialect: Dialect
) -> None:
    events = Counter(event["event"] for event in web_events(team_pings[dialect]))
    assert set(events) >= BUILTIN_ACTIONS | EXTENSION_ACTIONS
    assert set(events) >= {"ViewBlob", "ViewRepository", "ViewSearchResults", "ViewTree", "ViewHome"}
    assert events["SearchSubmitted"] > 100


def test_arguments_only_of_those_who_opted_in(team_pings: dict[str, list[Sent]], dialect: Dialect) -> None:
    told = {e["event"] for e in web_events(team_pings[dialect]) if e.get("argument") is not None}
    assert told == set(team().sourcegraph.arguments_opted_in)


def test_documented_the_extension_logs_hovers_and_every_action_id(team_pings: dict[str, list[Sent]]) -> None:
    settings = team().sourcegraph
    clicked = {"goToDefinition", "goToDefinition.preloaded", "findReferences"}
    expected = {"hover", *clicked, *settings.palette_actions, *settings.toolbar_actions}
    assert set(_names(team_pings["documented"])) == expected


def test_on_the_wire_the_extension_logs_four_names_and_its_views(team_pings: dict[str, list[Sent]]) -> None:
    four = {"hover", "goToDefinition", "goToDefinition.preloaded", "findReferences"}
    assert set(_names(team_pings["wire"])) == {*four, "ViewFile"}
    later = _names(team_pings["later"])
    assert set(later) >= four | EXTENSION_ACTIONS


def test_all_platforms_and_both_kinds_of_instance(
    team_pings: dict[str, list[Sent]], dialect: Dialect
) -> None:
    said = {
        re.sub(r"Sourcegraph - (.*) v.*", r"\1", ping.kind.headers["X-Requested-With"])
        for ping in team_pings[dialect]
        if ping.ping == "sourcegraph_log_event"
    }
    assert said == set(get_args(Platform))
    instances = {
        ping.kind.headers["x-sourcegraph-client"]
        for ping in team_pings[dialect]
        if ping.ping == "sourcegraph_log_events"
    }
    assert instances == {INSTANCE, DOTCOM}


UTM_PATTERNS = {
    "global search": r"/search\?utm_source=[a-z-]+&utm_campaign=global-search&q=",
    "omnibox": r"/search\?q=.*&utm_source=omnibox$",
    "sign in": r"/sign-in\?close=true&utm_source=[a-z-]+$",
    "file": r"@[0-9a-f]{40}/-/blob/[^?]+\?utm_source=[a-z-]+$",
    "diff": r"/-/compare/[0-9a-f]{12}\.\.\.[0-9a-f]{40}\?utm_source=[a-z-]+(&first=\d+)?$",
    "repository": r"@[0-9a-f]{40}\?utm_source=[a-z-]+$",
}


@pytest.fixture(scope="module")
def marked(team_pings: dict[str, list[Sent]]) -> dict[str, list[dict[str, Any]]]:
    """The page views of each dialect whose address tells a source."""
    return {
        told: [event for event in web_events(team_pings[told]) if "utm_source=" in event.get("url", "")]
        for told in DIALECTS
    }


@pytest.mark.parametrize("pattern", UTM_PATTERNS.values(), ids=UTM_PATTERNS)
def test_each_utm_pattern_shows_in_a_page_view(
    marked: dict[str, list[dict[str, Any]]], dialect: Dialect, pattern: str
) -> None:
    found = [event for event in marked[dialect] if re.search(pattern, event["url"])]
    assert found
    for event in found:
        assert event["event"].startswith("View")
        assert event["lastSourceURL"] == event["url"]


def test_a_newcomer_who_came_by_a_link_keeps_it_as_first_source(
    team_pings: dict[str, list[Sent]], dialect: Dialect
) -> None:
    firsts = [event.get("firstSourceURL", "") for event in web_events(team_pings[dialect])]
    assert any("utm_" in first for first in firsts)
    assert not all("utm_" in first for first in firsts)


def test_both_dialects_tell_the_same_story(team_pings: dict[str, list[Sent]]) -> None:
    def story(dialect: Dialect) -> list[tuple[int, int, list[str]]]:
        return [
            (ping.due_ms, ping.client, [event["event"] for event in web_events([ping])])
            for ping in team_pings[dialect]
            if ping.ping == "sourcegraph_log_events"
        ]

    assert story("documented") == story("wire")


def test_people_read_in_office_hours_of_weekdays() -> None:
    scenario = team().model_copy(update={"duration": 14 * MS_PER_DAY})
    offsets = {p.number: p.utc_offset_ms for p in cohort_profiles(scenario, 3, range(30))}
    pings = simulate(scenario, "documented", clients=range(30))
    local = [utc(ping.due_ms + offsets[ping.client]) for ping in pings]
    weekdays = sum(moment.weekday() < 5 for moment in local) / len(local)
    office = sum(8 <= moment.hour < 19 for moment in local) / len(local)
    assert weekdays > 0.93
    assert 0.75 < office < 0.97


def test_pings_come_in_time_and_end_with_the_scenario(
    team_pings: dict[str, list[Sent]], dialect: Dialect
) -> None:
    plan = Plan(team(), 3, dialect)
    # Bursts are made ahead of their time; the corpus's writer puts them in order.
    due = sorted(ping.due_ms for ping in team_pings[dialect])
    assert plan.start_ms < due[0]
    assert due[-1] <= plan.end_ms


def test_a_session_cut_by_the_end_is_finished_in_time() -> None:
    scenario = team(follow_link=1.0, palette_action=1.0).model_copy(update={"duration": 10 * MS_PER_HOUR})
    last = max(ping.due_ms for ping in simulate(scenario, "wire"))
    end = Plan(scenario, 3, "wire").end_ms
    assert end - MS_PER_HOUR < last <= end


def test_a_clients_history_is_its_own(dialect: Dialect) -> None:
    scenario = team().model_copy(update={"duration": MS_PER_DAY})

    def of_few(clients: range) -> list[tuple[int, int, str, str, str | None]]:
        pings = simulate(scenario, dialect, clients=clients)
        return [(p.due_ms, p.client, p.ping, p.text, p.id) for p in pings if p.client in range(4, 8)]

    assert of_few(range(4, 8)) == of_few(range(20))


def test_without_developers_nothing_is_drawn() -> None:
    scenario = team()
    products = scenario.products.model_copy(update={"sourcegraph_extension": 0.0, "sourcegraph_web": 0.0})
    assert simulate(scenario.model_copy(update={"products": products}), "wire") == []


@pytest.mark.parametrize(
    ("switched_off", "ping"),
    [
        ("sourcegraph_web", "sourcegraph_log_events"),
        ("sourcegraph_extension", "sourcegraph_log_event"),
    ],
)
def test_a_product_that_nobody_has_sends_nothing(switched_off: str, ping: str) -> None:
    scenario = team()
    products = scenario.products.model_copy(update={switched_off: 0.0})
    update = {"products": products, "duration": MS_PER_DAY}
    pings = simulate(scenario.model_copy(update=update), "documented", clients=range(20))
    assert pings
    assert ping not in {one.ping for one in pings}


def test_no_real_host_is_named_beside_the_documented_one(
    team_pings: dict[str, list[Sent]], dialect: Dialect
) -> None:
    hosts = set[str]()
    for text in {ping.text for ping in team_pings[dialect]}:
        hosts |= set(re.findall(r"https?://([^/\"\\?]+)", text))
    strangers = {host for host in hosts if not host.endswith(".example.com")}
    assert strangers == {"sourcegraph.com"}
