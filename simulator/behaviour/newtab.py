"""A visit to a new tab: what is seen, what is done, how it ends."""

from __future__ import annotations

from collections.abc import Generator

import simpy

from simulator.behaviour import messages
from simulator.behaviour.person import BrowserPerson
from simulator.behaviour.rarities import RARITIES
from simulator.client import newtab_clicks as clicks
from simulator.distributions import Choice, decaying, weibull
from simulator.pings.firefox.user_event_pings.clicking_a_popular_topic_link import TOPICS
from simulator.population.preferences import SEARCH, TOP_SITES, TOP_STORIES
from simulator.scenario import Scenario

Process = Generator[simpy.Event, None, None]

_STORY_ROWS_SEEN = {3: 0.45, 6: 0.3, 9: 0.15, 21: 0.1}
_DWELL_LEAST_MS = 250
_DOES_SOMETHING = frozenset(
    {"search", "search_handoff", "topsite_click", "story_click", "popular_topic_click"}
)


class NewTabHabits:
    """What a scenario's people do on new tabs.

    Args:
        scenario: its rates, and whether it has messages for the foot of the page.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.rates = rates = scenario.newtab
        self.messaging = scenario.messaging
        self.has_snippets = any(message.trigger == "newtab_page" for message in scenario.all_messages)
        self.ending: Choice[str] = Choice(rates.endings)
        rarities = rates.rarities
        self.any_rarity = sum(rarities.values())
        self.rarity: Choice[str] = Choice(rarities if self.any_rarity else {"": 1.0})
        self.dwell = weibull(4_000, 0.7)
        self.tile: Choice[int] = decaying(8, rates.position_decay)
        self.story: Choice[int] = decaying(21, rates.position_decay)
        self.stories_seen: Choice[int] = Choice(_STORY_ROWS_SEEN)


def visit(
    person: BrowserPerson, habits: NewTabHabits, page: str, *, asked_ms: int | None, preloaded: bool
) -> Process:
    """One page from the moment it shows to the moment it is left. A refresh is another visit.

    Args:
        person: who.
        habits: what people do.
        page: about:home or about:newtab.
        asked_ms: when the person asked for a new tab; None where the page came another way.
        preloaded: whether it had been loaded in the background.
    """
    env, newtab, uniform = person.env, person.newtab, person.random.uniform
    ends_ms = person.installation.run_ends_ms
    any_rarity = habits.any_rarity
    now = int(env.now)
    while True:
        newtab.open_page(
            now, page, asked_ms=asked_ms, preloaded=preloaded, stories_seen=habits.stories_seen(uniform())
        )
        if habits.has_snippets:
            messages.show(person, habits.messaging, "newtab_page")
        dwell = habits.dwell(uniform()) + _DWELL_LEAST_MS
        if now + dwell >= ends_ms:
            yield env.timeout(max(0, ends_ms - now))
            return
        yield env.timeout(dwell)
        now += dwell
        u = uniform()
        if u < any_rarity:
            steps = RARITIES[habits.rarity(u / any_rarity)](person, habits)
            if steps is not None:
                yield from steps
                now = int(env.now)
                if now >= ends_ms:
                    return
            u = uniform()
        else:
            u = (u - any_rarity) / (1 - any_rarity)
        ending = habits.ending(u)
        if ending in _DOES_SOMETHING:
            _end(person, habits, ending, now)
        newtab.leave_page(now)
        if ending != "refresh":
            return
        preloaded = False


def _end(person: BrowserPerson, habits: NewTabHabits, ending: str, now: int) -> None:
    """What the person does last on the page; what is switched off cannot be used."""
    newtab, prefs = person.newtab, person.installation.user_prefs
    if ending == "search_handoff":
        if prefs & SEARCH:
            clicks.search_handoff(newtab, now)
    elif ending == "topsite_click":
        if prefs & TOP_SITES:
            clicks.click_topsite(newtab, now, habits.tile(person.random.uniform()))
    elif ending == "search":
        if prefs & SEARCH:
            clicks.search(newtab, now)
    elif ending == "story_click":
        if prefs & TOP_STORIES:
            clicks.click_story(newtab, now, habits.story(person.random.uniform()))
    elif prefs & TOP_STORIES:
        clicks.click_topic(newtab, now, TOPICS[int(person.random.uniform() * len(TOPICS))])
