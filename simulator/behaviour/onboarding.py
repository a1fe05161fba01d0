"""The first start of a new profile: about:welcome, its screens in order, the way out of it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import simpy

from simulator.behaviour import messages
from simulator.behaviour.person import BrowserPerson
from simulator.distributions import Choice, lognormal
from simulator.scenario.browsing import Onboarding
from simulator.scenario.message import Message, Messaging

Process = Generator[simpy.Event, None, None]

_LOOK = lognormal(9_000, 0.8)
_SITES_AFTER_MS = 400
#: How people leave early, and when done. Assumption: no public figure was found.
_LEAVES: Choice[str] = Choice(
    {"welcome-tab-closed": 0.45, "address-bar-navigated": 0.4, "welcome-window-closed": 0.15}
)
_DONE: Final = "welcome-tab-closed"


def welcome(person: BrowserPerson, rates: Onboarding, messaging: Messaging) -> Process:
    """about:welcome, once in the life of a profile. Ends with SESSION_END in any case, then the page's session.

    Args:
        person: somebody whose profile was made just now.
        rates: what people do with it.
        messaging: how often targeting fails.
    """
    message = messages.fire(person, messaging, "first_run")
    if message is None:
        return
    env, installation, newtab = person.env, person.installation, person.newtab
    newtab.open_page(int(env.now), "about:welcome", asked_ms=None, preloaded=False, stories_seen=0)
    now = messages.shown(person, message)
    person.onboarding.impression(installation, now, message.id)
    shot_down = yield from (
        _screens(person, rates, message) if message.screens else _add_on(person, rates, message)
    )
    reason = shot_down or _LEAVES(person.messages_random.uniform())
    person.onboarding.session_end(installation, int(env.now), reason)
    newtab.leave_page(int(env.now))


def _look(person: BrowserPerson) -> simpy.Event:
    left = person.installation.run_ends_ms - person.env.now
    return person.env.timeout(min(_LOOK(person.messages_random.uniform()), max(0, left)))


def _is_shutting_down(person: BrowserPerson) -> bool:
    return person.env.now >= person.installation.run_ends_ms


def _screens(person: BrowserPerson, rates: Onboarding, message: Message) -> Generator[simpy.Event, None, str]:
    """The screens one after the other. Gives why it ended, empty where the person went away."""
    env, installation, sender = person.env, person.installation, person.onboarding
    uniform = person.messages_random.uniform
    for number, name in enumerate(message.screens):
        screen = f"{message.id}_{name}"
        sender.impression(installation, int(env.now), screen)
        if number == 0 and uniform() < rates.import_sites:
            yield env.timeout(min(_SITES_AFTER_MS, max(0, installation.run_ends_ms - env.now)))
            if _is_shutting_down(person):
                return "app-shut-down"
            sender.impression(installation, int(env.now), f"{message.id}_SITES")
        yield _look(person)
        if _is_shutting_down(person):
            return "app-shut-down"
        u = uniform()
        if u >= rates.primary + rates.secondary:
            return ""
        button = "primary_button" if u < rates.primary else "secondary_button"
        sender.click(installation, int(env.now), screen, button)
    return _DONE


def _add_on(person: BrowserPerson, rates: Onboarding, message: Message) -> Generator[simpy.Event, None, str]:
    """The single screen of somebody who came for an add-on: install it, or go on without."""
    env, installation, sender = person.env, person.installation, person.onboarding
    yield _look(person)
    if _is_shutting_down(person):
        return "app-shut-down"
    u = person.messages_random.uniform()
    if u < rates.install:
        sender.install(installation, int(env.now), message.id)
        return _DONE
    if u < rates.install + (1 - rates.install) * rates.secondary:
        sender.click(installation, int(env.now), message.id, "secondary_button")
        return _DONE
    return ""
