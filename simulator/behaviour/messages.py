"""People and messages: a trigger fires, a message takes the stage, somebody reacts to it."""

from __future__ import annotations

from collections.abc import Generator

import simpy

from simulator.behaviour.person import BrowserPerson
from simulator.distributions import lognormal
from simulator.scenario.message import Message

Process = Generator[simpy.Event, None, None]

_UNTIL_SHOWN = lognormal(1_600, 0.4)
_UNTIL_SHOWN_LEAST_MS = 1_000
_UNTIL_NOTICED = lognormal(6_000, 0.9)
_UNTIL_DECIDED = lognormal(5_000, 0.8)


def fire(person: BrowserPerson, trigger: str) -> None:
    """Something happened that messages may wait for. At most one message wins, and only on a free stage."""
    router = person.router
    if not router.listens_to(trigger):
        return
    env, installation = person.env, person.installation
    now = int(env.now)
    message = router.choose(
        trigger,
        now,
        attributes=installation.targeting_attributes(now),
        user_prefs=installation.user_prefs,
        enrolled=installation.enrolled,
        uniform=person.messages_random.uniform,
    )
    if message is not None:
        env.process(_on_stage(person, message))


def _on_stage(person: BrowserPerson, message: Message) -> Process:
    """Hold the stage while a message is shown. Who finds it taken gives up: the trigger has passed."""
    stage = person.stage()
    if stage.count:
        return
    with stage.request() as turn:
        yield turn
        if message.surface == "cfr":
            yield from _doorhanger(person, message)
        else:
            yield from _spotlight(person, message)


def _wait(person: BrowserPerson, delay_ms: int) -> simpy.Event:
    return person.env.timeout(delay_ms)


def _run_is_over(person: BrowserPerson, run: int) -> bool:
    installation = person.installation
    return installation.runs != run or person.env.now >= installation.run_ends_ms


def _doorhanger(person: BrowserPerson, message: Message) -> Process:
    """A CFR doorhanger, in the order of CFRPageActions: shown, opened, perhaps explained, closed one way."""
    env, sender, uniform = person.env, person.messaging, person.messages_random.uniform
    run = person.installation.runs
    yield _wait(person, max(_UNTIL_SHOWN_LEAST_MS, _UNTIL_SHOWN(uniform())))
    if _run_is_over(person, run):
        return
    sender.cfr(int(env.now), message, "IMPRESSION")
    person.router.impression(message, int(env.now))
    reactions = message.reactions
    choice = uniform()
    ways = (
        (reactions.primary, message.primary_action),
        (reactions.secondary, "DISMISS"),
        (reactions.block, "BLOCK"),
        (reactions.manage, "MANAGE"),
    )
    action = ""
    for probability, name in ways:
        choice -= probability
        if choice < 0:
            action = name
            break
    if not action:
        return
    yield _wait(person, _UNTIL_NOTICED(uniform()))
    if _run_is_over(person, run):
        return
    sender.cfr(int(env.now), message, "CLICK_DOORHANGER")
    for probability, name in ((reactions.rationale, "RATIONALE"), (reactions.learn_more, "LEARN_MORE")):
        if uniform() < probability:
            yield _wait(person, _UNTIL_DECIDED(uniform()))
            if _run_is_over(person, run):
                return
            sender.cfr(int(env.now), message, name)
    yield _wait(person, _UNTIL_DECIDED(uniform()))
    if _run_is_over(person, run):
        return
    sender.cfr(int(env.now), message, action)
    if action in {"BLOCK", message.primary_action}:
        person.router.block(message)


def _spotlight(person: BrowserPerson, message: Message) -> Process:
    """A spotlight dialog: one impression, then one click (primary) or one dismissal (anything else)."""
    env, sender, uniform = person.env, person.messaging, person.messages_random.uniform
    run = person.installation.runs
    yield _wait(person, _UNTIL_SHOWN(uniform()))
    if _run_is_over(person, run):
        return
    sender.spotlight(int(env.now), message, "IMPRESSION")
    person.router.impression(message, int(env.now))
    clicks = uniform() < message.reactions.primary
    yield _wait(person, _UNTIL_NOTICED(uniform()))
    if _run_is_over(person, run):
        return
    sender.spotlight(int(env.now), message, "CLICK" if clicks else "DISMISS")
    if clicks:
        person.router.block(message)
