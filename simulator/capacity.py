"""The highest rate that holds an objective: bracketed, narrowed down, confirmed by holding it.

The search is a pure function of what trials answer; a simulated endpoint tests it, `telsim replay` runs it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from simulator.errors import UsageError
from simulator.hotpath.trial import Endpoint, Measured, Trial, run_trial
from simulator.reconcile.summary import Latency, broken
from simulator.records import RUN_FORMAT
from simulator.thresholds import Threshold

CAPACITY_FILE = "capacity.json"

Limit = Literal["objective", "generator", "ceiling", "floor"]

_KEPT_SHARE = 0.95
_NEVER_STARTED_SHARE = 0.01  # the last few are always due at the moment at which a run ends
_FEW = 3
_GROWTH = 2.0
_MOST_TRIALS = 40
_MOST_CONFIRMATIONS = 4
_OF_THE_LEDGER = frozenset(
    {"lost", "duplicated", "duplicated_by_retry", "duplicated_by_corpus", "stored_though_rejected"}
)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One trial of the search.

    Args:
        rate: requests a second that were due.
        purpose: `bracket`, `again` (a second opinion), `narrow` or `confirm`.
        ok: whether the objective held and the rate was kept.
        generator: whether the generator, not the endpoint, was what failed it.
        achieved: requests a second that were answered.
        reasons: what did not hold.
    """

    rate: float
    purpose: str
    ok: bool
    generator: bool
    achieved: float
    pings_per_s: float
    latency_ms: Latency
    errors: float
    reasons: list[str]


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """What the search found.

    Args:
        rate: highest confirmed requests a second; null: not even the lowest rate held.
        pings_per_s: the same in pings.
        limit: what ends it: the `objective`, the `generator` (the endpoint can do more), or the highest or
            lowest rate that was to be tried.
        knee: the rate at which latency begins to climb; null where the curve has none.
        steps: every trial, in the order in which they ran.
    """

    format: int = RUN_FORMAT
    slo: list[str] = []
    rate: float | None
    pings_per_s: float | None
    limit: Limit
    knee: float | None
    steps: list[Step]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How to search.

    Args:
        start: first rate, requests a second.
        lowest, highest: bounds of the search.
        precision: how close the two ends of the bracket must come (as a share).
        trial_s: length of one trial, seconds.
        hold_s: length of the confirmation, seconds.
    """

    start: float = 100.0
    lowest: float = 1.0
    highest: float = 1e6
    precision: float = 0.05
    trial_s: float = 5.0
    hold_s: float = 20.0


#: Tries a rate for so many seconds; the purpose is for the record.
Attempt = Callable[[float, float, str], Step]


class _Log:
    """Runs attempts, keeps them, and takes a second opinion before a failure is believed."""

    def __init__(self, attempt: Attempt, search: Search) -> None:
        self.steps: list[Step] = []
        self._attempt, self._search = attempt, search

    def holds(self, rate: float, purpose: str, *, seconds: float | None = None) -> bool:
        """Whether the objective holds at `rate`; one bad moment of a noisy machine is no failure."""
        length = seconds or self._search.trial_s
        step = self._attempt(rate, length, purpose)
        self.steps.append(step)
        if step.ok or step.generator:
            return step.ok
        again = self._attempt(rate, length, "again")
        self.steps.append(again)
        return again.ok

    @property
    def spent(self) -> bool:
        """Whether the search has had its trials."""
        return len(self.steps) >= _MOST_TRIALS


def find_capacity(attempt: Attempt, search: Search, *, slo: Sequence[str] = ()) -> Capacity:
    """Searches the highest rate at which attempts succeed.

    Doubles from `search.start` (or halves, or goes down to what was answered) until one rate holds and another does
    not, bisects between them on a logarithmic scale, then holds the best rate for longer and steps down while that
    fails.
    """
    log = _Log(attempt, search)
    good, bad = _bracket(log, search)
    while good and bad and bad / good > 1 + search.precision and not log.spent:
        middle = math.sqrt(good * bad)
        if log.holds(middle, "narrow"):
            good = middle
        else:
            bad = middle
    confirmed = _confirm(log, good, search) if good else None
    rate = confirmed.rate if confirmed else None
    return Capacity(
        slo=list(slo),
        rate=rate,
        pings_per_s=confirmed.pings_per_s if confirmed else None,
        limit=_limit(log.steps, rate, bad),
        knee=find_knee(log.steps),
        steps=log.steps,
    )


def _bracket(log: _Log, search: Search) -> tuple[float, float]:
    """The highest rate known to hold and the lowest known not to; 0 where there is none."""
    rate = min(max(search.start, search.lowest), search.highest)
    good = bad = 0.0
    while not log.spent:
        if log.holds(rate, "bracket"):
            good = rate
            if bad or rate >= search.highest:
                break
            rate = min(rate * _GROWTH, search.highest)
        else:
            bad = rate
            if good or rate <= search.lowest:
                break
            # What was answered is the better guess where the first was far too high: halving would use up the trials.
            rate = max(min(rate / _GROWTH, log.steps[-1].achieved), search.lowest)
    return good, bad


def _confirm(log: _Log, rate: float, search: Search) -> Step | None:
    for _ in range(_MOST_CONFIRMATIONS):
        if log.holds(rate, "confirm", seconds=search.hold_s):
            return log.steps[-1]
        rate = max(rate / (1 + search.precision), search.lowest)
    return None


def _limit(steps: Sequence[Step], rate: float | None, bad: float) -> Limit:
    if rate is None:
        return "floor"
    if not bad:
        return "ceiling"
    failed = [step for step in steps if not step.ok and step.rate > rate]
    lowest = min(failed, key=lambda step: step.rate, default=None)
    return "generator" if lowest and lowest.generator else "objective"


def find_knee(steps: Sequence[Step]) -> float | None:
    """The rate after which latency climbs steeply: the point of the curve farthest below its chord.

    Source: Satopaa, Albrecht, Irwin, Raghavan, "Finding a 'Kneedle' in a haystack", ICDCS workshops 2011,
    with both axes scaled to 1 and latency (p99) on a logarithmic scale, because it spans decades.
    """
    by_rate: dict[float, list[float]] = {}
    for step in steps:
        if step.latency_ms.p99 > 0 and not step.generator:
            by_rate.setdefault(step.rate, []).append(math.log(step.latency_ms.p99))
    rates = sorted(by_rate)
    if len(rates) < 4:
        return None
    logs = [min(by_rate[rate]) for rate in rates]
    rise, span = max(logs) - min(logs), rates[-1] - rates[0]
    if rise < math.log(2):
        return None
    depth = [
        (rate - rates[0]) / span - (log - min(logs)) / rise for rate, log in zip(rates, logs, strict=True)
    ]
    best = max(range(len(rates)), key=depth.__getitem__)
    return rates[best] if depth[best] > 0 else None


def check_objectives(thresholds: Sequence[Threshold]) -> None:
    """Refuses objectives of which no trial can say anything, before any is run.

    Raises:
        UsageError: an objective that was asked for needs a ledger, which trials do not look up.
    """
    unknown = [one.text for one in thresholds if not one.default and one.metric in _OF_THE_LEDGER]
    if unknown:
        raise UsageError(
            f"--slo {', '.join(unknown)}: trials look up no ledger; check what is lost or duplicated with telsim replay"
        )


def judge_step(measured: Measured, *, rate: float, purpose: str) -> Step:
    """What a trial says: the objective must hold and the rate must be kept."""
    summary = measured.summary
    reasons = [broken(result) for result in summary.thresholds if result.ok is False]
    due = rate * summary.window_s
    if due - summary.requests > max(_FEW, due * (1 - _KEPT_SHARE)):
        reasons.append(f"{summary.requests_per_s:.0f} of {rate:.0f} requests/s were answered")
    if summary.never_started > max(_FEW, summary.requests * _NEVER_STARTED_SHARE):
        reasons.append(f"{summary.never_started} requests were due and never started")
    return Step(
        rate=rate,
        purpose=purpose,
        ok=not reasons,
        generator=bool(reasons) and summary.bound == "generator",
        achieved=summary.requests_per_s,
        pings_per_s=summary.pings_per_s,
        latency_ms=summary.corrected_latency_ms,
        errors=summary.errors,
        reasons=reasons,
    )


def replay_attempts(
    trial: Trial,
    endpoint: Endpoint,
    thresholds: Sequence[Threshold],
    *,
    pace: str = "rate",
    told: Callable[[Step], None] | None = None,
) -> Attempt:
    """Attempts that replay a corpus.

    Args:
        trial: corpus, batch and gzip; its pace and length are replaced.
        endpoint: where to.
        thresholds: the objective, with the defaults among them.
        pace: `rate` or `poisson`.
        told: is called with every step.
    """

    def attempt(rate: float, seconds: float, purpose: str) -> Step:
        paced = Trial(
            corpus=trial.corpus,
            seconds=seconds,
            warmup_s=trial.warmup_s,
            pace=f"{pace} {rate:.6g}",
            batch=trial.batch,
            gzip=trial.gzip,
        )
        step = judge_step(run_trial(paced, endpoint, thresholds=thresholds), rate=rate, purpose=purpose)
        if told:
            told(step)
        return step

    return attempt
