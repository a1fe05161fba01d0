"""A comparison on the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.reconcile.summary import spoken
from simulator.report.compare import Change, Comparison
from simulator.report.console import console_for_tables
from simulator.report.wording import rate

_COLOURS = {"worse": "red", "better": "green", "undecided": "yellow", "same": ""}
_HEADLINES = {"worse": "REGRESSION", "better": "BETTER", "same": "EQUAL", "undecided": "UNDECIDED"}


def print_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Prints both runs' figures, the interval of the change, and the verdict last."""
    out = console_for_tables(console)
    table = Table(box=SIMPLE_HEAD if out.is_terminal else None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("metric", overflow="fold")
    for name in ("base", "new", "change", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for change in comparison.changes:
        values = (_value(change, change.base), _value(change, change.new))
        verdict = Text(change.judgement, style=_COLOURS[change.judgement])
        table.add_row(change.metric, *values, *_moves(change), verdict)
    out.print(table)
    for difference in comparison.differences:
        out.print(Text(f"Not the same in both runs: {difference}", style="yellow"))
    for doubt in comparison.doubts:
        out.print(Text(f"Beware: {doubt}", style="yellow"))
    out.print(
        Text(sentence(comparison), style=f"bold {_COLOURS[comparison.verdict]}".strip()), soft_wrap=True
    )


def sentence(comparison: Comparison) -> str:
    """The verdict in one line, and what it says nothing of."""
    tolerance = f"{comparison.tolerance * 100:.3g}%"
    if comparison.verdict == "undecided":
        return f"UNDECIDED: the runs are too short or too noisy to tell a change of {tolerance}"
    noisy = _names(comparison, "undecided")
    if comparison.verdict == "same":
        parts = [f"no change beyond {tolerance} that is more than noise"]
    else:
        parts = _moved(comparison, tolerance)
    if comparison.verdict == "better" and not noisy:
        parts.append("nothing got worse")
    if noisy:
        parts.append(f"too noisy to tell: {noisy}")
    return f"{_HEADLINES[comparison.verdict]}: {'; '.join(parts)}"


def _moved(comparison: Comparison, tolerance: str) -> list[str]:
    """What moved: rates and times by more than the tolerance; errors and losses, which have none, at all."""
    verdict = comparison.verdict
    measured = _names(comparison, verdict, counted=False)
    counted = _names(comparison, verdict, counted=True)
    moved = "got worse" if verdict == "worse" else "improved"
    parts = [f"{measured} {moved} by more than {tolerance}"] if measured else []
    return parts + ([f"{'more' if verdict == 'worse' else 'fewer'} {counted}"] if counted else [])


def _names(comparison: Comparison, judgement: str, *, counted: bool | None = None) -> str:
    return ", ".join(
        change.metric
        for change in comparison.changes
        if change.judgement == judgement and counted in (None, change.ratio is None)
    )


def _value(change: Change, value: float) -> str:
    if change.metric.endswith("_per_s"):
        return rate(value)
    return spoken(value if change.unit != "ms" else round(value, 4), change.unit)


def _moves(change: Change) -> tuple[str, str]:
    if change.low is None or change.high is None:
        return "", ""
    if change.ratio is None:
        return _points(change.new - change.base), f"{_points(change.low)} .. {_points(change.high)}"
    return f"{change.ratio - 1:+.1%}", f"{change.low - 1:+.1%} .. {change.high - 1:+.1%}"


def _points(share: float) -> str:
    """A difference of two shares; of one in a hundred thousand too it says which way it goes."""
    return f"{share * 100:+.3g}%"
