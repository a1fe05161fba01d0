"""A run on the terminal: a short table and the verdict; colours and rules only where there is a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from simulator.reconcile.summary import Summary
from simulator.report.console import console_for_tables
from simulator.report.wording import Line, count, fate_lines, headline, speed_lines, threshold_line
from simulator.rundir import RunMeta

_COLOURS = {"pass": "green", "fail": "red", "generator-bound": "yellow", "interrupted": "yellow"}
_MOST_ERRORS = 5


def print_summary(summary: Summary, meta: RunMeta, console: Console | None = None) -> None:
    """Prints what became of every ping, how fast, the objectives, and the verdict last.

    Args:
        summary: from `reconcile`.
        meta: the run's `run.json`.
        console: where to print to; default: standard output.
    """
    out = console_for_tables(console)
    _print_lines(out, [*fate_lines(summary), *speed_lines(summary, meta)])
    if any(row.expect != "accept" for row in summary.labels):
        _print_labels(out, summary)
    _print_lines(out, [threshold_line(result) for result in summary.thresholds if not result.default])
    for error in meta.errors[:_MOST_ERRORS]:
        out.print(f"{count(error.count)} x {escape(error.message)}", style="red")
    if more := meta.errors[_MOST_ERRORS:]:
        times = count(sum(error.count for error in more))
        out.print(f"{times} x {len(more)} other kinds of trouble; the page has them all", style="red")
    if not summary.ledger:
        out.print("No ledger: pings are judged by the endpoint's answers alone.", style="dim")
    out.print(Text(headline(summary), style=f"bold {_COLOURS[summary.verdict]}"), soft_wrap=True)


def _print_lines(out: Console, lines: Sequence[Line]) -> None:
    if not lines:
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for line in lines:
        style = "red" if line.bad else ""
        table.add_row(Text(line.name), Text(line.value, style=style), Text(line.meaning))
    out.print(table)
    out.print()


def _print_labels(out: Console, summary: Summary) -> None:
    """The confusion matrix: label by outcome."""
    table = Table(box=SIMPLE_HEAD if out.is_terminal else None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("label", overflow="fold")
    table.add_column("expected", no_wrap=True)
    for name in ("accepted", "rejected", "failed", "unknown", "unsent", "wrong"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in summary.labels:
        wrong = Text(count(row.wrong), style="red" if row.wrong else "")
        cells = (row.accepted, row.rejected, row.failed, row.unknown, row.unsent)
        table.add_row(Text(row.name), row.expect, *map(count, cells), wrong)
    out.print(table)
    out.print()
