"""A visit to a new tab: what is seen, what is done, how it ends."""

from __future__ import annotations

from collections.abc import Generator

import simpy

from simulator.behaviour.person import BrowserPerson
from simulator.distributions import Choice, decaying, weibull
from simulator.population.preferences import SEARCH, TOP_SITES, TOP_STORIES
from simulator.scenario.model import NewTab

Process = Generator[simpy.Event, None, None]

_STORY_ROWS_SEEN = {3: 0.45, 6: 0.3, 9: 0.15, 21: 0.1}


class NewTabHabits:
    """What a scenario's people do on new tabs."""

    def __init__(self, rates: NewTab) -> None:
        self.rates = rates
        endings = {
            "search": rates.search,
            "search_handoff": rates.search_handoff,
            "topsite_click": rates.topsite_click,
            "story_click": rates.story_click,
            "refresh": rates.refresh,
            "close": rates.close,
        }
        self.ending: Choice[str] = Choice({**endings, "navigate": 1 - sum(endings.values())})
        self.dwell = weibull(4_000, 0.7)
        self.tile: Choice[int] = decaying(8, rates.position_decay)
        self.story: Choice[int] = decaying(21, rates.position_decay)
        self.stories_seen: Choice[int] = Choice(_STORY_ROWS_SEEN)


def visit(person: BrowserPerson, habits: NewTabHabits, page: str, *, asked_ms: int | None) -> Process:
    """One page from the moment it shows to the moment it is left. A refresh is another visit.

    Args:
        person: who.
        habits: what people do.
        page: about:home or about:newtab.
        asked_ms: when the person asked for a new tab.
    """
    env, newtab, uniform = person.env, person.newtab, person.random.uniform
    ends_ms = person.installation.run_ends_ms
    while True:
        preloaded = page == "about:newtab" and uniform() < habits.rates.preloaded
        newtab.open_page(
            int(env.now),
            page,
            asked_ms=asked_ms,
            preloaded=preloaded,
            stories_seen=habits.stories_seen(uniform()),
        )
        dwell = habits.dwell(uniform()) + 250
        if env.now + dwell >= ends_ms:
            yield env.timeout(max(0, ends_ms - env.now))
            return
        yield env.timeout(dwell)
        if uniform() < habits.rates.tile_block and person.installation.user_prefs & TOP_SITES:
            newtab.block_tile(int(env.now), habits.tile(uniform()))
        ending = _end(person, habits)
        newtab.leave_page(int(env.now))
        if ending != "refresh":
            return


def _end(person: BrowserPerson, habits: NewTabHabits) -> str:
    """What the person does last on the page; what is switched off cannot be used."""
    newtab, uniform, prefs = person.newtab, person.random.uniform, person.installation.user_prefs
    now = int(person.env.now)
    ending = habits.ending(uniform())
    if ending == "search_handoff" and prefs & SEARCH:
        newtab.search_handoff(now)
    elif ending == "topsite_click" and prefs & TOP_SITES:
        newtab.click_topsite(now, habits.tile(uniform()))
    elif ending == "search" and prefs & SEARCH:
        newtab.search(now)
    elif ending == "story_click" and prefs & TOP_STORIES:
        newtab.click_story(now, habits.story(uniform()))
    return ending
