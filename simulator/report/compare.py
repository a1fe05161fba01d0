"""Two runs side by side: regression or noise, told by an interval rather than by two bare numbers.

Each run is cut into blocks of time. Drawing blocks with replacement (the block bootstrap: Künsch, "The jackknife
and the bootstrap for general stationary observations", Annals of Statistics 17, 1989) shows how much a rate or a
percentile moves by itself within a run; blocks are long, so slow drift counts as noise too. A metric is worse only
if the whole 95 % interval of new/base lies beyond the tolerance.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from simulator.errors import ExitCode, InputError, UsageError
from simulator.histogram import NS_PER_MS, bucket_edges, buckets_of
from simulator.randomness import client_keys, uniforms
from simulator.reconcile.accounting import ACCEPTED, REJECTED
from simulator.reconcile.summary import Summary, read_summary
from simulator.rundir import Outcomes, RunMeta, read_outcomes, read_run_meta

Floats = npt.NDArray[np.float64]
Judgement = Literal["same", "better", "worse", "undecided"]

_BLOCKS = 20
_FEWEST_BLOCKS = 5
_RESAMPLES = 2000
_INTERVAL = (2.5, 97.5)
_QUANTILES = (50.0, 90.0, 99.0)
_NS_PER_S = 1_000_000_000
#: Counts that may not grow at all.
_FAULTS = ("lost", "duplicated", "wrongly_accepted", "wrongly_rejected", "stored_though_rejected")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One metric in both runs.

    Args:
        ratio: new / base; null for counts.
        low, high: the 95 % interval of the ratio (for `errors`: of the difference).
    """

    metric: str
    unit: str
    base: float
    new: float
    ratio: float | None
    low: float | None
    high: float | None
    judgement: Judgement


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What changed from one run to the other.

    Args:
        verdict: `worse` if any metric is, else `better` if any is, else `same`; `undecided` if nothing could be told.
        differences: what makes the two runs hard to compare, in words.
        doubts: what makes one of them worth little, in words.
    """

    verdict: Judgement
    tolerance: float
    changes: list[Change]
    differences: list[str]
    doubts: list[str] = []


@dataclass(frozen=True, slots=True)
class Blocks:
    """A run cut into equal spans of time.

    Args:
        seconds: length of one block.
        pings: answered pings in each block.
        sums_ms: sum of their latencies in each block.
        buckets: histogram bucket indices, ascending.
        counts: pings by block (row) and bucket (column).
    """

    seconds: float
    pings: Floats
    sums_ms: Floats
    buckets: npt.NDArray[np.int64]
    counts: Floats


def parse_tolerance(text: str) -> float:
    """Reads `5%` or `0.05`.

    Raises:
        UsageError: it is neither, or not between 0 and 100 %.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", text.strip())
    value = float(found[1]) * (0.01 if found[2] else 1.0) if found else math.inf
    if not 0 <= value < 1:
        raise UsageError(f"{text!r} is no tolerance; write 5% or 0.05")
    return value


