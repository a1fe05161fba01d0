"""Trigger to message: targeting, frequency caps, blocks, and the draw among those that are left (ASRouter).

Sources: ASRouter.isBelowFrequencyCaps; experimenter's display logic and feature pages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Final, Protocol

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
#: What targeting can ask about that passes by itself: with the day, a run or a new tab. All else has to be changed.
_PASSING: Final = frozenset({"profile_age_days", "first_run", "runs", "new_tabs", "updated"})


class Client(Protocol):
    """What decides which messages a client may see, apart from those that it has seen."""

    #: Counts the changes of what follows that do not come by themselves, as those of `_PASSING` do.
    changes: int
    #: The preference bits; they switch recommendations off by category, and snippets.
    user_prefs: int
    #: Experiment slug to branch; a branch's message is shown to nobody else.
    enrolled: dict[str, str]

    def targeting_attributes(self, now_ms: int) -> Mapping[str, object]:
        """What targeting can ask about."""


class _Caps:
    """A frequency in plain values, under the name by which impressions are counted."""

    __slots__ = ("custom", "key", "lifetime", "most_kept")

    def __init__(self, key: str, frequency: Frequency) -> None:
        self.key = key
        self.lifetime = math.inf if frequency.lifetime is None else frequency.lifetime
        self.custom = tuple((cap.cap, cap.period) for cap in frequency.custom)
        #: How many impressions any of the caps can ask about.
        self.most_kept = max([frequency.lifetime or 1, *(cap.cap for cap in frequency.custom)])

    def quiet_until(self, seen: Sequence[int]) -> float:
        """When another impression is allowed after those that were seen, in milliseconds since the Unix epoch."""
        count, until = len(seen), 0
        if count >= self.lifetime:
            return math.inf
        for cap, period in self.custom:
            if count >= cap and seen[-cap] + period > until:
                until = seen[-cap] + period
        return until


class _Targeted:
    """One message with its targeting compiled, and remembered by the attributes that it asks about."""

    __slots__ = (
        "_cache",
        "_for_all",
        "_holds",
        "_key_of",
        "branch",
        "caps",
        "experiment",
        "group",
        "group_key",
        "id",
        "lasts",
        "message",
        "names",
        "pref_bit",
        "provider",
        "weight",
    )

    def __init__(self, message: Message, groups: Mapping[str, Frequency]) -> None:
        self.message = message
        self.id = message.id
        self.weight = message.weight
        self.experiment = message.experiment
        self.branch = message.branch
        self.pref_bit = 0
        if message.surface == "cfr":
            self.pref_bit = _CATEGORY_BIT[message.category]
        elif message.surface == "snippets":
            self.pref_bit = SNIPPETS
        default = "messaging-experiments" if message.experiment else _PROVIDERS.get(message.surface, "cfr")
        self.provider = message.provider or default
        self.caps = _Caps(message.id, message.frequency)
        group = groups.get(message.group)
        # The group's name stands beside message ids, which have no line feeds.
        self.group = _Caps(f"group\n{message.group}", group) if group is not None else None
        self.group_key = self.group.key if self.group is not None else ""
        self.names = sorted(attributes_of(message.targeting))
        #: Whether what targeting says holds until the client is changed.
        self.lasts = _PASSING.isdisjoint(self.names)
        self._holds = compile_expression(message.targeting)
        #: Without attributes to ask about, the answer is the same for everybody.
        self._for_all = not self.names and self._holds({})
        self._key_of = itemgetter(*self.names) if self.names else None
        self._cache: dict[object, bool] = {}

    def matches(self, client: Client, now_ms: int) -> bool:
        """Whether a client is meant. Its attributes are asked for only if the expression needs them."""
        if self._key_of is None:
            return self._for_all
        known_of = client.targeting_attributes(now_ms)
        key = self._key_of(known_of)
        known = self._cache.get(key)
        if known is None:
            if len(self._cache) > _LARGEST_CACHE:
                self._cache.clear()
            known = self._cache[key] = self._holds(known_of)
        return known

    def is_for(self, enrolled: Mapping[str, str]) -> bool:
        """Whether it is nobody's alone, or of an experiment and a branch that the client is in."""
        if self.experiment is None:
            return True
        branch = enrolled.get(self.experiment)
        return branch is not None and self.branch in {None, branch}


class _Waiting:
    """What a trigger may show one client as it is now, and when that can be at the earliest."""

    __slots__ = ("changes", "messages", "wakes_ms")

    def __init__(self, messages: Sequence[_Targeted], changes: int) -> None:
        self.messages = messages
        self.changes = changes
        self.wakes_ms = 0.0


class Messages:
    """A scenario's messages, ready for many clients.

    Args:
        messages: as the scenario lists them.
        groups: frequency caps that messages of a group share.
    """

    def __init__(self, messages: Sequence[Message], groups: Mapping[str, Frequency] | None = None) -> None:
        self.by_trigger: dict[str, list[_Targeted]] = {}
        for message in messages:
            targeted = _Targeted(message, groups or {})
            self.by_trigger.setdefault(message.trigger, []).append(targeted)
        everything = [targeted for waiting in self.by_trigger.values() for targeted in waiting]
        self.by_id = {targeted.id: targeted for targeted in everything}
        self.providers = sorted({targeted.provider for targeted in everything})
        self.failing = {
            trigger: [(t.message, t.names) for t in waiting if t.names]
            for trigger, waiting in self.by_trigger.items()
        }
        self.of_branches = {
            trigger: branches
            for trigger, waiting in self.by_trigger.items()
            if (branches := [t for t in waiting if t.experiment and t.branch])
        }


