"""`summary.json`: the accounting, the figures and the verdict of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from simulator.errors import ExitCode, InputError
from simulator.histogram import NS_PER_MS, Histogram, unpack
from simulator.reconcile.accounting import Accounting, Duplicates, Example, Row
from simulator.reconcile.bound import Bound, gather, judge_bound
from simulator.records import RUN_FORMAT
from simulator.rundir import SUMMARY_FILE, Distribution, Outcomes, RunMeta, write_atomically
from simulator.thresholds import Threshold, ThresholdResult, evaluate, read_metric

Verdict = Literal["pass", "fail", "generator-bound", "interrupted"]

NS_PER_S = 1_000_000_000


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of one kind of duration over requests, in milliseconds."""

    p50: float = 0.0
    p90: float = 0.0
    p99: float = 0.0
    p99_9: float = 0.0
    max: float = 0.0
    mean: float = 0.0


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What the endpoint says one stage costs: milliseconds a request on average, over `count` answers."""

    mean_ms: float
    count: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A run in figures. See `accounting.Accounting` for the counts of pings.

    Args:
        latency_ms: from the real send to the answer.
        corrected_latency_ms: from the due time to the answer (open loops; else the same).
        bound, bound_reason: what limited the run, and why we think so.
        ledger: where the truth about the store came from; empty: there was none, pings are judged by answers.
        rules: what must hold of any run, by name; null where it could not be judged.
        reasons: why the verdict is not `pass`; empty where it is.
    """

    format: int = RUN_FORMAT
    verdict: Verdict
    reasons: list[str]
    bound: Bound
    bound_reason: str
    window_s: float
    requests: int
    pings: int
    sent: int
    unsent: int
    accepted: int
    rejected: int
    failed: int
    unknown: int
    lost: int | None
    duplicated: int | None
    duplicates: Duplicates | None
    wrongly_accepted: int
    wrongly_rejected: int
    stored_unacknowledged: int | None
    stored_though_rejected: int | None
    foreign: int | None
    met: int | None = None
    tried_again: int = 0
    errors: float
    requests_per_s: float
    pings_per_s: float
    bytes_per_s: float
    latency_ms: Latency
    corrected_latency_ms: Latency
    lateness_ms: Latency
    late_starts: int
    never_started: int
    in_flight_at_end: int
    stages: dict[str, Stage]
    ledger: str
    thresholds: list[ThresholdResult]
    labels: list[Row]
    by_ping: list[Row]
    examples: list[Example]


class _Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured inside the window, before it is judged."""

    window_s: float
    requests: int
    pings: int
    bytes: int
    service: Histogram
    corrected: Histogram
    lateness: Histogram


def _figures(meta: RunMeta, outcomes: Outcomes) -> _Figures:
    """The window's figures from `run.json`; from the outcomes where the run died before it could write them."""
    window_s = max(0, meta.measured_to_ns - meta.measured_from_ns) / NS_PER_S
    found = meta.histograms
    if meta.requests or meta.ended_ns:
        service, corrected, lateness = map(_unpacked, (found.service, found.corrected, found.lateness))
        return _Figures(
            window_s=window_s,
            requests=meta.requests,
            pings=meta.pings,
            bytes=meta.bytes_sent,
            service=service,
            corrected=corrected if meta.pacing.open_loop else service,
            lateness=lateness,
        )
    return _figures_of_outcomes(outcomes)


def _unpacked(distribution: Distribution) -> Histogram:
    return unpack(distribution.total)


def _figures_of_outcomes(outcomes: Outcomes) -> _Figures:
    """Pings that left in one batch share their times, so each distinct (sent, done) is one request."""
    left = outcomes[(outcomes["sent"] > 0) & (outcomes["done"] > 0)]
    times = np.stack((left["sent"], left["done"], left["due"]), axis=1)
    requests = np.unique(times, axis=0)
    service, corrected, lateness = Histogram(), Histogram(), Histogram()
    if len(requests):
        sent, done, due = requests.T
        due = np.where(due > 0, due, sent)
        service.record_many(done - sent)
        corrected.record_many(done - due)
        lateness.record_many(sent - due)
    span = int(requests[:, 1].max() - requests[:, 0].min()) if len(requests) else 0
    return _Figures(
        window_s=span / NS_PER_S,
        requests=len(requests),
        pings=len(left),
        bytes=int(left["bytes"].sum()),
        service=service,
        corrected=corrected,
        lateness=lateness,
    )


