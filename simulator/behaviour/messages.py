"""People and messages: a trigger fires, a message takes the stage, somebody reacts to it.

Doorhangers, dialogs and bars share one stage: one of them at a time. Badges, snippets, the What's New panel and
moments pages have places of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final

import simpy

from simulator.behaviour.person import BrowserPerson
from simulator.clock import MS_PER_MINUTE
from simulator.distributions import lognormal
from simulator.scenario.message import Message, Messaging, Reactions

Process = Generator[simpy.Event, None, None]

_UNTIL_SHOWN = lognormal(1_600, 0.4)
_UNTIL_SHOWN_LEAST_MS = 1_000
_UNTIL_NOTICED = lognormal(6_000, 0.9)
_UNTIL_DECIDED = lognormal(5_000, 0.8)
_MOMENTS_EVERY_MS: Final = 5 * MS_PER_MINUTE
_VIEWS: Final = ("application_menu", "toolbar_dropdown")
_STAGED: Final = frozenset({"cfr", "spotlight", "infobar"})
_MALFORMED: Final = 0.3  # of failing expressions; assumption
_NO_MESSAGES: Final = 0.5  # of failing loads; assumption


def load(person: BrowserPerson, rates: Messaging) -> None:
    """The browser started: messages are loaded from their providers, one of which may fail."""
    router = person.router
    if not rates.provider_failure:
        router.start_run(without=None)
        return
    u = person.messages_random.uniform()
    if u >= rates.provider_failure:
        router.start_run(without=None)
        return
    at = u / rates.provider_failure * len(router.providers)
    provider = router.providers[int(at)]
    router.start_run(without=provider)
    event = "ASR_RS_NO_MESSAGES" if at % 1 < _NO_MESSAGES else "ASR_RS_ERROR"
    person.messaging.provider_failed(person.installation, int(person.env.now), event, provider)


def fire(person: BrowserPerson, rates: Messaging, trigger: str) -> Message | None:
    """Something happened that messages may wait for. At most one message wins.

    The order is that of the real router: reach of other branches, then the choice. Exposure comes just before the
    winner is shown.

    Args:
        person: who.
        rates: how often targeting fails.
        trigger: what happened.
    """
    router, installation = person.router, person.installation
    now = int(person.env.now)
    failed = _failing(person, rates, trigger, now)
    if installation.enrolled and person.experiments is not None:
        for message in router.reach(trigger, now, installation):
            if message.id != failed:
                person.experiments.reached(now, message)
    if router.sleeps(trigger, now, installation):
        return None  # as it mostly is: what waits for this trigger has been seen, or is not for this client
    uniform = person.messages_random.uniform
    return router.choose(trigger, now, installation, uniform=uniform, failed=failed)


def show(person: BrowserPerson, rates: Messaging, trigger: str) -> None:
    """Fire a trigger, and let the message that wins it be shown."""
    message = fire(person, rates, trigger)
    if message is None:
        return
    if message.surface in _STAGED and person.stage_is_taken:
        return  # nobody waits for the stage: the trigger has passed
    person.env.process(_SCENES[message.surface](person, message))


def _failing(person: BrowserPerson, rates: Messaging, trigger: str, now: int) -> str:
    """Now and then the targeting of a waiting message fails or times out; its id, then it is not shown."""
    candidates = person.router.may_fail(trigger)
    if not candidates:
        return ""
    total = rates.targeting_error + rates.attribute_timeout
    if not total or (u := person.messages_random.uniform()) >= total:
        return ""
    at = u / total * len(candidates)
    message, attributes = candidates[int(at)]
    rest = at % 1
    attribute = attributes[int(rest * len(attributes))]
    sender, installation = person.messaging, person.installation
    kind = "attribute_error"
    if person.messages_random.uniform() * total < rates.attribute_timeout:
        kind = "attribute_timeout"
    else:
        cause = "MALFORMED_EXPRESSION" if rest < _MALFORMED else "OTHER_ERROR"
        sender.targeting_error(installation, now, message, cause)
    told = sender.attribute_failed(installation, now, kind, about=attribute, source=message.id)
    if not told and person.events is not None:
        person.events.record(
            now, "parent", "messaging_experiments", "targeting", kind, attribute, {"source": message.id}
        )
    return message.id


def shown(person: BrowserPerson, message: Message) -> int:
    """The message is on screen: exposure first, then whatever its surface reports. Gives the time."""
    now = int(person.env.now)
    if message.experiment is not None and person.experiments is not None:
        person.experiments.exposed(now, message.feature)
    person.router.impression(message, now)
    return now


def _pause(person: BrowserPerson, delay_ms: int) -> simpy.Event:
    return person.env.timeout(delay_ms)


def _run_is_over(person: BrowserPerson, run: int) -> bool:
    installation = person.installation
    return installation.runs != run or person.env.now >= installation.run_ends_ms


def _closing(reactions: Reactions, names: dict[str, str], u: float) -> str:
    """The one way in which a message is closed, in the surface's own words; empty where it is ignored."""
    for way, name in names.items():
        u -= getattr(reactions, way)
        if u < 0:
            return name
    return ""


