"""The sweep and the search on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.capacity import Capacity, Step
from simulator.hotpath.sweep import HotPath, Point
from simulator.report.console import console_for_tables
from simulator.report.hotpath_page import capacity_headline, capacity_reason, explain, microseconds
from simulator.report.wording import milliseconds, rate


def _table(out: Console, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=SIMPLE_HEAD if out.is_terminal else None, pad_edge=False, padding=(0, 2, 0, 0))
    for place, name in enumerate(head):
        table.add_column(name, justify="right" if place else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    out.print(table)
    out.print()


def print_hotpath(found: HotPath, console: Console | None = None) -> None:
    """Prints every trial, the stages and the cost model."""
    out = console_for_tables(console)
    head = ("trial", "requests/s", "pings/s", "±", "p50", "p99", "limit")
    _table(out, head, [_row(point) for point in found.points])
    if found.stage_fits:
        costs = [
            (name, microseconds(fit.request_us), microseconds(fit.ping_us))
            for name, fit in found.stage_fits.items()
        ]
        _table(out, ("stage", "a request", "a ping"), costs)
    if found.fit is None:
        out.print("No cost model: fewer than three batch sizes were measured.")
        return
    answer = f"{microseconds(found.fit.request_us)} a request, {microseconds(found.fit.ping_us)} a ping"
    out.print(Text(answer, style="bold green"))
    out.print(explain(found.fit), soft_wrap=True)


def _row(point: Point) -> tuple[str, ...]:
    names = {
        "batch": f"batch {point.batch}",
        "validity": f"{point.invalid_share:.0%} invalid",
        "gzip": f"gzip {'on' if point.gzip else 'off'}",
    }
    return (
        names[point.kind],
        rate(point.requests_per_s),
        rate(point.pings_per_s),
        f"{2 * point.noise:.1%}",
        milliseconds(point.latency_ms.p50),
        milliseconds(point.latency_ms.p99),
        point.bound,
    )


def step_line(step: Step) -> str:
    """One trial of a search in one line, for those who watch it."""
    verdict = "holds" if step.ok else f"does not: {'; '.join(step.reasons)}"
    return f"{step.purpose:8} {rate(step.rate):>10} requests/s  p99 {milliseconds(step.latency_ms.p99):>9}  {verdict}"


def print_capacity(found: Capacity, console: Console | None = None) -> None:
    """Prints the answer and what ends it."""
    out = console_for_tables(console)
    out.print(Text(capacity_headline(found), style="bold green" if found.rate else "bold red"))
    out.print(capacity_reason(found), soft_wrap=True)
