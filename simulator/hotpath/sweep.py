"""The sweep: batch sizes, shares of invalid pings, gzip on and off; and the cost model drawn from it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from simulator.corpus import Corpus
from simulator.errors import InputError
from simulator.hotpath.fit import CostFit, fit_cost
from simulator.hotpath.mix import write_mix
from simulator.hotpath.scrape import growth, read_counters, stage_means_ms
from simulator.hotpath.trial import Endpoint, Measured, Trial
from simulator.reconcile import Asker
from simulator.reconcile.summary import Latency
from simulator.records import RUN_FORMAT
from simulator.rundir import Machine, Versions
from simulator.target import load_target

HOTPATH_FILE = "hotpath.json"
BATCHES = (1, 2, 5, 10, 20, 50, 100, 200, 500)
INVALID_SHARES = (0.0, 0.05, 0.5, 1.0)
_CONTRAST_BATCH = 100

Runner = Callable[[Trial, Endpoint], Measured]
Counters = Callable[[], dict[str, float]]


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One trial of the sweep.

    Args:
        kind: what it is there for: `batch`, `validity` or `gzip`.
        batch: pings a request that were asked for.
        pings_per_request: what it came to on average.
        noise: relative standard error of the rates.
        bound, bound_reason: what limited the trial; where it is the generator, the endpoint can do more.
        stages_ms: mean milliseconds a request, from `Server-Timing` or else from the server's own histogram.
        server: growth of the server's counters during the trial, where it offers them.
    """

    kind: str
    batch: int
    gzip: bool
    invalid_share: float
    pings_per_request: float
    requests_per_s: float
    pings_per_s: float
    bytes_per_ping: float
    latency_ms: Latency
    errors: float
    wrong: int
    noise: float
    bound: str
    bound_reason: str
    stages_ms: dict[str, float]
    server: dict[str, float]


