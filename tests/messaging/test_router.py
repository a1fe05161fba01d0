"""The message engine: caps, blocks, groups, categories, arbitration, reach."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.messaging import MessageRouter, Messages
from simulator.population.preferences import ALL_ON, CFR_ADDONS, CFR_FEATURES, SNIPPETS
from simulator.randomness import stream
from simulator.scenario.message import Cap, Frequency, Message

DAY = 86_400_000
_CHANGES = itertools.count()


def message(name: str, **fields: Any) -> Message:
    defaults: dict[str, Any] = {
        "surface": "cfr",
        "trigger": "site_visit",
        "bucket": "B",
        "frequency": Frequency(),
    }
    return Message(id=name, **(defaults | fields))


@dataclass
class Client:
    """A client as it is now: each is told from the one before as changed."""

    user_prefs: int = ALL_ON
    enrolled: dict[str, str] = field(default_factory=dict)
    attributes: Mapping[str, object] | None = field(default_factory=dict)
    changes: int = field(default_factory=_CHANGES.__next__)

    def targeting_attributes(self, now_ms: int) -> Mapping[str, object]:
        assert self.attributes is not None, "asked for attributes"
        return self.attributes


def choose(
    router: MessageRouter,
    now: int = 0,
    *,
    trigger: str = "site_visit",
    prefs: int = ALL_ON,
    enrolled: dict[str, str] | None = None,
    attributes: Mapping[str, object] | None = None,
    u: float = 0.0,
    failed: str = "",
) -> str | None:
    client = Client(prefs, enrolled or {}, attributes or {})
    found = router.choose(trigger, now, client, uniform=lambda: u, failed=failed)
    return found.id if found else None


def test_nothing_wins_a_trigger_that_no_message_waits_for() -> None:
    router = MessageRouter(Messages([message("A")]))
    assert router.listens_to("site_visit")
    assert not router.listens_to("startup")
    assert choose(router, trigger="startup") is None


def test_weights_decide_among_those_that_may_be_shown() -> None:
    router = MessageRouter(Messages([message("HEAVY", weight=90), message("LIGHT", weight=10)]))
    uniform = stream(1, 1, "weights").uniform
    won = Counter(choose(router, u=uniform()) for _ in range(4_000))
    assert won["HEAVY"] / 4_000 == pytest.approx(0.9, abs=0.02)


def test_the_lifetime_cap_holds_for_ever() -> None:
    only = message("A", frequency=Frequency(lifetime=2))
    router = MessageRouter(Messages([only]))
    for at in (0, 50 * DAY):
        assert choose(router, at) == "A"
        router.impression(only, at)
    assert choose(router, 5_000 * DAY) is None


def test_a_custom_cap_holds_for_its_period_and_not_longer() -> None:
    only = message("A", frequency=Frequency(custom=[Cap(cap=1, period="1d")]))
    router = MessageRouter(Messages([only]))
    router.impression(only, 1_000)
    assert choose(router, 1_000 + DAY - 1) is None
    assert choose(router, 1_000 + DAY) == "A"


@pytest.mark.parametrize("of_group", [False, True])
def test_a_custom_cap_holds_however_high_it_is(of_group: bool) -> None:
    often = Frequency(custom=[Cap(cap=150, period="1d")])
    only = message("A", group="g") if of_group else message("A", frequency=often)
    router = MessageRouter(Messages([only], {"g": often}))
    shown = []
    for at in [*range(400), *range(DAY, DAY + 400)]:
        if choose(router, at):
            router.impression(only, at)
            shown.append(at)
    assert shown == [*range(150), *range(DAY, DAY + 150)]


@given(
    caps=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 60)), max_size=3),
    lifetime=st.none() | st.integers(1, 9),
    gaps=st.lists(st.integers(0, 40), max_size=30),
)
def test_no_sequence_of_triggers_breaks_a_cap(
    caps: list[tuple[int, int]], lifetime: int | None, gaps: list[int]
) -> None:
    custom = [Cap(cap=cap, period=f"{period}m") for cap, period in caps]
    only = message("A", frequency=Frequency(lifetime=lifetime, custom=custom))
    router, now = MessageRouter(Messages([only])), 0
    shown: list[int] = []
    for gap in gaps:
        now += gap * 60_000
        if choose(router, now):
            router.impression(only, now)
            shown.append(now)
    assert lifetime is None or len(shown) <= lifetime
    for cap in custom:
        for at in shown:
            assert sum(at - cap.period < other <= at for other in shown) <= cap.cap


def test_a_groups_cap_counts_all_of_its_messages() -> None:
    first, second = (message(name, group="g") for name in "AB")
    router = MessageRouter(Messages([first, second], {"g": Frequency(lifetime=1)}))
    router.impression(first, 0)
    assert choose(router) is None


def test_what_is_blocked_never_comes_back() -> None:
    only = message("A")
    router = MessageRouter(Messages([only]))
    router.block(only)
    router.start_run(without=None)
    assert choose(router, 10_000 * DAY) is None


@pytest.mark.parametrize(
    ("fields", "bit"),
    [
        ({"category": "addons"}, CFR_ADDONS),
        ({"category": "features"}, CFR_FEATURES),
        ({"surface": "snippets", "trigger": "newtab_page"}, SNIPPETS),
    ],
)
def test_a_preference_switches_its_messages_off(fields: dict[str, Any], bit: int) -> None:
    only = message("A", **fields)
    router = MessageRouter(Messages([only]))
    assert choose(router, trigger=only.trigger) == "A"
    assert choose(router, trigger=only.trigger, prefs=ALL_ON & ~bit) is None


def test_dialogs_and_bars_do_not_ask_for_those_preferences() -> None:
    router = MessageRouter(Messages([message("A", surface="spotlight", trigger="startup")]))
    assert choose(router, trigger="startup", prefs=0) == "A"


def test_targeting_is_asked_only_where_there_is_something_to_ask() -> None:
    router = MessageRouter(Messages([message("A")]))
    found = router.choose("site_visit", 0, Client(attributes=None), uniform=lambda: 0.0)
    assert found is not None


def test_targeting_decides_and_a_failed_message_stays_away() -> None:
    router = MessageRouter(Messages([message("A", targeting="runs > 2")]))
    assert choose(router, attributes={"runs": 3}) == "A"
    assert choose(router, attributes={"runs": 2}) is None
    assert choose(router, attributes={"runs": 3}, failed="A") is None
    assert router.may_fail("site_visit")[0][1] == ["runs"]


def test_a_failed_provider_takes_its_messages_with_it_for_one_run() -> None:
    router = MessageRouter(Messages([message("A", provider="cfr-remote"), message("B", provider="cfr")]))
    router.start_run(without="cfr-remote")
    assert choose(router) == "B"
    router.start_run(without=None)
    assert choose(router) == "A"


def three_branches() -> list[Message]:
    return [
        message(f"{branch}-message", experiment="exp", branch=branch) for branch in ("control", "one", "two")
    ]


def test_a_branchs_message_is_shown_to_that_branch_alone() -> None:
    router = MessageRouter(Messages(three_branches()))
    assert choose(router) is None
    assert choose(router, enrolled={"exp": "two"}, u=0.99) == "two-message"
    assert choose(router, enrolled={"other": "two"}) is None


@pytest.mark.parametrize("branch", ["control", "one", "two"])
def test_every_sibling_is_reached_once_a_run(branch: str) -> None:
    router = MessageRouter(Messages(three_branches()))

    def reached() -> list[str]:
        found = router.reach("site_visit", 0, Client(enrolled={"exp": branch}))
        return [message.id for message in found]

    siblings = [m.id for m in three_branches() if m.branch != branch]
    assert reached() == siblings
    assert reached() == []
    router.start_run(without=None)
    assert reached() == siblings


def test_a_sibling_is_reached_only_where_its_targeting_holds() -> None:
    router = MessageRouter(Messages([message("A", experiment="exp", branch="one", targeting="runs > 2")]))
    reached = []
    for runs in (2, 3, 4):
        client = Client(enrolled={"exp": "control"}, attributes={"runs": runs})
        reached.append([one.id for one in router.reach("site_visit", 0, client)])
    assert reached == [[], ["A"], []]


def test_who_is_not_enrolled_reaches_nothing() -> None:
    router = MessageRouter(Messages(three_branches()))
    assert router.reach("site_visit", 0, Client(enrolled={})) == []
    assert router.reach("site_visit", 0, Client(enrolled={"other": "one"})) == []
    assert router.reach("startup", 0, Client(enrolled={"exp": "one"})) == []


@dataclass
class Plainly:
    """What a client has seen, and the rules of what may be shown as one would read them aloud."""

    messages: list[Message]
    groups: Mapping[str, Frequency]
    seen: list[tuple[Message, int]] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)
    down: str | None = None

    def capped(self, frequency: Frequency, times: list[int], now: int) -> bool:
        if frequency.lifetime is not None and len(times) >= frequency.lifetime:
            return True
        return any(sum(now - cap.period < at for at in times) >= cap.cap for cap in frequency.custom)

    def may_be_shown(self, one: Message, now: int, client: Client, failed: str) -> bool:
        own = [at for other, at in self.seen if other.id == one.id]
        of_group = [at for other, at in self.seen if other.group == one.group]
        if one.id in {failed, *self.blocked} or self.capped(one.frequency, own, now):
            return False
        if one.group in self.groups and self.capped(self.groups[one.group], of_group, now):
            return False
        if one.provider == self.down and self.down is not None:
            return False
        bit = CFR_ADDONS if one.category == "addons" else CFR_FEATURES
        if not client.user_prefs & bit:
            return False
        if one.experiment and client.enrolled.get(one.experiment) not in {one.branch}:
            return False
        asked = {"true": True, "runs > 1": client.runs > 1, "pinned_tabs > 1": client.pinned > 1}
        return asked[one.targeting]

    def shown_now(self, now: int, client: Client, failed: str) -> list[str]:
        return [one.id for one in self.messages if self.may_be_shown(one, now, client, failed)]


@dataclass
class Person(Client):
    """A client that lives through changes."""

    runs: int = 0
    pinned: int = 0

    def targeting_attributes(self, now_ms: int) -> Mapping[str, object]:
        return {"runs": self.runs, "pinned_tabs": self.pinned}


FREQUENCIES = st.builds(
    lambda lifetime, caps: Frequency(lifetime=lifetime, custom=[Cap(cap=c, period=f"{p}m") for c, p in caps]),
    st.none() | st.integers(1, 4),
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 50)), max_size=2),
)
SOME_MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "frequency": FREQUENCIES,
            "group": st.sampled_from(["", "", "g", "h"]),
            "provider": st.sampled_from(["cfr", "remote"]),
            "category": st.sampled_from(["addons", "features"]),
            "targeting": st.sampled_from(["true", "true", "runs > 1", "pinned_tabs > 1"]),
            "branch": st.sampled_from([None, None, "one", "two"]),
            "weight": st.sampled_from([1, 10]),
        }
    ),
    min_size=1,
    max_size=5,
)
STEPS = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from(["look"] * 6 + ["run", "failing run", "prefs", "pin", "enrol", "block", "failed"]),
        st.floats(0, 1, exclude_max=True),
    ),
    max_size=40,
)


@settings(max_examples=50)
@given(SOME_MESSAGES, st.fixed_dictionaries({"g": FREQUENCIES, "h": FREQUENCIES}), STEPS)
def test_what_may_be_shown_is_what_the_rules_say_aloud_whatever_happened_before(
    kinds: list[dict[str, Any]], groups: dict[str, Frequency], steps: list[tuple[int, str, float]]
) -> None:
    of_branch = [{"experiment": "exp"} if kind["branch"] else {} for kind in kinds]
    all_messages = [message(f"M{n}", **kind, **of_branch[n]) for n, kind in enumerate(kinds)]
    router, plain = MessageRouter(Messages(all_messages, groups)), Plainly(all_messages, groups)
    client, now = Person(runs=1), 0
    for minutes, what, u in steps:
        now += minutes * 60_000
        if what in {"run", "failing run"}:
            client.runs += 1
            plain.down = "remote" if what == "failing run" else None
            router.start_run(without=plain.down)
        elif what == "prefs":
            client.user_prefs ^= CFR_ADDONS if u < 0.5 else CFR_FEATURES
            client.changes += 1
        elif what == "pin":
            client.pinned = (client.pinned + 1) % 4
            client.changes += 1
        elif what == "enrol":
            client.enrolled = {"exp": "one" if u < 0.5 else "two"}
            client.changes += 1
        elif what == "block":
            blocked = all_messages[int(u * len(all_messages))]
            plain.blocked.add(blocked.id)
            router.block(blocked)
        failed = "M0" if what == "failed" else ""
        expected = plain.shown_now(now, client, failed)
        if router.sleeps("site_visit", now, client):
            assert plain.shown_now(now, client, "") == []
        chosen = router.choose("site_visit", now, client, uniform=lambda u=u: u, failed=failed)
        assert [one.id for one in router.eligible("site_visit", now, client, failed=failed)] == expected
        assert (chosen.id if chosen else None) == drawn(plain.messages, expected, u)
        if chosen and what == "look":
            plain.seen.append((chosen, now))
            router.impression(chosen, now)


def drawn(messages: list[Message], ids: list[str], u: float) -> str | None:
    """The message at share `u` of all weights."""
    weights = {one.id: one.weight for one in messages if one.id in ids}
    reached = itertools.accumulate(weights.values())
    at = u * sum(weights.values())
    return next((id_ for id_, end in zip(weights, reached, strict=True) if at < end), None)
