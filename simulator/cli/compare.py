"""`telsim compare`: regression or noise."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def command(
    base: Annotated[Path, typer.Argument(help="Run directory to compare with.")],
    new: Annotated[Path, typer.Argument(help="Run directory that may be worse.")],
    *,
    tolerance: Annotated[str, typer.Option(help="How much worse does not matter.")] = "5%",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two runs: tell regression from noise by an interval; exit 1 if NEW is worse.

    Example: telsim compare runs/main runs/branch --tolerance 10%
    """
    import msgspec

    from simulator.report.compare import compare_runs, comparison_exit_code, parse_tolerance
    from simulator.report.compare_terminal import print_comparison

    comparison = compare_runs(base, new, tolerance=parse_tolerance(tolerance))
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(comparison), indent=2).decode() + "\n")
    else:
        print_comparison(comparison)
    raise typer.Exit(comparison_exit_code(comparison))