class HotPath(msgspec.Struct, frozen=True, kw_only=True):
    """`hotpath.json`.

    Args:
        fit: time a request and a ping; null where the batch sizes were too few.
        fit_excludes: batch sizes at which the generator was the limit, and which the line leaves out.
        stage_fits: the same for each stage that the endpoint reports.
        emptied: invalid pings that were made by emptying a body, by share (`0.5` -> how many).
        stages_source: `Server-Timing`, `metrics` or empty.
    """

    format: int = RUN_FORMAT
    target: str
    host: str
    corpus: str
    dialect: str
    lanes: int
    seconds: float
    machine: Machine
    versions: Versions
    points: list[Point]
    fit: CostFit | None
    fit_excludes: list[int]
    stage_fits: dict[str, CostFit]
    stages_source: str
    emptied: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to sweep.

    Args:
        batches: batch sizes; `(1,)` for a target without an envelope.
        invalid_shares: contrasts of validity, 0 to 1.
        gzip: whether to try it both ways.
        contrast_batch: batch size of the contrasts.
        seconds: measured time of each trial.
        passes: how often the whole is run; every second pass runs backwards, so that a server which slows down
            as its store grows does not look as if batch size were the cause.
    """

    batches: Sequence[int] = BATCHES
    invalid_shares: Sequence[float] = INVALID_SHARES
    gzip: bool = True
    contrast_batch: int = _CONTRAST_BATCH
    seconds: float = 3.0
    passes: int = 1

    def trials(self, corpora: dict[float, Path]) -> list[tuple[str, float, Trial]]:
        """Kind, share of invalid pings and trial, in the order in which they run."""
        seconds, valid, batch = self.seconds, corpora[0.0], self.contrast_batch
        found = [
            ("batch", 0.0, Trial(corpus=valid, seconds=seconds, batch=size, gzip=False))
            for size in from_both_ends(self.batches)
        ]
        found += [
            ("validity", share, Trial(corpus=corpora[share], seconds=seconds, batch=batch, gzip=False))
            for share in self.invalid_shares
        ]
        if self.gzip:
            found += [
                ("gzip", 0.0, Trial(corpus=valid, seconds=seconds, batch=batch, gzip=gzip))
                for gzip in (False, True)
            ]
        return [trial for number in range(self.passes) for trial in (found[::-1] if number % 2 else found)]


def from_both_ends(sizes: Sequence[int]) -> list[int]:
    """Smallest, largest, second smallest, ...: an order in which drift over time is no drift over size."""
    ordered = sorted(sizes)
    return [
        ordered[place // 2] if place % 2 == 0 else ordered[-1 - place // 2] for place in range(len(ordered))
    ]


def sweep(
    corpus: Corpus,
    endpoint: Endpoint,
    plan: Plan,
    *,
    run: Runner,
    counters: Counters | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> HotPath:
    """Runs every trial of the plan and fits the cost model.

    Args:
        corpus: where pings come from.
        endpoint: where they go to.
        plan: what to sweep.
        run: runs one trial (`run_trial`, or a stand-in).
        counters: reads the server's counters; default: what the endpoint says.
        progress: is told what runs now, its number from 0, and how many there are.
    """
    asker = Asker(endpoint.host, load_target(endpoint.target))
    read = counters or (lambda: dict(read_counters(asker, endpoint.metrics_url)))
    with tempfile.TemporaryDirectory(prefix="telsim-hotpath-") as directory:
        corpora, emptied = _corpora(corpus, plan, Path(directory))
        trials = plan.trials(corpora)
        points: list[Point] = []
        measured: Measured | None = None
        for number, (kind, share, trial) in enumerate(trials):
            if progress:
                progress(_title(kind, share, trial), number, len(trials))
            before = read()
            measured = run(trial, endpoint)
            points.append(_point(kind, share, trial, measured, growth(before, read())))
    meta = measured.meta if measured else None
    fit, excluded = _fit(points)
    return HotPath(
        target=meta.target.name if meta else endpoint.target,
        host=endpoint.host,
        corpus=corpus.path.name,
        dialect=corpus.meta.dialect,
        lanes=endpoint.lanes,
        seconds=plan.seconds,
        machine=meta.machine if meta else Machine(),
        versions=meta.versions if meta else Versions(),
        points=points,
        fit=fit,
        fit_excludes=excluded,
        stage_fits=_stage_fits(points),
        stages_source=_stages_source(points, measured),
        emptied={f"{share:g}": count for share, count in emptied.items() if count},
    )


def _corpora(corpus: Corpus, plan: Plan, directory: Path) -> tuple[dict[float, Path], dict[float, int]]:
    shares = sorted({0.0, *plan.invalid_shares})
    corpora = {share: directory / f"invalid-{share:g}" for share in shares}
    emptied = {share: write_mix(corpus, path, invalid_share=share) for share, path in corpora.items()}
    return corpora, emptied


def _title(kind: str, share: float, trial: Trial) -> str:
    if kind == "validity":
        return f"{share:.0%} invalid, batch {trial.batch}"
    if kind == "gzip":
        return f"gzip {'on' if trial.gzip else 'off'}, batch {trial.batch}"
    return f"batch {trial.batch}"


def _point(kind: str, share: float, trial: Trial, measured: Measured, grown: dict[str, float]) -> Point:
    s = measured.summary
    stages = {name: stage.mean_ms for name, stage in s.stages.items()}
    return Point(
        kind=kind,
        batch=trial.batch,
        gzip=bool(trial.gzip),
        invalid_share=share,
        pings_per_request=s.pings_per_s / s.requests_per_s if s.requests_per_s else 0.0,
        requests_per_s=s.requests_per_s,
        pings_per_s=s.pings_per_s,
        bytes_per_ping=s.bytes_per_s / s.pings_per_s if s.pings_per_s else 0.0,
        latency_ms=s.latency_ms,
        errors=s.errors,
        wrong=s.wrongly_accepted + s.wrongly_rejected,
        noise=measured.noise,
        bound=s.bound,
        bound_reason=s.bound_reason,
        stages_ms=stages or stage_means_ms(grown),
        server=grown,
    )


def _fit(points: Sequence[Point]) -> tuple[CostFit | None, list[int]]:
    """The line through the batch sizes at which the endpoint was the limit, if these are enough."""
    swept = [point for point in points if point.kind == "batch" and point.requests_per_s]
    own = [point for point in swept if point.bound != "generator"]
    enough = len({point.batch for point in own}) >= 3
    used = own if enough else swept
    fit = fit_cost(
        [point.pings_per_request for point in used],
        [1e6 / point.requests_per_s for point in used],
        [point.noise for point in used],
    )
    return fit, [point.batch for point in swept if point not in used]


def _stage_fits(points: Sequence[Point]) -> dict[str, CostFit]:
    swept = [point for point in points if point.kind == "batch" and point.stages_ms]
    names = list(dict.fromkeys(name for point in swept for name in point.stages_ms))
    fits = {}
    for name in names:
        own = [point for point in swept if point.stages_ms.get(name)]
        fit = fit_cost(
            [point.pings_per_request for point in own],
            [point.stages_ms[name] * 1000 for point in own],
            [max(point.noise, 0.02) for point in own],
        )
        if fit:
            fits[name] = fit
    return fits


def _stages_source(points: Sequence[Point], measured: Measured | None) -> str:
    if measured and measured.summary.stages:
        return "Server-Timing"
    return "metrics" if any(point.stages_ms for point in points) else ""


def read_hotpath(path: Path) -> HotPath:
    """Reads `hotpath.json` from the directory `path`.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    file = path / HOTPATH_FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=HotPath)
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error


def predicted_pings_per_s(fit: CostFit, batches: Sequence[float]) -> list[float]:
    """What the cost model says of each batch size."""
    n = np.asarray(batches, dtype=float)
    time_us = fit.request_us.value + fit.ping_us.value * n
    rates: list[float] = (n / np.maximum(time_us, 1e-9) * 1e6).tolist()
    return rates
