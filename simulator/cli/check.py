"""`telsim check`: scenario files, targets, corpora, NDJSON; every problem with its place."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.errors import Finding

_MOST_PRINTED = 200


def command(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Scenarios, targets, corpora or NDJSON files.")
    ] = None,
    *,
    schemas: Annotated[
        Path | None, typer.Option(help="Validate payloads against this directory of published schemas.")
    ] = None,
    dialect: Annotated[str, typer.Option(help="For NDJSON files: documented or wire.")] = "documented",
    json_schema: Annotated[
        bool, typer.Option("--json-schema", help="Print the scenario format as JSON Schema and exit.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print findings as JSON.")] = False,
) -> None:
    """Check files and print every problem, not the first one only.

    Exit code 0: nothing found; 1: findings; 2: something could not be read at all.

    Example: telsim check my-scenario.toml corpus/
    """
    import json

    from simulator.errors import ExitCode, UsageError

    if json_schema:
        from simulator.scenario import scenario_json_schema

        sys.stdout.write(json.dumps(scenario_json_schema(), indent=2) + "\n")
        return
    if not paths:
        raise UsageError("nothing to check; give scenario files, target files, corpora or NDJSON files")
    findings: list[Finding] = []
    for path in paths:
        found, checked = _check(path, schemas=schemas, dialect=dialect)
        findings += found
        if not as_json:
            _print(path, found, checked)
    if as_json:
        rows = [{"where": f.where, "what": f.what, "hint": f.hint} for f in findings]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    if findings:
        raise typer.Exit(ExitCode.FAILED)


def _check(name: str, *, schemas: Path | None, dialect: str) -> tuple[list[Finding], str]:
    """The findings in one thing to check, and what it was."""
    from simulator.errors import InputError

    path = Path(name)
    if path.is_dir():
        from simulator.check import check_corpus

        result = check_corpus(path, schemas=schemas)
        return result.findings, f"{result.checked:,} records"
    if path.suffix in {".ndjson", ".jsonl"}:
        from simulator.check import check_ndjson

        result = check_ndjson(path, schemas=schemas, dialect=dialect)
        return result.findings, f"{result.checked:,} records"
    try:
        return [], _load_toml(name)
    except InputError as error:
        if not error.findings:
            raise
        return list(error.findings), "file"


def _load_toml(name: str) -> str:
    """Read a scenario or a target, whichever the file is."""
    import tomllib

    from simulator.scenario.load import load_scenario, resolve_scenario

    path = resolve_scenario(name)
    try:
        keys = set(tomllib.loads(path.read_text(encoding="utf-8")))
    except (ValueError, OSError):
        keys = set()
    if "clients" not in keys and keys & {"envelope", "success", "retry", "carriers", "dialect"} - {
        "duration"
    }:
        from simulator.target import load_target

        load_target(str(path))
        return "target"
    scenario, _ = load_scenario(path)
    return f"scenario {scenario.name}"


def _print(path: str, findings: Iterable[Finding], checked: str) -> None:
    listed = list(findings)
    if not listed:
        sys.stdout.write(f"{path}: {checked}, no findings\n")
        return
    for finding in listed[:_MOST_PRINTED]:
        sys.stdout.write(f"{finding}\n")
    if len(listed) > _MOST_PRINTED:
        sys.stdout.write(f"… and {len(listed) - _MOST_PRINTED:,} more\n")
    sys.stdout.write(f"{path}: {checked}, {len(listed):,} findings\n")
