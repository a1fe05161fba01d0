"""Objectives such as `p99<50ms`, `errors<0.1%` or `lost==0`: parsed, then held against what was measured.

p50 p90 p99 p99.9 mean max      latency in ms; counted from the due time where requests had one
service.p99  corrected.p99  lateness.p99        the same of one kind of duration by name
errors                          share of sent pings that failed or whose fate is unknown
accepted rejected failed unknown unsent lost duplicated ...      numbers of pings
requests_per_s  pings_per_s  bytes_per_s        rates
stage.parse                     mean ms that the endpoint says it spent in a stage
metric:NAME{label="value"}      a metric of the server, scraped after the run; matching series are added up
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from simulator.errors import Finding, UsageError

COUNTS = (
    "requests",
    "pings",
    "sent",
    "unsent",
    "accepted",
    "rejected",
    "failed",
    "unknown",
    "lost",
    "duplicated",
    "duplicated_by_retry",
    "duplicated_by_corpus",
    "wrongly_accepted",
    "wrongly_rejected",
    "stored_though_rejected",
    "late_starts",
    "never_started",
    "in_flight_at_end",
)
RATES = ("requests_per_s", "pings_per_s", "bytes_per_s")
SHARES = ("errors",)
DURATIONS = ("service", "corrected", "lateness")
_KINDS = {"": "corrected", "latency": "service", "corrected_latency": "corrected", "lateness": "lateness"}

#: What every run must hold unless the user sets an objective of his own for the same metric.
DEFAULTS = (
    "lost==0",
    "duplicated==0",
    "wrongly_accepted==0",
    "wrongly_rejected==0",
    "stored_though_rejected==0",
    "errors==0",
)

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_TIME_UNITS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}
_SHARE_UNITS = {"%": 0.01, "": 1.0}
_NUMBER_UNITS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
_METRIC_UNITS = _NUMBER_UNITS | {"ms": 1e-3, "us": 1e-6, "ns": 1e-9, "s": 1.0, "%": 0.01}

_SHAPE = re.compile(r"^(metric:[^{}<>=!]+(?:\{[^{}]*\})?|[^<>=!]+?)\s*(<=|>=|==|!=|<|>)\s*(.+)$")
_VALUE = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([a-zA-Zµ%]*)$")
_STATISTIC = re.compile(r"^(?:p(\d{1,2}(?:[._]\d+)?|100)|mean|max)$")


@dataclass(frozen=True, slots=True)
class Threshold:
    """One objective.

    Args:
        text: as the user wrote it.
        metric: its canonical name, e.g. `corrected.p99`, `errors`, `metric:queue_depth`.
        operator: `<`, `<=`, `==`, `!=`, `>=` or `>`.
        limit: in milliseconds for durations, a share of 1 for shares, else a plain number.
        unit: `ms`, `share` or empty.
        default: whether it holds without having been asked for.
    """

    text: str
    metric: str
    operator: str
    limit: float
    unit: str
    default: bool = False

    def holds(self, value: float) -> bool:
        """Whether `value` (in the unit of the limit) is within the objective."""
        return _OPERATORS[self.operator](value, self.limit)


class ThresholdResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one objective. `ok` is null where a default could not be judged, because nothing was measured."""

    text: str
    metric: str
    limit: float
    unit: str
    value: float | None
    ok: bool | None
    default: bool


def parse_threshold(text: str, *, default: bool = False) -> Threshold:
    """Reads one objective.

    Raises:
        UsageError: the shape, the metric or the unit is unknown; the message lists what is known.
    """
    shape = _SHAPE.match(text.strip())
    if not shape:
        raise UsageError(
            f"{text!r} is no objective; write METRIC, one of {' '.join(_OPERATORS)}, and a VALUE, as in p99<50ms"
        )
    metric, unit = _canonical(shape[1].strip(), text)
    units = {"ms": _TIME_UNITS, "share": _SHARE_UNITS, "metric": _METRIC_UNITS, "": _NUMBER_UNITS}[unit]
    value = _VALUE.match(shape[3].strip())
    if not value or value[2] not in units:
        known = ", ".join(name for name in units if name) or "none"
        raise UsageError(f"{text!r}: {shape[3].strip()!r} is no value for {shape[1].strip()}; units: {known}")
    limit = float(value[1]) * units[value[2]]
    return Threshold(text.strip(), metric, shape[2], limit, "" if unit == "metric" else unit, default)