def latency_of(histogram: Histogram) -> Latency:
    """The usual statistics of a histogram in milliseconds, rounded to a microsecond."""
    p50, p90, p99, p99_9 = (round(ns / NS_PER_MS, 3) for ns in histogram.percentiles([50, 90, 99, 99.9]))
    longest, mean = (round(ns / NS_PER_MS, 3) for ns in (histogram.max_ns, histogram.mean_ns))
    return Latency(p50=p50, p90=p90, p99=p99, p99_9=p99_9, max=longest, mean=mean)


def summarise(
    accounting: Accounting,
    meta: RunMeta,
    outcomes: Outcomes,
    *,
    ledger: str = "",
    thresholds: Sequence[Threshold] = (),
    exposition: str = "",
    allow_generator_bound: bool = False,
) -> Summary:
    """Puts figures and verdict beside the accounting.

    Args:
        accounting: from `account`.
        meta: `run.json`.
        outcomes: the rows that `accounting` was made of.
        ledger: where the stored ids came from; empty if there were none.
        thresholds: objectives, the defaults among them.
        exposition: Prometheus text of the server, for `metric:` objectives.
        allow_generator_bound: whether a run that only shows the generator's limit may pass.
    """
    figures = _figures(meta, outcomes)
    per_s = 1 / figures.window_s if figures.window_s else 0.0
    latency = latency_of(figures.service)
    found = judge_bound(
        gather(meta, window_s=figures.window_s, requests=figures.requests, latency_p50_ms=latency.p50)
    )
    counts = {name: getattr(accounting, name) for name in Accounting.__struct_fields__}
    draft = Summary(
        **counts,
        verdict="pass",
        reasons=[],
        bound=found.bound,
        bound_reason=found.reason,
        window_s=round(figures.window_s, 6),
        requests=figures.requests,
        errors=(accounting.failed + accounting.unknown) / max(1, accounting.sent),
        requests_per_s=round(figures.requests * per_s, 3),
        pings_per_s=round(figures.pings * per_s, 3),
        bytes_per_s=round(figures.bytes * per_s, 1),
        latency_ms=latency,
        corrected_latency_ms=latency_of(figures.corrected),
        lateness_ms=latency_of(figures.lateness),
        late_starts=sum(worker.late_starts for worker in meta.workers),
        never_started=sum(worker.never_started for worker in meta.workers),
        in_flight_at_end=sum(worker.in_flight_at_end for worker in meta.workers),
        stages={
            name: Stage(mean_ms=round(stage.sum_ms / max(1, stage.count), 6), count=stage.count)
            for name, stage in meta.stages.items()
        },
        ledger=ledger,
        thresholds=[],
    )
    judged = evaluate(thresholds, _reader(draft, figures, exposition))
    verdict, reasons = _verdict(draft, judged, meta, allow_generator_bound=allow_generator_bound)
    return msgspec.structs.replace(draft, thresholds=judged, verdict=verdict, reasons=reasons)


def _reader(summary: Summary, figures: _Figures, exposition: str) -> Callable[[str], float | None]:
    """Gives the value of a canonical metric of `thresholds`; None where it was not measured."""
    durations = {name: getattr(figures, name) for name in ("service", "corrected", "lateness")}
    surplus: Mapping[str, int] = msgspec.to_builtins(summary.duplicates) if summary.duplicates else {}

    def measured(metric: str) -> float | None:
        kind, _, statistic = metric.partition(".")
        if metric.startswith("metric:"):
            return read_metric(exposition, metric)
        if kind == "stage":
            return summary.stages[statistic].mean_ms if statistic in summary.stages else None
        if kind in durations:
            return _statistic(durations[kind], statistic)
        if metric.startswith("duplicated_"):
            return surplus.get(metric.removeprefix("duplicated_"))
        value: float | None = getattr(summary, metric)
        return value

    return measured


