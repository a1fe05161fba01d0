"""`telsim describe`: what is in a corpus, beside what is published about real people."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod

    from simulator.report.describe import Description


def command(
    corpus: Annotated[Path, typer.Argument(help="A corpus directory.")],
    *,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Directory for pictures (PNG).")] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="File for a page with everything on it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what a corpus holds: counts, sizes, rates, and simulated habits beside published ones.

    Example: telsim describe corpus --html corpus.html
    """
    from simulator.corpus import open_corpus
    from simulator.errors import UsageError
    from simulator.report.describe import as_plain, describe

    description = describe(open_corpus(corpus))
    written: list[Path] = []
    place = out  # a full disk does not say which file it was
    try:
        if out is not None:
            from simulator.report.describe_plots import save_plots

            written += save_plots(description, out)
        if html is not None:
            place = html
            from simulator.report.describe_page import describe_page

            html.parent.mkdir(parents=True, exist_ok=True)
            html.write_text(describe_page(description), encoding="utf-8")
            written.append(html)
    except OSError as error:
        raise UsageError(f"{error.filename or place}: cannot be written: {error.strerror}") from error
    if as_json:
        import orjson

        sys.stdout.write(orjson.dumps(as_plain(description), option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    _print(description, written)


def _print(description: Description, written: list[Path]) -> None:
    from rich.console import Console

    from simulator.report.wording import count, size

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(file=console.file, width=160, highlight=False, color_system=None)
    console.print(
        f"{description.scenario}: {count(description.records)} pings of {count(description.senders)} clients "
        f"({count(description.clients)} simulated), {size(description.bytes)}, {description.dialect}, "
        f"seed {description.seed}"
    )
    if description.records:
        _print_contents(description, console)
    for path in written:
        console.print(str(path), soft_wrap=True)


def _print_contents(description: Description, console: Console) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from simulator.report.describe import session_median_ms
    from simulator.report.describe_page import comparison_rows, time_span
    from simulator.report.wording import count

    facts = [
        time_span(description),
        f"busiest hour {count(max(description.per_hour))}",
        f"busiest second {count(description.busiest_second)}",
    ]
    if description.session_ms:
        facts.append(f"median new tab session {session_median_ms(description) / 1000:.1f} s")
    console.print(", ".join(facts))
    shares = [*description.products.items(), *description.labels.items()]
    console.print(", ".join(f"{name} {count(number)}" for name, number in shares))
    types = Table(box=SIMPLE_HEAD, pad_edge=False)
    types.add_column("ping", overflow="fold")
    for name in ("pings", "share", "mean body"):
        types.add_column(name, justify="right", no_wrap=True)
    for name, number in description.pings.items():
        share = f"{number / description.records:.2%}"
        types.add_row(name, count(number), share, f"{description.mean_body_bytes[name]:,.0f} B")
    console.print(types)
    if description.comparisons:
        beside = Table(box=SIMPLE_HEAD, pad_edge=False)
        for name in ("figure", "simulated", "published", "distance", "of", "grade"):
            justify: JustifyMethod = "right" if name in {"distance", "of"} else "left"
            beside.add_column(name, justify=justify, overflow="fold")
        for row in comparison_rows(description):
            beside.add_row(*row[:6])
        console.print(beside)
        console.print(
            "Sources of the published values: simulator/population/figures.toml, or --json.", style="dim"
        )
