"""What a corpus holds, and how its people compare with what is published about real ones."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Any

import numpy as np
import orjson

from simulator.clock import MS_PER_DAY, MS_PER_HOUR, MS_PER_SECOND
from simulator.corpus import Corpus
from simulator.corpus.reader import Part
from simulator.scenario.figures import Figure, figures

_READ = frozenset(
    {
        "newtab_session",
        "topsite_click",
        "story_impression_stats",
        "story_click_stats",
        "cfr_impression_release",
        "cfr_impression_prerelease",
        "cfr_interaction_release",
        "cfr_interaction_prerelease",
    }
)
_PAID = "sponsored_topsite_impression"
_FOLLOWED = frozenset({"INSTALL", "ENABLE", "PIN", "CLICK", "CLICK_BUTTON"})
_THURSDAY = 0  # 1970-01-01 was one
_WEEKEND = frozenset({2, 3})
_DAYS_IN_A_WEEK = 7
_FIRST_POSITION_OF_SITES = 2
_POSITIONS = 8


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


@dataclass(frozen=True, slots=True)
class Description:
    """What `telsim describe` tells.

    `per_hour` counts pings from the first hour of the corpus on; `session_ms` are new tab session lengths, sorted;
    `clicks` counts top-site clicks by position.
    """

    scenario: str
    seed: int
    dialect: str
    records: int
    bytes: int
    clients: int
    senders: int
    first_due_ms: int
    last_due_ms: int
    pings: dict[str, int]
    products: dict[str, int]
    labels: dict[str, int]
    mean_body_bytes: dict[str, float]
    per_hour: list[int]
    busiest_second: int
    session_ms: list[int]
    clicks: list[int]
    comparisons: list[Comparison] = field(default_factory=list)


class _Seen:
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

    def add(self, ping: str, due_ms: int, client: int, body: dict[str, Any]) -> None:
        if ping == "newtab_session":
            self._session(due_ms, client, body)
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


def describe(corpus: Corpus) -> Description:
    """Read a corpus once: counts from its index, people's habits from the bodies of a few ping types.

    Args:
        corpus: any; what has no Firefox in it has no comparisons.
    """
    meta = corpus.meta
    seen = _Seen()
    sizes: Counter[str] = Counter()
    first_hour = meta.first_due_ms // MS_PER_HOUR
    hours = np.zeros(max(1, meta.last_due_ms // MS_PER_HOUR - first_hour + 1), dtype=np.int64)
    senders: set[int] = set()
    for part in corpus.parts:
        index = part.index
        if not len(index):
            continue
        senders.update(np.unique(index["client"]).tolist())
        due = index["due_ms"].astype(np.int64)
        hours += np.bincount(due // MS_PER_HOUR - first_hour, minlength=len(hours))[: len(hours)]
        totals = np.bincount(index["ping"], weights=index["body_length"], minlength=len(corpus.ping_names))
        for name, total in zip(corpus.ping_names, totals.tolist(), strict=False):
            sizes[name] += int(total)
        _read_bodies(corpus, part, seen)
    return Description(
        scenario=meta.scenario_name,
        seed=meta.seed,
        dialect=meta.dialect,
        records=meta.records,
        bytes=meta.bytes,
        clients=meta.clients,
        senders=len(senders),
        first_due_ms=meta.first_due_ms,
        last_due_ms=meta.last_due_ms,
        pings=dict(sorted(meta.pings.items(), key=lambda item: -item[1])),
        products=meta.products,
        labels=meta.labels,
        mean_body_bytes={name: sizes[name] / count for name, count in meta.pings.items() if count},
        per_hour=hours.tolist(),
        busiest_second=_busiest_second(corpus),
        session_ms=sorted(seen.session_ms),
        clicks=[
            seen.clicks[position] for position in range(max([_POSITIONS, *(p + 1 for p in seen.clicks)]))
        ],
        comparisons=list(
            _comparisons(seen, meta.end_ms - meta.start_ms, senders=len(senders), clients=meta.clients)
        ),
    )


def _busiest_second(corpus: Corpus) -> int:
    seconds = [
        part.index["due_ms"].astype(np.int64) // MS_PER_SECOND for part in corpus.parts if len(part.index)
    ]
    if not seconds:
        return 0
    joined = np.concatenate(seconds)
    return int(np.bincount(joined - joined.min()).max())


def _read_bodies(corpus: Corpus, part: Part, seen: _Seen) -> None:
    """Parse what the comparisons need: valid pings, and none that arrive after the simulated days are over."""
    names, index = corpus.ping_names, part.index
    wanted = np.isin(index["ping"], [code for code, name in enumerate(names) if name in _READ])
    if _PAID in names:
        seen.paid_tiles += int(np.count_nonzero(index["ping"] == names.index(_PAID)))
    wanted &= index["due_ms"] <= corpus.meta.end_ms
    wanted &= (index["label"] == corpus.label_names.index("valid")) & (index["body_b64"] == 0)
    rows = index[wanted]
    starts = (rows["offset"] + rows["body_offset"]).tolist()
    lengths = rows["body_length"].tolist()
    columns = zip(
        rows["ping"].tolist(), rows["due_ms"].tolist(), rows["client"].tolist(), starts, lengths, strict=True
    )
    lines, add = part.lines, seen.add
    for code, due_ms, client, start, length in columns:
        add(names[code], due_ms, client, orjson.loads(lines[start : start + length]))


def _comparisons(seen: _Seen, span_ms: int, *, senders: int, clients: int) -> Any:
    """Every figure that this corpus can say something about."""
    known = figures()

    def number(name: str, simulated: float, sample: int, how: str) -> Comparison:
        published = float(known[name].value)
        distance = abs(simulated - published) / published
        return Comparison(known[name], round(simulated, 4), published, round(distance, 4), sample, how)

    def shape(name: str, simulated: list[float], published: list[float], sample: int, how: str) -> Comparison:
        ours, theirs = (np.array(values) / sum(values) for values in (simulated, published))
        distance = float(np.abs(ours - theirs).sum() / 2)
        rounded = [round(value, 4) for value in ours.tolist()]
        as_shares = [round(value, 4) for value in theirs.tolist()]
        return Comparison(known[name], rounded, as_shares, round(distance, 4), sample, how)

    days = sum(len(found) for found in seen.days_of.values())
    if sum(seen.us_hours):
        curve = known["daily_curve"].value
        yield shape(
            "daily_curve",
            [float(count) for count in seen.us_hours],
            curve,
            sum(seen.us_hours),
            "starts of en-US new tab sessions by UTC hour, weekdays",
        )
    if seen.locale_of:
        yield _locales(seen, known["locales"])
    if days:
        yield number(
            "runs_a_day",
            seen.first_windows / days,
            days,
            "first windows a client and active day; runs without a reported home page are missing",
        )
        yield number(
            "new_tabs_a_day", seen.new_tabs / days, days, "about:newtab sessions a client and active day"
        )
        yield number(
            "sponsored_tiles",
            seen.paid_tiles / seen.sessions,
            seen.sessions,
            "sponsored tiles a session; the published value is the most there can be",
        )
    weeks = span_ms / (MS_PER_DAY * _DAYS_IN_A_WEEK)
    if weeks >= 1 and days:
        yield number(
            "days_a_week",
            days / len(seen.days_of) / weeks,
            len(seen.days_of),
            "active days a week of clients with a session",
        )
        yield from _week(seen, known["week_mean_below_thursday"])
        yield number(
            "telemetry_on",
            senders / clients,
            clients,
            "share of clients that sent anything: the more, the longer the span",
        )
    sites = [seen.clicks[position] for position in range(_FIRST_POSITION_OF_SITES, _POSITIONS)]
    if sum(sites) and all(sites):
        ratios = np.log(sites)
        slope = float(np.polyfit(np.arange(len(sites)), ratios, 1, w=np.sqrt(sites))[0])
        yield number(
            "position_decay",
            float(np.exp(slope)),
            sum(sites),
            "fall of top-site clicks from one position to the next",
        )
    if seen.stories_shown:
        yield number(
            "story_ctr",
            seen.stories_clicked / seen.stories_shown,
            seen.stories_shown,
            "clicked over shown stories",
        )
    if seen.shown:
        yield number(
            "message_acceptance",
            seen.followed / seen.shown,
            seen.shown,
            "followed over shown recommendations",
        )


def _locales(seen: _Seen, figure: Figure) -> Comparison:
    counted = Counter(seen.locale_of.values())
    total = sum(counted.values())
    ours = {name: counted[name] / total for name in figure.value}
    theirs = dict(figure.value)
    moved = sum(abs(ours[name] - theirs[name]) for name in theirs)
    rest = abs(sum(ours.values()) - sum(theirs.values()))
    return Comparison(
        figure,
        {name: round(share, 4) for name, share in ours.items()},
        theirs,
        round((moved + rest) / 2, 4),
        total,
        "clients with a session, by locale",
    )


def _week(seen: _Seen, figure: Figure) -> Any:
    """The mean of whole weeks against their Thursdays."""
    users = Counter(day for days in seen.days_of.values() for day in days)
    first, last = min(users), max(users)
    whole = (last - first + 1) // _DAYS_IN_A_WEEK * _DAYS_IN_A_WEEK
    thursdays = [users[day] for day in range(first, first + whole) if day % _DAYS_IN_A_WEEK == _THURSDAY]
    if not thursdays:
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


def as_plain(description: Description) -> dict[str, Any]:
    """The description as plain values for JSON; lengths of sessions as quantiles."""
    lengths = np.array(description.session_ms, dtype=np.int64)
    quantiles = {
        f"p{share}": int(np.percentile(lengths, share)) for share in (5, 25, 50, 75, 95) if len(lengths)
    }
    return {
        "scenario": description.scenario,
        "seed": description.seed,
        "dialect": description.dialect,
        "records": description.records,
        "bytes": description.bytes,
        "clients": description.clients,
        "senders": description.senders,
        "first_due_ms": description.first_due_ms,
        "last_due_ms": description.last_due_ms,
        "busiest_second": description.busiest_second,
        "pings": description.pings,
        "products": description.products,
        "labels": description.labels,
        "mean_body_bytes": {name: round(size, 1) for name, size in description.mean_body_bytes.items()},
        "per_hour": description.per_hour,
        "newtab_session_ms": quantiles,
        "topsite_clicks_by_position": description.clicks,
        "comparisons": [
            {
                "name": row.figure.name,
                "unit": row.figure.unit,
                "simulated": row.simulated,
                "published": row.published,
                "distance": row.distance,
                "sample": row.sample,
                "how": row.how,
                "grade": row.figure.grade,
                "year": row.figure.year,
                "source": row.figure.source,
            }
            for row in description.comparisons
        ],
    }


def session_median_ms(description: Description) -> float:
    """The median length of a new tab session; 0 where there is none."""
    return float(median(description.session_ms)) if description.session_ms else 0.0