def cut(outcomes: Outcomes, meta: RunMeta) -> Blocks:
    """Cuts the measured window of a run into blocks, by the time at which pings were answered.

    The whole window, and not just from the first answer to the last: an endpoint that dies midway answered nothing
    in the rest of it.

    Raises:
        InputError: fewer than a handful of blocks have answers; nothing can be said about noise.
    """
    judged = (outcomes["state"] == ACCEPTED) | (outcomes["state"] == REJECTED)
    # Warm-up is what was due in it, as for the recorder: of a server that stalls there, the late ones are left out.
    rows = outcomes[judged & (_since(outcomes, meta) >= meta.measured_from_ns)]
    if meta.measured_to_ns:
        rows = rows[rows["done"] <= meta.measured_to_ns]
    done = rows["done"]
    start = meta.measured_from_ns or (int(rows["sent"].min()) if len(rows) else 0)
    span = max(meta.measured_to_ns, int(done.max(initial=start)) + 1) - start
    block = np.minimum((done - start) * _BLOCKS // max(span, 1), _BLOCKS - 1)
    latency = np.maximum(done - _since(rows, meta), 0)
    buckets, column = np.unique(buckets_of(latency), return_inverse=True)
    shape = (_BLOCKS, max(1, len(buckets)))
    counts = np.bincount(block * shape[1] + column, minlength=shape[0] * shape[1]).reshape(shape)
    if np.count_nonzero(counts.sum(axis=1)) < _FEWEST_BLOCKS:
        raise InputError("too few answered pings to tell regression from noise; make longer runs")
    return Blocks(
        seconds=span / _BLOCKS / _NS_PER_S,
        pings=counts.sum(axis=1).astype(np.float64),
        sums_ms=np.bincount(block, weights=latency, minlength=_BLOCKS) / NS_PER_MS,
        buckets=buckets,
        counts=counts.astype(np.float64),
    )


def _since(rows: Outcomes, meta: RunMeta) -> npt.NDArray[np.int64]:
    """What latency counts from: in an open loop when a ping was due, else when it was sent."""
    sent: npt.NDArray[np.int64] = rows["sent"]
    return np.where(rows["due"] > 0, rows["due"], sent) if meta.pacing.open_loop else sent


def _statistics(blocks: Blocks, weights: Floats) -> dict[str, Floats]:
    """Every metric for each row of block weights."""
    pings = weights @ blocks.pings
    found = {
        "pings_per_s": pings / (weights.sum(axis=1) * blocks.seconds),
        "mean": (weights @ blocks.sums_ms) / np.maximum(pings, 1),
    }
    cumulative = np.cumsum(weights @ blocks.counts, axis=1)
    middles = np.array([sum(bucket_edges(int(index))) / 2 / NS_PER_MS for index in blocks.buckets])
    for q in _QUANTILES:
        reached = cumulative >= (cumulative[:, -1:] * q / 100 - 1e-9)
        found[f"p{q:g}"] = middles[reached.argmax(axis=1)]
    return found


def _resampled(blocks: Blocks, purpose: str, seed: int) -> dict[str, Floats]:
    keys = client_keys(seed, purpose, range(_RESAMPLES))
    drawn = uniforms(keys[:, None], np.arange(_BLOCKS, dtype=np.uint64)[None, :]) * _BLOCKS
    chosen = drawn.astype(np.int64) + np.arange(_RESAMPLES)[:, None] * _BLOCKS
    weights = np.bincount(chosen.ravel(), minlength=_RESAMPLES * _BLOCKS).reshape(_RESAMPLES, _BLOCKS)
    return _statistics(blocks, weights.astype(np.float64))


def compare_blocks(base: Blocks, new: Blocks, *, tolerance: float, seed: int = 0) -> list[Change]:
    """Compares rate and latency of two runs.

    Args:
        base: the run to compare with.
        new: the run that may be worse.
        tolerance: how much worse (as a share) does not matter.
        seed: of the resampling; the same seed gives the same intervals.
    """
    whole = np.ones((1, _BLOCKS))
    values = [_statistics(blocks, whole) for blocks in (base, new)]
    spreads = [_resampled(base, "compare/base", seed), _resampled(new, "compare/new", seed)]
    changes = []
    for metric in values[0]:
        before, after = (float(found[metric][0]) for found in values)
        ratios = spreads[1][metric] / np.maximum(spreads[0][metric], 1e-12)
        low, high = (float(edge) for edge in np.percentile(ratios, _INTERVAL))
        higher_is_better = metric == "pings_per_s"
        changes.append(
            Change(
                metric=metric,
                unit="" if higher_is_better else "ms",
                base=before,
                new=after,
                ratio=after / before if before else None,
                low=low,
                high=high,
                judgement=judge(low, high, tolerance, higher_is_better=higher_is_better),
            )
        )
    return changes


def judge(low: float, high: float, tolerance: float, *, higher_is_better: bool) -> Judgement:
    """What an interval of new/base says: `worse` and `better` need all of it to lie beyond the tolerance."""
    if higher_is_better:
        low, high = 1 / max(high, 1e-12), 1 / max(low, 1e-12)
    worse, better = 1 + tolerance, 1 / (1 + tolerance)
    if low > worse:
        return "worse"
    if high < better:
        return "better"
    return "same" if better <= low and high <= worse else "undecided"


def _fault_changes(base: Summary, new: Summary) -> list[Change]:
    changes = []
    for name in _FAULTS:
        before, after = getattr(base, name), getattr(new, name)
        if before is None or after is None or not (before or after):
            continue
        judgement: Judgement = "same" if before == after else ("worse" if after > before else "better")
        changes.append(
            Change(
                metric=name,
                unit="",
                base=before,
                new=after,
                ratio=None,
                low=None,
                high=None,
                judgement=judgement,
            )
        )
    return changes


def _error_change(base: Summary, new: Summary) -> list[Change]:
    """The share of errors, with the interval of the difference of two proportions (Agresti and Caffo 2000)."""
    if not (base.errors or new.errors):
        return []
    shares, variance = [], 0.0
    for summary in (base, new):
        failed, sent = summary.failed + summary.unknown + 1, summary.sent + 2
        share = failed / sent
        shares.append(share)
        variance += share * (1 - share) / sent
    middle, half = shares[1] - shares[0], 1.96 * math.sqrt(variance)
    low, high = middle - half, middle + half
    judgement: Judgement = "worse" if low > 0 else ("better" if high < 0 else "same")
    return [
        Change(
            metric="errors",
            unit="share",
            base=base.errors,
            new=new.errors,
            ratio=None,
            low=low,
            high=high,
            judgement=judgement,
        )
    ]


def _differences(base: RunMeta, new: RunMeta) -> list[str]:
    """What was not the same in the two runs, apart from what is compared."""
    pairs = {
        "corpus": (base.corpus.sha256[:12], new.corpus.sha256[:12]),
        "target": (base.target.name, new.target.name),
        "pacing": (base.pacing.text, new.pacing.text),
        "latency counts from": (_counted_from(base), _counted_from(new)),
        "batch size": (base.batch_size, new.batch_size),
        "connections": (base.options.get("num_users"), new.options.get("num_users")),
        "gzip": (base.options.get("gzip"), new.options.get("gzip")),
        "CPUs": (base.machine.cpus, new.machine.cpus),
        "platform": (base.machine.platform, new.machine.platform),
        "workers": (len(base.workers), len(new.workers)),
        "telsim": (base.versions.telsim, new.versions.telsim),
        "Python": (base.versions.python, new.versions.python),
    }
    return [f"{name}: {before} and {after}" for name, (before, after) in pairs.items() if before != after]


def _counted_from(meta: RunMeta) -> str:
    return "due time" if meta.pacing.open_loop else "real send"


def _doubts(metas: Sequence[RunMeta], summaries: Sequence[Summary]) -> Iterator[str]:
    """What makes a run worth little beside the other, whatever its figures are."""
    judged_by_ledger = [bool(summary.ledger) for summary in summaries]
    for which, meta, summary in zip(("BASE", "NEW"), metas, summaries, strict=True):
        if meta.interrupted:
            yield f"{which} was interrupted"
        if summary.bound == "generator":
            yield f"in {which} the generator was the limit, so it says nothing about the target"
        if not summary.ledger and any(judged_by_ledger):
            yield f"{which} had no ledger, so what was lost or duplicated is not compared"


def compare_runs(base: Path, new: Path, *, tolerance: float = 0.05) -> Comparison:
    """Compares two run directories.

    Args:
        base: the run to compare with.
        new: the run that may be worse.
        tolerance: how much worse (as a share) does not matter.

    Raises:
        InputError: one of them is no reconciled run, or too short.
    """
    metas, summaries = [read_run_meta(run) for run in (base, new)], [read_summary(run) for run in (base, new)]
    blocks = []
    for run, meta in zip((base, new), metas, strict=True):
        try:
            blocks.append(cut(read_outcomes(run), meta))
        except InputError as error:
            raise InputError(f"{run}: {error}") from error
    changes = [
        *compare_blocks(*blocks, tolerance=tolerance),
        *_error_change(*summaries),
        *_fault_changes(*summaries),
    ]
    return Comparison(
        verdict=_overall(changes),
        tolerance=tolerance,
        changes=changes,
        differences=_differences(*metas),
        doubts=list(_doubts(metas, summaries)),
    )


def _overall(changes: Sequence[Change]) -> Judgement:
    """That no more was lost or failed makes no two runs equal of which neither rate nor latency could be told."""
    found = {change.judgement for change in changes}
    measured = {change.judgement for change in changes if change.ratio is not None}
    order: tuple[Judgement, ...] = ("worse", "better")
    told = next((judgement for judgement in order if judgement in found), None)
    return told or ("same" if "same" in measured else "undecided")


def comparison_exit_code(comparison: Comparison) -> ExitCode:
    """1 for a regression, else 0."""
    return ExitCode.FAILED if comparison.verdict == "worse" else ExitCode.PASS