def _on_stage(
    scene: Callable[[BrowserPerson, Message], Process],
) -> Callable[[BrowserPerson, Message], Process]:
    """A scene that holds the stage meanwhile. Who finds it taken gives up: the trigger has passed."""

    def staged(person: BrowserPerson, message: Message) -> Process:
        if person.stage_is_taken:
            return
        person.stage_is_taken = True
        yield person.env.timeout(0)  # whatever else happens at this moment comes first
        yield from scene(person, message)
        person.stage_is_taken = False

    return staged


@_on_stage
def _doorhanger(person: BrowserPerson, message: Message) -> Process:
    """A CFR doorhanger, in the order of CFRPageActions: shown, opened, perhaps explained, closed one way."""
    env, sender, uniform = person.env, person.messaging, person.messages_random.uniform
    installation = person.installation
    run = installation.runs
    yield _pause(person, max(_UNTIL_SHOWN_LEAST_MS, _UNTIL_SHOWN(uniform())))
    if _run_is_over(person, run):
        return
    sender.cfr(installation, shown(person, message), message, "IMPRESSION")
    ways = {"primary": message.primary_action, "secondary": "DISMISS", "block": "BLOCK", "manage": "MANAGE"}
    action = _closing(message.reactions, ways, uniform())
    if not action:
        return
    yield _pause(person, _UNTIL_NOTICED(uniform()))
    if _run_is_over(person, run):
        return
    sender.cfr(installation, int(env.now), message, "CLICK_DOORHANGER")
    reactions = message.reactions
    for probability, name in ((reactions.rationale, "RATIONALE"), (reactions.learn_more, "LEARN_MORE")):
        if uniform() < probability:
            yield _pause(person, _UNTIL_DECIDED(uniform()))
            if _run_is_over(person, run):
                return
            sender.cfr(installation, int(env.now), message, name)
    yield _pause(person, _UNTIL_DECIDED(uniform()))
    if _run_is_over(person, run):
        return
    sender.cfr(installation, int(env.now), message, action)
    if action in {"BLOCK", message.primary_action}:
        person.router.block(message)


@_on_stage
def _spotlight(person: BrowserPerson, message: Message) -> Process:
    """A spotlight dialog: one impression, then one click (primary) or one dismissal (anything else)."""
    sender, uniform, installation = person.messaging, person.messages_random.uniform, person.installation
    run = installation.runs
    yield _pause(person, _UNTIL_SHOWN(uniform()))
    if _run_is_over(person, run):
        return
    sender.spotlight(installation, shown(person, message), message, "IMPRESSION")
    clicks = uniform() < message.reactions.primary
    yield _pause(person, _UNTIL_NOTICED(uniform()))
    if _run_is_over(person, run):
        return
    sender.spotlight(installation, int(person.env.now), message, "CLICK" if clicks else "DISMISS")
    if clicks:
        person.router.block(message)


@_on_stage
def _infobar(person: BrowserPerson, message: Message) -> Process:
    """An info bar: one impression, then at most one of its buttons or its cross."""
    sender, uniform, installation = person.messaging, person.messages_random.uniform, person.installation
    run = installation.runs
    yield _pause(person, _UNTIL_SHOWN(uniform()))
    if _run_is_over(person, run):
        return
    sender.infobar(installation, shown(person, message), message, "IMPRESSION")
    ways = {
        "primary": "CLICK_PRIMARY_BUTTON",
        "secondary": "CLICK_SECONDARY_BUTTON",
        "dismiss": "DISMISSED",
    }
    action = _closing(message.reactions, ways, uniform())
    yield _pause(person, _UNTIL_NOTICED(uniform()))
    if action and not _run_is_over(person, run):
        sender.infobar(installation, int(person.env.now), message, action)
        if action == "CLICK_PRIMARY_BUTTON":
            person.router.block(message)


