"""`telsim scenarios`: what is shipped."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def command(
    name: Annotated[str, typer.Argument(help="Print this scenario's file.")] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the shipped scenarios, or print one.

    Example: telsim scenarios newtab-day > mine.toml
    """
    import json
    import tomllib

    from simulator.errors import UsageError
    from simulator.scenario.load import resolve_scenario, scenario_text
    from simulator.shipped import shipped_scenarios

    if name and as_json:
        raise UsageError("--json prints the list, and a scenario's file is TOML; leave out one of the two")
    if name:
        sys.stdout.write(scenario_text(resolve_scenario(name)))
        return
    rows = {
        stem: tomllib.loads(path.read_text(encoding="utf-8")).get("description", "")
        for stem, path in shipped_scenarios().items()
    }
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    width = max(map(len, rows), default=0)
    sys.stdout.write("".join(f"{stem:<{width}}  {description}\n" for stem, description in rows.items()))