class MessageRouter:
    """One client's view of the messages.

    What it has seen and blocked lasts as long as the profile. What it has reached in other branches, and which
    providers have failed, lasts as long as a browser run.
    """

    __slots__ = ("_down", "_impressions", "_messages", "_quiet", "_reached", "_waiting")

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._impressions: dict[str, list[int]] = {}
        #: Until when caps and blocks keep each message and each group silent.
        self._quiet: dict[str, float] = {}
        self._waiting: dict[str, _Waiting] = {}
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

    def may_fail(self, trigger: str) -> Sequence[tuple[Message, list[str]]]:
        """The messages of a trigger whose targeting asks about anything, with the attributes that it asks about."""
        return self._messages.failing.get(trigger, ())

    def sleeps(self, trigger: str, now_ms: int, client: Client) -> bool:
        """Whether the last look at a trigger found nothing and another one would find nothing still."""
        waiting = self._waiting.get(trigger)
        return waiting is not None and now_ms < waiting.wakes_ms and waiting.changes == client.changes

    def eligible(self, trigger: str, now_ms: int, client: Client, *, failed: str = "") -> list[Message]:
        """Every message that a trigger may show now, in the scenario's order.

        Args:
            trigger: what happened.
            now_ms: when.
            client: to whom; always the same one.
            failed: id of a message whose targeting has just failed.
        """
        return [targeted.message for targeted in self._open(trigger, now_ms, client, failed)]

    def choose(
        self, trigger: str, now_ms: int, client: Client, *, uniform: Callable[[], float], failed: str = ""
    ) -> Message | None:
        """The message that wins a trigger, at most one, drawn by weight among those that may be shown.

        Args as for `eligible`, and `uniform`, the client's stream.
        """
        found = self._open(trigger, now_ms, client, failed)
        if not found:
            return None
        point = uniform() * sum([targeted.weight for targeted in found])
        for targeted in found:
            point -= targeted.weight
            if point < 0:
                return targeted.message
        return found[-1].message

    def _open(self, trigger: str, now_ms: int, client: Client, failed: str) -> list[_Targeted]:
        waiting = self._waiting.get(trigger)
        if waiting is None or waiting.changes != client.changes:
            messages = self._for_client(trigger, now_ms, client)
            waiting = self._waiting[trigger] = _Waiting(messages, client.changes)
        quiet_until, found, wakes_ms = self._quiet.get, [], math.inf
        for targeted in waiting.messages:
            until = quiet_until(targeted.id, 0)
            if targeted.group_key and (of_group := quiet_until(targeted.group_key, 0)) > until:
                until = of_group
            if until > now_ms:
                if until < wakes_ms:
                    wakes_ms = until
            elif targeted.lasts or targeted.matches(client, now_ms):
                found.append(targeted)
            else:
                wakes_ms = now_ms
        waiting.wakes_ms = now_ms if found else wakes_ms
        if failed or self._down is not None:
            return [t for t in found if t.id != failed and t.provider != self._down]
        return found

    def _for_client(self, trigger: str, now_ms: int, client: Client) -> list[_Targeted]:
        """The messages that a client may ever see unless it is changed."""
        return [
            targeted
            for targeted in self._messages.by_trigger.get(trigger, ())
            if (not targeted.pref_bit or client.user_prefs & targeted.pref_bit)
            and targeted.is_for(client.enrolled)
            and (not targeted.lasts or targeted.matches(client, now_ms))
        ]

    def reach(self, trigger: str, now_ms: int, client: Client) -> list[Message]:
        """The messages of other branches that would have been shown: each at most once a browser run.

        Only trigger and targeting count, and only for experiments that the client is enrolled in.

        Args:
            trigger: what happened.
            now_ms: when.
            client: to whom.
        """
        reached: list[Message] = []
        for targeted in self._messages.of_branches.get(trigger, ()):
            branch = client.enrolled.get(targeted.experiment or "")
            if branch is None or branch == targeted.branch:
                continue
            if self._reached is None:
                self._reached = set()
            if targeted.id not in self._reached and targeted.matches(client, now_ms):
                self._reached.add(targeted.id)
                reached.append(targeted.message)
        return reached

    def impression(self, message: Message, now_ms: int) -> None:
        """The message was shown. It counts for its own caps and for its group's."""
        targeted = self._messages.by_id[message.id]
        self._count(targeted.caps, now_ms)
        if targeted.group is not None:
            self._count(targeted.group, now_ms)

    def _count(self, caps: _Caps, now_ms: int) -> None:
        """Remember one more, and no more than the caps ask about."""
        seen = self._impressions.get(caps.key)
        if seen is None:
            seen = self._impressions[caps.key] = []
        seen.append(now_ms)
        if len(seen) > caps.most_kept:
            del seen[0]
        self._silence(caps.key, caps.quiet_until(seen))

    def block(self, message: Message) -> None:
        """The message is never to be shown to this client again."""
        self._silence(message.id, math.inf)

    def _silence(self, key: str, until_ms: float) -> None:
        if until_ms > self._quiet.get(key, 0):
            self._quiet[key] = until_ms
