"""Puts the workers' reports together into the account of the whole run."""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from typing import Any

import locust
import msgspec
from options import Request

from simulator import __version__
from simulator.histogram import Histogram, PackedHistogram
from simulator.pacing import NS_PER_MS, NS_PER_S
from simulator.records import STATES
from simulator.rundir import (
    Calibration,
    CorpusRef,
    Distribution,
    Distributions,
    Lag,
    Machine,
    Pacing,
    RunError,
    RunMeta,
    StageSum,
    TargetRef,
    TimeSeries,
    Versions,
    WorkerHealth,
)

_KINDS = ("service", "corrected", "lateness")
_ERRORS = _STAGES = 64
_CREDENTIALS = re.compile(r"//[^/@\s]+@")
_QUERY = re.compile(r"(https?://[^\s?#]*)[?#].*", re.IGNORECASE)
_OPEN_SECONDS = 30  # histograms of older seconds are reduced to their percentiles


class Collector:
    """The account of one run, in one process or in Locust's master.

    Args:
        request: what the run is to do.
        command: the command line.
        options: options as given, without anything secret.
    """

    def __init__(self, request: Request, *, command: list[str], options: dict[str, Any]) -> None:
        self.request = request
        self._command, self._options = command, options
        self._histograms: dict[str, dict[str, Histogram]] = {kind: {} for kind in _KINDS}
        self._seconds: dict[int, list[Any]] = {}
        self._errors: Counter[tuple[str, int]] = Counter()
        self._examples: dict[int, str] = {}
        self._stages: dict[str, list[float]] = {}
        self._health: dict[int, WorkerHealth] = {}
        self._rates: dict[int, tuple[float, float]] = {}
        self.labels: Counter[tuple[int, int]] = Counter()
        self.totals: Counter[str] = Counter()
        self.started_ns = self.measured_from_ns = self.ended_ns = 0
        self._measured_to_ns: dict[int, int] = {}

    def add(self, report: dict[str, Any]) -> None:
        """Takes in one worker's report of what happened since its last one."""
        for key in ("requests", "pings", "bytes_sent", "late_starts"):
            self.totals[key] += report[key]
        for kind in _KINDS:
            for name, packed in report[kind].items():
                self._histograms[kind].setdefault(name, Histogram()).add_packed(_unpacked(packed))
        for message, status, count in report["errors"]:
            self.error(message, status, count)
        for status, text in report["examples"]:
            self._examples.setdefault(status, text)
        for name, (total, count) in report["stages"].items():
            if name not in self._stages and len(self._stages) >= _STAGES:
                continue
            stage = self._stages.setdefault(name, [0.0, 0])
            stage[0] += total
            stage[1] += count
        for label, state, count in report["labels"]:
            self.labels[label, state] += count
        for second, requests, pings, failures, packed in report["seconds"]:
            self._add_second(second, (requests, pings, failures), packed)
        if "health" in report:
            self._add_health(report)

    def error(self, message: str, status: int = 0, count: int = 1) -> None:
        """Counts one kind of trouble."""
        key = (message, status)
        if key not in self._errors and len(self._errors) >= _ERRORS:
            key = ("other trouble", 0)
        self._errors[key] += count

    def _add_second(self, second: int, counts: tuple[int, int, int], packed: dict[str, Any]) -> None:
        entry = self._seconds.setdefault(second, [0, 0, 0, Histogram()])
        for place, count in enumerate(counts):
            entry[place] += count
        if isinstance(entry[3], Histogram):
            entry[3].add_packed(_unpacked(packed))
        old = second - _OPEN_SECONDS
        if old in self._seconds and isinstance(self._seconds[old][3], Histogram):
            self._seconds[old][3] = _p50_p99(self._seconds[old][3])

    def _add_health(self, report: dict[str, Any]) -> None:
        health = msgspec.convert(report["health"], WorkerHealth)
        self._health[health.index] = health
        started, measured_from, measured_to, ended = report["window_ns"]
        self.started_ns = min(self.started_ns or started, started)
        self.measured_from_ns = min(self.measured_from_ns or measured_from, measured_from)
        self._measured_to_ns[health.index] = measured_to  # until the end each report says a later one
        self.ended_ns = max(self.ended_ns, ended)
        if report.get("calibration"):
            self._rates[health.index] = tuple(report["calibration"])

    def merged(self, kind: str) -> Histogram:
        """The histogram of all requests."""
        total = Histogram()
        for histogram in self._histograms[kind].values():
            total.merge(histogram)
        return total

    @property
    def stages(self) -> dict[str, list[float]]:
        """Sum of milliseconds and number of answers for each stage that the endpoint reports."""
        return self._stages

    @property
    def errors(self) -> Counter[tuple[str, int]]:
        """How often each kind of trouble came up."""
        return self._errors

    def label_rows(self) -> list[dict[str, Any]]:
        """For each label how many pings ended in which state."""
        names = self.request.corpus.label_names
        rows: dict[int, dict[str, Any]] = {}
        for (label, state), count in sorted(self.labels.items()):
            row = rows.setdefault(label, {"label": names[label], **dict.fromkeys(STATES, 0)})
            row[STATES[state]] += count
        return list(rows.values())

    def meta(self, *, interrupted: bool) -> RunMeta:
        """`run.json`."""
        request, corpus = self.request, self.request.corpus.meta
        pace = request.pace
        return RunMeta(
            versions=Versions(
                telsim=__version__, locust=locust.__version__, python=platform.python_version()
            ),
            machine=Machine(cpus=os.cpu_count() or 0, platform=platform.platform()),
            corpus=CorpusRef(
                name=request.corpus.path.name,
                sha256=corpus.sha256,
                records=corpus.records,
                dialect=corpus.dialect,
                scenario=corpus.scenario_name if corpus.scenario else "",  # records alone have none
                seed=corpus.seed,
                clients=corpus.clients,
                duration_ms=corpus.end_ms - corpus.start_ms,
            ),
            target=TargetRef(name=request.target.name, host=request.destination.url),
            options=self._options,
            command=[_without_secrets(word) for word in self._command],
            pacing=Pacing(
                model=pace.model,
                text=request.pace_text,
                open_loop=pace.is_open,
                requests_per_s=pace.rate if pace.model in ("rate", "poisson") else None,
            ),
            batch_size=request.batch,
            started_ns=self.started_ns,
            ended_ns=self.ended_ns,
            measured_from_ns=self.measured_from_ns,
            measured_to_ns=max(self._measured_to_ns.values(), default=0),
            interrupted=interrupted,
            requests=self.totals["requests"],
            pings=self.totals["pings"],
            bytes_sent=self.totals["bytes_sent"],
            workers=[self._health[index] for index in sorted(self._health)],
            histograms=self._distributions(),
            time_series=self._time_series(),
            errors=[
                RunError(message=message, count=count, status=status, example=self._examples.get(status, ""))
                for (message, status), count in self._errors.most_common()
            ],
            calibration=self._calibration(),
            stages={name: StageSum(sum_ms=total, count=int(n)) for name, (total, n) in self._stages.items()},
        )

    def _calibration(self) -> Calibration | None:
        if not self._rates:
            return None
        return Calibration(
            requests_per_s=sum(rate[0] for rate in self._rates.values()),
            pings_per_s=sum(rate[1] for rate in self._rates.values()),
        )

    def _distributions(self) -> Distributions:
        parts = {}
        for kind in _KINDS:
            source = "service" if kind == "corrected" and not self.request.pace.is_open else kind
            by_name = {name: histogram.pack() for name, histogram in self._histograms[source].items()}
            parts[kind] = Distribution(total=self.merged(source).pack(), by_name=by_name)
        return Distributions(**parts)

    def _time_series(self) -> TimeSeries:
        if not self._seconds:
            return TimeSeries()
        first, last = min(self._seconds), max(self._seconds)
        empty = [0, 0, 0, (0.0, 0.0)]
        entries = [self._seconds.get(second, empty) for second in range(first, last + 1)]
        times = [_p50_p99(e[3]) if isinstance(e[3], Histogram) else e[3] for e in entries]
        return TimeSeries(
            first_s=first,
            requests=[entry[0] for entry in entries],
            pings=[entry[1] for entry in entries],
            failures=[entry[2] for entry in entries],
            p50_ms=[time[0] for time in times],
            p99_ms=[time[1] for time in times],
        )


def _without_secrets(word: str) -> str:
    """A word of the command line as it may be written down: URLs of ledger and metrics may hold credentials."""
    return _QUERY.sub(r"\1?[secret]", _CREDENTIALS.sub("//[secret]@", word))


def lag_of(histogram: Histogram) -> Lag:
    """How late an event loop woke up, from a histogram of its delays."""
    p50, p99 = histogram.percentiles([50, 99])
    return Lag(p50=p50 / NS_PER_MS, p99=p99 / NS_PER_MS, max=histogram.max_ns / NS_PER_MS)


def window_s(started_ns: int, ended_ns: int) -> float:
    """Seconds between two times, never 0."""
    return max(ended_ns - started_ns, 1) / NS_PER_S


def _unpacked(plain: dict[str, Any]) -> PackedHistogram:
    return msgspec.convert(plain, PackedHistogram)


def _p50_p99(histogram: Histogram) -> tuple[float, float]:
    p50, p99 = histogram.percentiles([50, 99])
    return p50 / NS_PER_MS, p99 / NS_PER_MS
