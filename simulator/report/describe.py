"""What a corpus holds, and how its people compare with what is published about real ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
import orjson

from simulator.clock import MS_PER_HOUR, MS_PER_SECOND
from simulator.corpus import Corpus
from simulator.corpus.reader import Part
from simulator.report.habits import PAID, POSITIONS, READ, Comparison, Habits, comparisons


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


def describe(corpus: Corpus) -> Description:
    """Read a corpus once: counts from its index, people's habits from the bodies of a few ping types.

    Args:
        corpus: any; what has no Firefox in it has no comparisons.
    """
    meta = corpus.meta
    seen = Habits()
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
        clicks=[seen.clicks[position] for position in range(max([POSITIONS, *(p + 1 for p in seen.clicks)]))],
        comparisons=list(
            comparisons(seen, meta.end_ms - meta.start_ms, senders=len(senders), clients=meta.clients)
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


def _read_bodies(corpus: Corpus, part: Part, seen: Habits) -> None:
    """Parse what the comparisons need: valid pings, and none that arrive after the simulated days are over."""
    names, index = corpus.ping_names, part.index
    wanted = np.isin(index["ping"], [code for code, name in enumerate(names) if name in READ])
    if PAID in names:
        seen.paid_tiles += int(np.count_nonzero(index["ping"] == names.index(PAID)))
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
