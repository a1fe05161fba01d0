"""Trigger to message: targeting, frequency caps, blocks, and the draw among those that are left (ASRouter).

Sources: ASRouter.isBelowFrequencyCaps; experimenter's display logic and feature pages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from simulator.population.preferences import CFR_ADDONS, CFR_FEATURES, SNIPPETS
from simulator.scenario.message import Frequency, Message
from simulator.scenario.targeting import attributes_of, compile_expression

_LARGEST_CACHE = 50_000
_CATEGORY_BIT = {"addons": CFR_ADDONS, "features": CFR_FEATURES}
#: Providers by surface, for messages that name none.
_PROVIDERS: Final[Mapping[str, str]] = {
    "cfr": "cfr",
    "whats_new_panel": "whats-new-panel",
    "snippets": "snippets",
    "onboarding": "onboarding",
}
_MOST_KEPT: Final = 100

Attributes = Callable[[], Mapping[str, object]]


class _Targeted:
    """One message with its targeting compiled, and remembered by the attributes that it asks about."""

    __slots__ = ("_cache", "_holds", "group", "group_key", "id", "message", "names", "pref_bit", "provider")

    def __init__(self, message: Message, groups: Mapping[str, Frequency]) -> None:
        self.message = message
        self.id = message.id
        self.pref_bit = 0
        if message.surface == "cfr":
            self.pref_bit = _CATEGORY_BIT[message.category]
        elif message.surface == "snippets":
            self.pref_bit = SNIPPETS
        default = "messaging-experiments" if message.experiment else _PROVIDERS.get(message.surface, "cfr")
        self.provider = message.provider or default
        self.group = groups.get(message.group)
        self.group_key = _group_key(message.group) if self.group else ""
        self.names = sorted(attributes_of(message.targeting))
        self._holds = compile_expression(message.targeting)
        self._cache: dict[tuple[object, ...], bool] = {}

    def matches(self, attributes: Attributes) -> bool:
        """Whether a client with these attributes is meant."""
        if self.names:
            known_of = attributes()
            key = tuple([known_of[name] for name in self.names])
        else:
            known_of, key = {}, ()
        known = self._cache.get(key)
        if known is None:
            if len(self._cache) > _LARGEST_CACHE:
                self._cache.clear()
            known = self._cache[key] = self._holds(known_of)
        return known


class Messages:
    """A scenario's messages, ready for many clients.

    Args:
        messages: as the scenario lists them.
        groups: frequency caps that messages of a group share.
    """

    def __init__(self, messages: Sequence[Message], groups: Mapping[str, Frequency] | None = None) -> None:
        self.groups = groups or {}
        self.by_trigger: dict[str, list[_Targeted]] = {}
        for message in messages:
            targeted = _Targeted(message, self.groups)
            self.by_trigger.setdefault(message.trigger, []).append(targeted)
        everything = [targeted for waiting in self.by_trigger.values() for targeted in waiting]
        self.providers = sorted({targeted.provider for targeted in everything})
        self.failing = {
            trigger: [(t.message, t.names) for t in waiting if t.names]
            for trigger, waiting in self.by_trigger.items()
        }
        self.of_branches = {
            trigger: branches
            for trigger, waiting in self.by_trigger.items()
            if (branches := [t for t in waiting if t.message.experiment and t.message.branch])
        }


class MessageRouter:
    """One client's view of the messages.

    What it has seen and blocked lasts as long as the profile. What it has reached in other branches, and which
    providers have failed, lasts as long as a browser run.
    """

    __slots__ = ("_down", "_impressions", "_messages", "_quiet", "_reached")

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._impressions: dict[str, list[int]] | None = None
        #: Until when caps and blocks keep each message and each group silent.
        self._quiet: dict[str, float] = {}
        self._down: str | None = None
        self._reached: set[str] | None = None

    def listens_to(self, trigger: str) -> bool:
        """Whether any message waits for this trigger at all."""
        return trigger in self._messages.by_trigger

    @property
    def providers(self) -> list[str]:
        """Where messages are loaded from."""
        return self._messages.providers

    def start_run(self, *, without: str | None) -> None:
        """The browser was started, and messages were loaded from all providers but one that failed."""
        self._down = without
        self._reached = None

    def may_fail(self, trigger: str) -> list[tuple[Message, list[str]]]:
        """The messages of a trigger whose targeting asks about anything, with the attributes that it asks about."""
        return self._messages.failing.get(trigger, [])

    def eligible(
        self,
        trigger: str,
        now_ms: int,
        *,
        attributes: Attributes,
        user_prefs: int,
        enrolled: Mapping[str, str],
        failed: str = "",
    ) -> list[Message]:
        """Every message that a trigger may show now, in the scenario's order.

        Args:
            trigger: what happened.
            now_ms: when.
            attributes: gives what targeting can ask about; asked only if an expression needs it.
            user_prefs: the preference bits; they switch recommendations off by category, and snippets.
            enrolled: experiment slug to branch; a branch's message is shown to nobody else.
            failed: id of a message whose targeting has just failed.
        """
        until, down = self._quiet.get, self._down
        return [
            targeted.message
            for targeted in self._messages.by_trigger.get(trigger, ())
            if until(targeted.id, 0) <= now_ms
            and not (targeted.group_key and until(targeted.group_key, 0) > now_ms)
            and not (targeted.pref_bit and not user_prefs & targeted.pref_bit)
            and targeted.id != failed
            and targeted.provider != down
            and _for_branch(targeted.message, enrolled)
            and targeted.matches(attributes)
        ]

    def choose(
        self,
        trigger: str,
        now_ms: int,
        *,
        attributes: Attributes,
        user_prefs: int,
        enrolled: Mapping[str, str],
        uniform: Callable[[], float],
        failed: str = "",
    ) -> Message | None:
        """The message that wins a trigger, at most one, drawn by weight among those that may be shown.

        Args as for `eligible`, and `uniform`, the client's stream.
        """
        eligible = self.eligible(
            trigger,
            now_ms,
            attributes=attributes,
            user_prefs=user_prefs,
            enrolled=enrolled,
            failed=failed,
        )
        if not eligible:
            return None
        point = uniform() * sum(message.weight for message in eligible)
        for message in eligible:
            point -= message.weight
            if point < 0:
                return message
        return eligible[-1]

    def reach(self, trigger: str, *, attributes: Attributes, enrolled: Mapping[str, str]) -> list[Message]:
        """The messages of other branches that would have been shown: each at most once a browser run.

        Only trigger and targeting count, and only for experiments that the client is enrolled in.

        Args:
            trigger: what happened.
            attributes: as for `eligible`.
            enrolled: experiment slug to branch.
        """
        reached: list[Message] = []
        for targeted in self._messages.of_branches.get(trigger, ()) if enrolled else ():
            message = targeted.message
            branch = enrolled.get(message.experiment or "")
            if branch is None or branch == message.branch:
                continue
            if self._reached is None:
                self._reached = set()
            if message.id not in self._reached and targeted.matches(attributes):
                self._reached.add(message.id)
                reached.append(message)
        return reached

    def impression(self, message: Message, now_ms: int) -> None:
        """The message was shown. It counts for its own caps and for its group's."""
        if self._impressions is None:
            self._impressions = {}
        seen = _note(self._impressions, message.id, now_ms)
        self._silence(message.id, _quiet_until(message.frequency, seen))
        group = self._messages.groups.get(message.group)
        if group is not None:
            key = _group_key(message.group)
            self._silence(key, _quiet_until(group, _note(self._impressions, key, now_ms)))

    def block(self, message: Message) -> None:
        """The message is never to be shown to this client again."""
        self._silence(message.id, math.inf)

    def _silence(self, key: str, until_ms: float) -> None:
        if until_ms > self._quiet.get(key, 0):
            self._quiet[key] = until_ms


def _group_key(group: str) -> str:
    """A group's name where it stands beside message ids, which have no line feeds."""
    return f"group\n{group}"


def _note(impressions: dict[str, list[int]], name: str, now_ms: int) -> list[int]:
    """Remember one more; more than the highest lifetime cap can never matter."""
    times = impressions.setdefault(name, [])
    times.append(now_ms)
    if len(times) > _MOST_KEPT:
        del times[0]
    return times


def _quiet_until(frequency: Frequency, seen: Sequence[int]) -> float:
    """When the caps allow another impression after those that were seen, in milliseconds since the Unix epoch."""
    if frequency.lifetime is not None and len(seen) >= frequency.lifetime:
        return math.inf
    return max((seen[-cap.cap] + cap.period for cap in frequency.custom if len(seen) >= cap.cap), default=0)


def _for_branch(message: Message, enrolled: Mapping[str, str]) -> bool:
    if message.experiment is None:
        return True
    branch = enrolled.get(message.experiment)
    return branch is not None and message.branch in {None, branch}