def _badge(person: BrowserPerson, message: Message) -> Process:
    """A badge on the toolbar: seen, perhaps clicked, and then gone for good."""
    sender, uniform, installation = person.messaging, person.messages_random.uniform, person.installation
    run = installation.runs
    sender.badge(installation, shown(person, message), message, "IMPRESSION")
    if uniform() < message.reactions.primary:
        yield _pause(person, _UNTIL_NOTICED(uniform()))
        if not _run_is_over(person, run):
            sender.badge(installation, int(person.env.now), message, "CLICK")
            person.router.block(message)


def _snippet(person: BrowserPerson, message: Message) -> Process:
    """A note at the foot of the open page: seen, perhaps used while the page is still there."""
    sender, uniform, installation = person.messaging, person.messages_random.uniform, person.installation
    newtab = person.newtab
    sender.snippet(installation, shown(person, message), message, "IMPRESSION")
    ways = {"primary": "CLICK_BUTTON", "dismiss": "DISMISS", "block": "BLOCK"}
    action = _closing(message.reactions, ways, uniform())
    if not action:
        return
    session_id = newtab.session_id
    yield _pause(person, _UNTIL_DECIDED(uniform()))
    if newtab.is_open and newtab.session_id == session_id:
        sender.snippet(installation, int(person.env.now), message, action)
        if action == "BLOCK":
            person.router.block(message)


_SCENES: Final[dict[str, Callable[[BrowserPerson, Message], Process]]] = {
    "cfr": _doorhanger,
    "spotlight": _spotlight,
    "infobar": _infobar,
    "toolbar_badge": _badge,
    "snippets": _snippet,
}


def moments(person: BrowserPerson, rates: Messaging) -> Process:
    """Moments pages, looked for at the start and every five minutes while there was one: each is set once.

    A page opens at the next start and reports nothing there. Later looks at an unchanged set of messages would find
    what the last one found, nothing, so they are not simulated; the next start looks again.
    """
    run = person.installation.runs
    while not _run_is_over(person, run):
        message = fire(person, rates, "moments")
        if message is None:
            return
        now = shown(person, message)
        person.messaging.moments_page_set(person.installation, now, message)
        person.router.block(message)
        yield _pause(person, _MOMENTS_EVERY_MS)


def open_panel(person: BrowserPerson, rates: Messaging) -> Process:
    """The What's New panel: all its messages are seen at once, each may be clicked, the checkbox may be changed."""
    if person.panel_is_open:
        return  # somebody who is still reading it does not open it
    listed = _listed(person, rates)
    if listed:
        person.panel_is_open = True
        yield from _read_panel(person, rates, listed)
        person.panel_is_open = False


def _listed(person: BrowserPerson, rates: Messaging) -> list[Message]:
    """What the panel has to show now; messages of other branches that it would have shown are reached."""
    router, installation = person.router, person.installation
    now = int(person.env.now)
    failed = _failing(person, rates, "panel", now)
    if person.experiments is not None:
        for message in router.reach("panel", now, installation):
            person.experiments.reached(now, message)
    return router.eligible("panel", now, installation, failed=failed)


def _read_panel(person: BrowserPerson, rates: Messaging, listed: list[Message]) -> Process:
    sender, installation = person.messaging, person.installation
    uniform = person.messages_random.uniform
    run, now = installation.runs, int(person.env.now)
    view = _VIEWS[int(uniform() * len(_VIEWS))]
    for message in listed:
        shown(person, message)
    sender.panel_opened(installation, now, listed, view)
    for message in listed:
        if uniform() < message.reactions.primary:
            yield _pause(person, _UNTIL_DECIDED(uniform()))
            if _run_is_over(person, run):
                return
            sender.panel_clicked(installation, int(person.env.now), message, view)
    if uniform() < rates.pref_toggle:
        yield _pause(person, _UNTIL_DECIDED(uniform()))
        if not _run_is_over(person, run):
            person.panel_notifies = not person.panel_notifies
            sender.panel_preference(installation, int(person.env.now), on=person.panel_notifies)
