"""Trigger to message: targeting, frequency caps, blocks, and the draw among those that are left (ASRouter).

Sources: ASRouter.isBelowFrequencyCaps; experimenter's display logic page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from simulator.population.preferences import CFR_ADDONS, CFR_FEATURES
from simulator.scenario.message import Message
from simulator.scenario.targeting import attributes_of, compile_expression

_LARGEST_CACHE = 50_000
_CATEGORY_BIT = {"addons": CFR_ADDONS, "features": CFR_FEATURES}

Attributes = Mapping[str, object]


class _Targeted:
    """One message with its targeting compiled, and remembered by the attributes that it asks about."""

    __slots__ = ("_cache", "_holds", "_names", "message", "pref_bit")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.pref_bit = _CATEGORY_BIT[message.category] if message.surface == "cfr" else 0
        self._names = sorted(attributes_of(message.targeting))
        self._holds = compile_expression(message.targeting)
        self._cache: dict[tuple[object, ...], bool] = {}

    def matches(self, attributes: Attributes) -> bool:
        """Whether a client with these attributes is meant."""
        key = tuple([attributes[name] for name in self._names])
        known = self._cache.get(key)
        if known is None:
            if len(self._cache) > _LARGEST_CACHE:
                self._cache.clear()
            known = self._cache[key] = self._holds(attributes)
        return known


class Messages:
    """A scenario's messages, ready for many clients.

    Args:
        messages: as the scenario lists them.
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self.by_trigger: dict[str, list[_Targeted]] = {}
        for message in messages:
            self.by_trigger.setdefault(message.trigger, []).append(_Targeted(message))


class MessageRouter:
    """One client's view of the messages: what it has seen, what it has blocked. Both last as long as the profile."""

    __slots__ = ("_blocked", "_impressions", "_messages")

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._impressions: dict[str, list[int]] | None = None
        self._blocked: set[str] | None = None

    def listens_to(self, trigger: str) -> bool:
        """Whether any message waits for this trigger at all."""
        return trigger in self._messages.by_trigger

    def choose(
        self,
        trigger: str,
        now_ms: int,
        *,
        attributes: Attributes,
        user_prefs: int,
        enrolled: Mapping[str, str],
        uniform: Callable[[], float],
    ) -> Message | None:
        """The message that wins a trigger, at most one, drawn by weight among those that may be shown.

        Args:
            trigger: what happened.
            now_ms: when.
            attributes: for targeting.
            user_prefs: the preference bits; they switch recommendations off by category.
            enrolled: experiment slug to branch; a branch's message is shown to nobody else.
            uniform: the client's stream.
        """
        eligible = [
            targeted.message
            for targeted in self._messages.by_trigger.get(trigger, ())
            if not (targeted.pref_bit and not user_prefs & targeted.pref_bit)
            and self._may_show(targeted.message, now_ms)
            and _for_branch(targeted.message, enrolled)
            and targeted.matches(attributes)
        ]
        if not eligible:
            return None
        point = uniform() * sum(message.weight for message in eligible)
        for message in eligible:
            point -= message.weight
            if point < 0:
                return message
        return eligible[-1]

    def _may_show(self, message: Message, now_ms: int) -> bool:
        if self._blocked and message.id in self._blocked:
            return False
        seen = self._impressions.get(message.id) if self._impressions else None
        if not seen:
            return True
        frequency = message.frequency
        if frequency.lifetime is not None and len(seen) >= frequency.lifetime:
            return False
        return all(sum(at > now_ms - cap.period for at in seen) < cap.cap for cap in frequency.custom)

    def impression(self, message: Message, now_ms: int) -> None:
        """The message was shown."""
        if self._impressions is None:
            self._impressions = {}
        self._impressions.setdefault(message.id, []).append(now_ms)

    def block(self, message: Message) -> None:
        """The message is never to be shown to this client again."""
        if self._blocked is None:
            self._blocked = set()
        self._blocked.add(message.id)


def _for_branch(message: Message, enrolled: Mapping[str, str]) -> bool:
    if message.experiment is None:
        return True
    branch = enrolled.get(message.experiment)
    return branch is not None and message.branch in {None, branch}