def _statistic(histogram: Histogram, statistic: str) -> float | None:
    if not histogram.max_ns:
        return None
    if statistic == "mean":
        return histogram.mean_ns / NS_PER_MS
    if statistic == "max":
        return histogram.max_ns / NS_PER_MS
    return histogram.percentile(float(statistic.removeprefix("p"))) / NS_PER_MS


def _verdict(
    summary: Summary, judged: Sequence[ThresholdResult], meta: RunMeta, *, allow_generator_bound: bool
) -> tuple[Verdict, list[str]]:
    """The verdict and what speaks against `pass`, the gravest first."""
    reasons = [broken(result) for result in judged if result.ok is False]
    if not summary.accepted + summary.rejected:
        reasons.insert(0, "no ping was answered as accepted or rejected")
    elif meta.ended_ns and not summary.requests:
        reasons.insert(0, "nothing was measured: no request was sent after the warm-up")
    if reasons and summary.accepted and summary.foreign and summary.met == 0:
        reasons.insert(
            0,
            f"none of this run's ids is among the {summary.foreign} of the ledger ({summary.ledger}): it is another "
            "store's, or writes ids in another form",
        )
    missing = sum(worker.pings for worker in meta.workers) - summary.sent
    if missing > 0:
        reasons.insert(0, f"the outcomes of {missing} pings are not in this directory (on another machine?)")
    if meta.interrupted:
        return "interrupted", ["the run was interrupted", *reasons]
    if reasons:
        return "fail", reasons
    if summary.bound == "generator" and not allow_generator_bound:
        return "generator-bound", [f"the generator was the limit, not the target: {summary.bound_reason}"]
    return "pass", []


def broken(result: ThresholdResult) -> str:
    """One sentence about an objective that does not hold."""
    if result.value is None:
        return f"{result.text}: not measured"
    return f"{result.text}: it is {measured(result)}"


def measured(result: ThresholdResult) -> str:
    """What was measured for an objective, in as many digits as show on which side of the limit it is."""
    if result.value is None:
        return "not measured"
    short = spoken(result.value, result.unit)
    if result.ok is False and result.value != result.limit and short == spoken(result.limit, result.unit):
        share = result.unit == "share"
        return (
            f"{result.value * 100 if share else result.value:.12g} {'%' if share else result.unit}".rstrip()
        )
    return short


def spoken(value: float, unit: str) -> str:
    """A measured value with its unit, as short as it can be said."""
    if unit == "share":
        return f"{value * 100:.3g} %"
    if not math.isfinite(value):  # a server's metric may be NaN or Inf
        return f"{value} {unit}".rstrip()
    whole = value == int(value) or abs(value) >= 999.95  # four digits of more would be told with an exponent
    number = f"{value:,.0f}".replace(",", " ") if whole else f"{value:.4g}"
    return f"{number} {unit}".rstrip()


def exit_code(summary: Summary) -> ExitCode:
    """What a command that ends with this summary answers to the shell."""
    return {
        "pass": ExitCode.PASS,
        "fail": ExitCode.FAILED,
        "generator-bound": ExitCode.GENERATOR_BOUND,
        "interrupted": ExitCode.INTERRUPTED,
    }[summary.verdict]


def write_summary(path: Path, summary: Summary) -> None:
    """Writes `summary.json` into the run directory `path`."""
    write_atomically(path / SUMMARY_FILE, msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")


def read_summary(path: Path) -> Summary:
    """Reads `summary.json` from the run directory `path`.

    Raises:
        InputError: there is none, or it is of another format version.
    """
    file = path / SUMMARY_FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=Summary)
    except OSError as error:
        raise InputError(
            f"{path}: no {SUMMARY_FILE}: {error.strerror}; the run was not reconciled, which telsim report does "
            "with --corpus"
        ) from error
    except msgspec.DecodeError as error:
        raise InputError(f"{file} cannot be read: {error}") from error