def parse_thresholds(texts: Iterable[str]) -> tuple[Threshold, ...]:
    """Reads objectives, several of which may stand in one text with commas between them; adds the defaults.

    Raises:
        UsageError: what is wrong with the one text that cannot be read, or a finding for each of several.
    """
    own: list[Threshold] = []
    findings: list[Finding] = []
    for text in (piece for given in texts for piece in _split(given)):
        try:
            own.append(parse_threshold(text))
        except UsageError as error:
            findings.append(Finding("threshold", str(error)))
    if len(findings) == 1:
        raise UsageError(findings[0].what)
    if findings:
        raise UsageError(f"{len(findings)} objectives cannot be read", findings)
    named = {threshold.metric for threshold in own}
    defaults = (parse_threshold(text, default=True) for text in DEFAULTS)
    return (*own, *(threshold for threshold in defaults if threshold.metric not in named))


def _split(text: str) -> list[str]:
    pieces = re.split(r",(?![^{]*\})", text)
    return [piece.strip() for piece in pieces if piece.strip()]


def _canonical(name: str, text: str) -> tuple[str, str]:
    """The canonical name of a metric and what its limit is measured in."""
    if name.startswith("metric:") and name != "metric:":
        return name, "metric"
    if name in COUNTS or name in RATES:
        return name, ""
    if name in SHARES:
        return name, "share"
    kind, _, statistic = name.rpartition(".")
    if re.match(r"^(?:[a-z]+\.)?p\d+\.\d+$", name):  # the point of p99.9 is no separator
        kind, _, statistic = name.rpartition(".p")
        statistic = f"p{statistic}" if kind or name.startswith(".") else name
    kind = _KINDS.get(kind.removesuffix("_ms"), kind)
    if kind in DURATIONS and _STATISTIC.match(statistic):
        return f"{kind}.{statistic.replace('_', '.')}", "ms"
    if kind == "stage" and statistic:
        return name, "ms"
    known = [*COUNTS, *SHARES, *RATES, "p50", "p90", "p99", "p99.9", "mean", "max"]
    near = difflib.get_close_matches(name, known, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    more = ", ".join([*(f"{kind}.p99" for kind in DURATIONS), "stage.NAME", 'metric:NAME{label="value"}'])
    raise UsageError(f"{text!r}: unknown metric {name!r}; {guess}known: {', '.join(known)}, {more}")


def evaluate(
    thresholds: Sequence[Threshold], measured: Callable[[str], float | None]
) -> list[ThresholdResult]:
    """Holds each objective against what was measured.

    Args:
        thresholds: from `parse_thresholds`.
        measured: gives the value of a canonical metric, or None where it was not measured. An objective that
            the user asked for fails then; a default one is left open.
    """
    results = []
    for threshold in thresholds:
        value = measured(threshold.metric)
        ok = threshold.holds(value) if value is not None else (None if threshold.default else False)
        results.append(
            ThresholdResult(
                text=threshold.text,
                metric=threshold.metric,
                limit=threshold.limit,
                unit=threshold.unit,
                value=value,
                ok=ok,
                default=threshold.default,
            )
        )
    return results


# After the value there may be a time, and in OpenMetrics an example with labels of its own.
_SERIES = re.compile(
    r'^([a-zA-Z_:][\w:]*)(?:\{((?:[^"{}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)(?:\s+-?[\d.]+)?(?:\s+#.*)?$'
)
_LABEL = re.compile(r'\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?')


def read_series(exposition: str) -> Iterator[tuple[str, str, float]]:
    """Name, labels as they are written, and value of each series in Prometheus text; other lines are passed over.

    Source: the Prometheus text exposition format 0.0.4, and OpenMetrics 1.0 where it says more.
    """
    for line in exposition.splitlines():
        found = None if line.startswith("#") else _SERIES.match(line.strip())
        if found:
            try:
                value = float(found[3])
            except ValueError:
                continue
            yield found[1], found[2] or "", value


def read_metric(exposition: str, metric: str) -> float | None:
    """The sum of all series of `metric:NAME{label="value"}` in Prometheus text; None where there is none."""
    name, _, wanted_text = metric.removeprefix("metric:").partition("{")
    wanted = dict(_LABEL.findall(wanted_text.removesuffix("}")))
    values = [
        value
        for found, labels, value in read_series(exposition)
        if found == name.strip() and wanted.items() <= dict(_LABEL.findall(labels)).items()
    ]
    return sum(values) if values else None
