"""`telsim targets`: the endpoints that telsim can speak to."""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from typing import Annotated

import typer


def command(
    name: Annotated[str, typer.Argument(help="Show this target: a shipped name or the path of a file.")] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    json_schema: Annotated[
        bool, typer.Option("--json-schema", help="Print the JSON Schema of target files, for editors.")
    ] = False,
) -> None:
    """List the shipped targets, or show one as a file to start your own from.

    Example: telsim targets json-array > mine.toml
    """
    from simulator.target import load_target, shipped_targets, target_schema

    if json_schema:
        _write_json(target_schema())
        return
    if name:
        target = load_target(name)
        if as_json:
            _write_json(target.model_dump(mode="json"))
        elif name in shipped_targets():
            sys.stdout.write(files("simulator.target").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
        else:
            sys.stdout.write(f"{target.name}: {target.title}: a good target file\n")
        return
    targets = [load_target(shipped) for shipped in shipped_targets()]
    if as_json:
        _write_json([target.model_dump(mode="json") for target in targets])
        return
    width = max(len(target.name) for target in targets)
    for target in targets:
        needs = f" (needs {', '.join(target.secret_names())})" if target.secret_names() else ""
        sys.stdout.write(f"{target.name:<{width}}  {target.title}{needs}\n")


def _write_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
