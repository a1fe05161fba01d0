"""`telsim check`: scenario files, targets, corpora, NDJSON; every problem with its place."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.errors import Finding

Dialect = Literal["documented", "wire"]  # as in simulator.records, whose import costs too much for --help

_MOST_PRINTED = 200


def command(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Scenarios, targets, corpora or NDJSON files.")
    ] = None,
    *,
    schemas: Annotated[
        Path | None, typer.Option(help="Validate payloads against this directory of published schemas.")
    ] = None,
    dialect: Annotated[Dialect, typer.Option(help="Of the records in NDJSON files.")] = "documented",
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

    from simulator.cli import report_error
    from simulator.errors import ExitCode, InputError, UsageError

    if json_schema and paths:
        raise UsageError(
            "--json-schema prints the scenario format and checks nothing; leave out one of the two"
        )
    if json_schema:
        from simulator.scenario import scenario_json_schema

        sys.stdout.write(json.dumps(scenario_json_schema(), indent=2) + "\n")
        return
    if not paths:
        raise UsageError("nothing to check; give scenario files, target files, corpora or NDJSON files")
    findings: list[Finding] = []
    unread: list[InputError] = []
    for path in paths:
        try:
            found, checked = _check(path, schemas=schemas, dialect=dialect)
        except InputError as error:
            unread.append(error)
            continue
        findings += found
        if not as_json:
            _print(path, found, checked)
    if as_json:
        rows = [{"where": f.where, "what": f.what, "hint": f.hint} for f in findings]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    if unread:
        for each in unread[:-1]:
            report_error(each)
        raise unread[-1]
    if findings:
        raise typer.Exit(ExitCode.FAILED)


def _check(name: str, *, schemas: Path | None, dialect: Dialect) -> tuple[list[Finding], str]:
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
        return _check_toml(name)
    except InputError as error:
        if not error.findings:
            raise
        return list(error.findings), "file"


def _check_toml(name: str) -> tuple[list[Finding], str]:
    """The findings in a scenario or a target, whichever the file is."""
    import tomllib

    from simulator.scenario.load import load_scenario, resolve_scenario
    from simulator.target import load_target, tls_findings

    path = resolve_scenario(name)
    try:
        keys = set(tomllib.loads(path.read_text(encoding="utf-8")))
    except (ValueError, OSError):
        keys = set()
    if _is_target(keys):
        return tls_findings(load_target(str(path)), where=str(path)), "target"
    scenario, _ = load_scenario(path)
    return [], f"scenario {scenario.name}"


def _is_target(keys: set[str]) -> bool:
    """Whether a file's keys look more like a target's than like a scenario's, slips of the pen included."""
    from difflib import get_close_matches

    from simulator.scenario.model import Scenario
    from simulator.target import Target

    of_target, of_scenario = set(Target.model_fields), set(Scenario.model_fields)

    def likeness(own: set[str]) -> int:
        return sum(bool(get_close_matches(key, own, 1, 0.75)) for key in keys)

    return likeness(of_target - of_scenario) > likeness(of_scenario - of_target)


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
