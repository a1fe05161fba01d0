"""A comparison on the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.reconcile.summary import spoken
from simulator.report.compare import Change, Comparison
from simulator.report.wording import rate

_COLOURS = {"worse": "red", "better": "green", "undecided": "yellow", "same": ""}
_SENTENCES = {
    "worse": "REGRESSION: {names} got worse by more than {tolerance:.0%}",
    "better": "BETTER: {names} improved by more than {tolerance:.0%}, nothing got worse",
    "same": "EQUAL: no change beyond {tolerance:.0%} that is more than noise",
    "undecided": "UNDECIDED: the runs are too short or too noisy to tell a change of {tolerance:.0%}",
}
_PLAIN_WIDTH = 110


def print_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Prints both runs' figures, the interval of the change, and the verdict last."""
    out = console or Console(highlight=False)
    if not out.is_terminal:
        out = Console(file=out.file, width=_PLAIN_WIDTH, highlight=False, color_system=None)
    table = Table(box=SIMPLE_HEAD if out.is_terminal else None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("metric", no_wrap=True)
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
    out.print(Text(sentence(comparison), style=f"bold {_COLOURS[comparison.verdict]}".strip()))


def sentence(comparison: Comparison) -> str:
    """The verdict in one line."""
    names = ", ".join(c.metric for c in comparison.changes if c.judgement == comparison.verdict)
    return _SENTENCES[comparison.verdict].format(names=names, tolerance=comparison.tolerance)


def _value(change: Change, value: float) -> str:
    if change.metric.endswith("_per_s"):
        return rate(value)
    return spoken(value if change.unit != "ms" else round(value, 4), change.unit)


def _moves(change: Change) -> tuple[str, str]:
    if change.low is None or change.high is None:
        return "", ""
    if change.ratio is None:
        return f"{change.new - change.base:+.2%}", f"{change.low:+.2%} .. {change.high:+.2%}"
    return f"{change.ratio - 1:+.1%}", f"{change.low - 1:+.1%} .. {change.high - 1:+.1%}"
