"""What a corpus shows of people's habits, beside the published figures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean, median
from typing import Any, Final

import numpy as np

from simulator.clock import MS_PER_DAY, MS_PER_HOUR
from simulator.scenario.figures import Figure, figures

#: The ping types whose bodies say something about habits.
READ: Final = frozenset(
    {
        "newtab_session",
        "topsite_click",
        "story_impression_stats",
        "story_click_stats",
        "cfr_impression_release",
        "cfr_impression_prerelease",
        "cfr_interaction_release",
        "cfr_interaction_prerelease",
        "main_ping",
    }
)
#: Counted, not read.
PAID: Final = "sponsored_topsite_impression"
_FOLLOWED = frozenset({"INSTALL", "ENABLE", "PIN", "CLICK", "CLICK_BUTTON"})
_THURSDAY = 0  # 1970-01-01 was one
_WEEKEND = frozenset({2, 3})
_DAYS_IN_A_WEEK = 7
_WINDOWS_10_OR_11 = {"name": "Windows_NT", "version": "10.0"}
_FIRST_POSITION_OF_SITES = 2
#: Top sites in a row.
POSITIONS: Final = 8


@dataclass(frozen=True, slots=True)
class Comparison:
    """One simulated value beside the published one.

    Args:
        figure: the published value with its source.
        simulated: a number, or numbers in the figure's own order.
        published: the figure's value in the same shape.
        distance: for numbers the relative difference; for shapes the share that would have to move.
        sample: how many observations the simulated value rests on.
        how: how it was read from the pings.
    """

    figure: Figure
    simulated: Any
    published: Any
    distance: float
    sample: int
    how: str


class Habits:
    """What is gathered from the bodies, one ping after another."""

    def __init__(self) -> None:
        self.session_ms: list[int] = []
        self.us_hours = [0] * 24
        self.locale_of: dict[int, str] = {}
        self.days_of: dict[int, set[int]] = defaultdict(set)
        self.new_tabs = self.first_windows = self.paid_tiles = self.sessions = 0
        self.clicks: Counter[int] = Counter()
        self.stories_shown = self.stories_clicked = 0
        self.shown = self.followed = 0
        self.open_s = 0
        self.run_s: list[int] = []
        self.ended: Counter[str] = Counter()
        self.open_days: set[tuple[int, int]] = set()
        self.has_new_windows: dict[int, bool] = {}

    def add(self, ping: str, due_ms: int, client: int, body: dict[str, Any]) -> None:
        """Take in the body of a ping of one of the types in `READ`."""
        if ping == "newtab_session":
            self._session(due_ms, client, body)
        elif ping == "main_ping":
            self._subsession(due_ms, client, body["payload"]["info"])
            self.has_new_windows[client] = body["environment"]["system"]["os"] == _WINDOWS_10_OR_11
        elif ping == "topsite_click":
            self.clicks[body["action_position"]] += 1
        elif ping == "story_impression_stats":
            self.stories_shown += len(body["tiles"])
        elif ping == "story_click_stats":
            self.stories_clicked += 1
        elif ping.startswith("cfr_impression"):
            self.shown += 1
        elif body["event"] in _FOLLOWED:
            self.followed += 1

    def _session(self, due_ms: int, client: int, body: dict[str, Any]) -> None:
        duration = body["session_duration"]
        day = due_ms // MS_PER_DAY
        self.sessions += 1
        self.session_ms.append(duration)
        self.locale_of[client] = body["locale"]
        self.days_of[client].add(day)
        self.new_tabs += body["page"] == "about:newtab"
        self.first_windows += body["perf"]["load_trigger_type"] == "first_window_opened"
        if body["locale"] == "en-US" and day % _DAYS_IN_A_WEEK not in _WEEKEND:
            self.us_hours[(due_ms - duration) % MS_PER_DAY // MS_PER_HOUR] += 1

    def _subsession(self, due_ms: int, client: int, info: dict[str, Any]) -> None:
        self.open_s += info["subsessionLength"]
        self.open_days.add(
            (client, (due_ms - 1) // MS_PER_DAY)
        )  # what ends at midnight was of the day before
        self.ended[info["reason"]] += 1
        if info["reason"] == "shutdown":
            self.run_s.append(info["sessionLength"])


def comparisons(seen: Habits, span_ms: int, *, senders: int, clients: int) -> Iterator[Comparison]:
    """Every figure that this corpus can say something about: of a day's habits only where it holds a day.

    Args:
        seen: what was gathered.
        span_ms: how long the corpus lasts, in milliseconds.
        senders: how many clients sent anything.
        clients: how many there are.
    """
    whole_days = span_ms >= MS_PER_DAY  # an hour says nothing of what people do in a day
    if whole_days:
        yield from _new_tabs(seen)
    yield from _people(seen)
    if whole_days and seen.run_s:
        yield _number(
            "daily_use_hours",
            seen.open_s / 3_600 / len(seen.open_days),
            len(seen.open_days),
            "length of subsessions a client and day, from main pings; the longer the span, the fewer are cut short",
        )
    weeks = span_ms / (MS_PER_DAY * _DAYS_IN_A_WEEK)
    if weeks >= 1 and seen.days_of:
        yield from _days(seen, weeks)
        yield _number(
            "telemetry_on",
            senders / clients,
            clients,
            "share of clients that sent anything: the more, the longer the span",
        )
    yield from _clicks(seen)


def _new_tabs(seen: Habits) -> Iterator[Comparison]:
    """When and how often new tabs are opened."""
    if sum(seen.us_hours):
        yield _shape(
            "daily_curve",
            [float(count) for count in seen.us_hours],
            sum(seen.us_hours),
            "starts of en-US new tab sessions by UTC hour, weekdays",
        )
    if not seen.days_of:
        return
    days = sum(len(found) for found in seen.days_of.values())
    yield _number(
        "runs_a_day",
        seen.first_windows / days,
        days,
        "first windows a client and active day; runs without a reported home page are missing",
    )
    yield _number(
        "new_tabs_a_day", seen.new_tabs / days, days, "about:newtab sessions a client and active day"
    )


def _people(seen: Habits) -> Iterator[Comparison]:
    """Who they are, what their pages show them, and how long their browser runs."""
    if seen.days_of:
        locales = Counter(seen.locale_of.values())
        yield _shares("locales", locales, "clients with a session, by locale")
        yield _number(
            "sponsored_tiles",
            seen.paid_tiles / seen.sessions,
            seen.sessions,
            "sponsored tiles a session; the published value is the most there can be",
        )
    if seen.run_s:
        yield _number(
            "run_median_minutes",
            median(seen.run_s) / 60,
            len(seen.run_s),
            "length of sessions, from main pings",
        )
    if seen.has_new_windows:
        yield _number(
            "windows_10_or_11",
            sum(seen.has_new_windows.values()) / len(seen.has_new_windows),
            len(seen.has_new_windows),
            "clients with a main ping that says Windows 10.0, as both do",
        )
    if seen.ended:
        yield _shares("end_reasons", seen.ended, "main pings, by reason; aborted sessions are not simulated")


def _days(seen: Habits, weeks: float) -> Iterator[Comparison]:
    """On how many days of a week people come, and on which."""
    days = sum(len(found) for found in seen.days_of.values())
    yield _number(
        "days_a_week",
        days / len(seen.days_of) / weeks,
        len(seen.days_of),
        "active days a week of clients with a session",
    )
    yield from _week(seen)


def _clicks(seen: Habits) -> Iterator[Comparison]:
    """How often what is shown is clicked."""
    sites = [seen.clicks[position] for position in range(_FIRST_POSITION_OF_SITES, POSITIONS)]
    if all(sites):
        slope = float(np.polyfit(np.arange(len(sites)), np.log(sites), 1, w=np.sqrt(sites))[0])
        yield _number(
            "position_decay",
            float(np.exp(slope)),
            sum(sites),
            "fall of top-site clicks from one position to the next",
        )
    if seen.stories_shown:
        yield _number(
            "story_ctr",
            seen.stories_clicked / seen.stories_shown,
            seen.stories_shown,
            "clicked over shown stories",
        )
    if seen.shown:
        yield _number(
            "message_acceptance",
            seen.followed / seen.shown,
            seen.shown,
            "followed over shown recommendations",
        )


def _number(name: str, simulated: float, sample: int, how: str) -> Comparison:
    figure = figures()[name]
    published = float(figure.value)
    distance = abs(simulated - published) / published
    return Comparison(figure, round(simulated, 4), published, round(distance, 4), sample, how)


def _shape(name: str, simulated: list[float], sample: int, how: str) -> Comparison:
    figure = figures()[name]
    ours, theirs = (np.array(values) / sum(values) for values in (simulated, figure.value))
    distance = float(np.abs(ours - theirs).sum() / 2)
    rounded, published = ([round(value, 4) for value in shares.tolist()] for shares in (ours, theirs))
    return Comparison(figure, rounded, published, round(distance, 4), sample, how)


def _shares(name: str, counted: Counter[str], how: str) -> Comparison:
    """Shares by name, of names that the figure has and of others."""
    figure = figures()[name]
    total = sum(counted.values())
    ours = {key: counted[key] / total for key in figure.value}
    theirs = dict(figure.value)
    moved = sum(abs(ours[key] - theirs[key]) for key in theirs)
    rest = abs(sum(ours.values()) - sum(theirs.values()))
    return Comparison(
        figure,
        {key: round(share, 4) for key, share in ours.items()},
        theirs,
        round((moved + rest) / 2, 4),
        total,
        how,
    )


def _week(seen: Habits) -> Iterator[Comparison]:
    """The mean of whole weeks against their Thursdays."""
    figure = figures()["week_mean_below_thursday"]
    users = Counter(day for days in seen.days_of.values() for day in days)
    first, last = min(users), max(users)
    whole = (last - first + 1) // _DAYS_IN_A_WEEK * _DAYS_IN_A_WEEK
    thursdays = [users[day] for day in range(first, first + whole) if day % _DAYS_IN_A_WEEK == _THURSDAY]
    if not any(thursdays):  # few people may all be away on one of them
        return
    below = 1 - mean(users[day] for day in range(first, first + whole)) / mean(thursdays)
    distance = abs(below - figure.value) / figure.value
    yield Comparison(
        figure,
        round(below, 4),
        figure.value,
        round(distance, 4),
        sum(users.values()),
        "users of a day, whole weeks",
    )
