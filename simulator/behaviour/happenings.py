"""What happens away from new tabs while the browser is open: sites, toolbar, pinned tabs, the Pocket button."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import simpy

from simulator.behaviour import messages
from simulator.behaviour.person import BrowserPerson
from simulator.client import newtab_events
from simulator.clock import MS_PER_HOUR
from simulator.distributions import Choice, exponential, lognormal
from simulator.population.preferences import SOURCE_OF_BIT
from simulator.scenario import Scenario
from simulator.scenario.message import Messaging

Process = Generator[simpy.Event, None, None]

_SCALE = 1_000_000
_NEVER = 1 << 60
_STEP = lognormal(2_500, 0.7)
_PREFERENCES: Final = tuple(SOURCE_OF_BIT)
#: What people do with the Save to Pocket button: (action, source) steps. Assumption: no public figure was found.
_POCKET_STEPS: Final = {
    True: (
        (("save", "save_button"), ("impression", "on_save_recs")),
        (("save", "save_button"), ("impression", "on_save_recs"), ("click", "on_save_recs")),
        (("save", "save_button"), ("click", "view_list")),
        (("click", "home_button"), ("click", "home_view_list")),
        (("click", "home_button"), ("click", "home_topic")),
        (("click", "home_button"), ("click", "home_discover")),
        (("save", "save_button"), ("click", "recs_learn_more")),
    ),
    False: (
        (("click", "save_button"), ("impression", "sign_up_1")),
        (("click", "save_button"), ("impression", "sign_up_1"), ("click", "sign_up_1")),
        (("click", "save_button"), ("impression", "sign_up_2"), ("click", "sign_up_2")),
        (("click", "save_button"), ("click", "log_in")),
        (("click", "save_button"), ("click", "learn_more")),
    ),
}
_UNPINS_THE_BUTTON: Final = 0.03
_SITES_BEFORE_A_LONG_LIST: Final = 3


class HappeningHabits:
    """How often what happens, as one Poisson process whose events are dealt out.

    Args:
        scenario: its rates; what no message waits for is left out.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.messaging: Messaging = scenario.messaging
        waiting = {message.trigger for message in scenario.all_messages}
        rates = {
            "site_visit": scenario.messaging.site_visits_an_hour if "site_visit" in waiting else 0,
            "toolbar": scenario.messaging.toolbar_uses_an_hour if "toolbar" in waiting else 0,
            "panel": scenario.messaging.panel_uses_an_hour if "panel" in waiting else 0,
            "tab_pin": scenario.browser.tab_pins_an_hour,
            "pref_change": scenario.browser.pref_changes_an_hour,
            "pocket": scenario.browser.pocket_uses_an_hour,
        }
        total = sum(rates.values())
        self._mean_ms = MS_PER_HOUR / total if total else 0.0
        self.kind: Choice[str] = Choice(rates if total else {"": 1.0})
        self._wait = exponential(_SCALE)

    def until_next(self, u: float) -> int:
        """Milliseconds of browsing until something happens, at the share `u` of all such waits."""
        return int(self._wait(u) * self._mean_ms / _SCALE) if self._mean_ms else _NEVER


def browse(person: BrowserPerson, habits: HappeningHabits, gap_ms: int, *, stay: bool = True) -> Process:
    """Time away from new tabs, in windows that are not private.

    Args:
        person: who.
        habits: how often what happens.
        gap_ms: how long.
        stay: whether to wait for the end of it when nothing more happens.
    """
    env, uniform = person.env, person.random.uniform
    left = gap_ms
    while True:
        if person.until_happening < 0:
            person.until_happening = habits.until_next(uniform())
        if person.until_happening >= left:
            person.until_happening -= left
            break
        left -= person.until_happening
        yield env.timeout(person.until_happening)
        person.until_happening = -1
        _happens(person, habits, habits.kind(uniform()))
    if stay:
        yield env.timeout(left)


def _happens(person: BrowserPerson, habits: HappeningHabits, kind: str) -> None:
    env = person.env
    if kind in {"site_visit", "toolbar"}:
        # Which site it is stays with the person: no message ever learns it.
        messages.show(person, habits.messaging, kind)
    elif kind == "panel":
        env.process(messages.open_panel(person, habits.messaging))
    elif kind == "tab_pin":
        person.browser.tab_pinned(person.installation, int(env.now))
    elif kind == "pref_change":
        bit = _PREFERENCES[int(person.random.uniform() * len(_PREFERENCES))]
        newtab_events.change_preference(person.newtab, int(env.now), bit, in_page=False)
    elif person.pocket_button:
        env.process(_use_pocket(person))


def _use_pocket(person: BrowserPerson) -> Process:
    """The button and its panel, step by step. Once removed from the toolbar, the button reports nothing more."""
    installation, sender, uniform = person.installation, person.browser, person.random.uniform
    run = installation.runs
    u = uniform()
    if u < _UNPINS_THE_BUTTON:
        person.pocket_button = False
        sender.pocket_button(installation, int(person.env.now), "unpin", "save_button", 0)
        return
    ways = _POCKET_STEPS[installation.profile.pocket_logged_in]
    way = ways[int((u - _UNPINS_THE_BUTTON) / (1 - _UNPINS_THE_BUTTON) * len(ways))]
    position = int(u * 1_000) % _SITES_BEFORE_A_LONG_LIST
    delays = [_STEP(uniform()) for _ in way]
    for (action, source), delay in zip(way, delays, strict=True):
        listed = source in {"on_save_recs", "home_topic"}
        sender.pocket_button(installation, int(person.env.now), action, source, position if listed else 0)
        yield person.env.timeout(delay)
        if installation.runs != run or person.env.now >= installation.run_ends_ms:
            return
