"""From a scenario file to a scenario, or to every problem in it at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from simulator.errors import Finding, ScenarioError
from simulator.scenario.model import Scenario
from simulator.shipped import shipped_scenarios

_LARGEST_FILE_BYTES = 16 << 20


def resolve_scenario(name: str | Path) -> Path:
    """The file meant by a path or by the name of a shipped scenario; a directory of that name is none.

    Raises:
        ScenarioError: neither a file nor a shipped name; the message lists the names.
    """
    path = Path(name)
    shipped = shipped_scenarios()
    # A directory is no scenario: `smoke` means the shipped one beside a corpus of that name, too.
    if path.exists() and not (path.is_dir() and str(name) in shipped):
        return path
    found = shipped.get(path.stem) if path.suffix in {"", ".toml"} else None
    if found is not None and path.parent.name in {"", "scenarios"}:
        return found
    if path.exists():
        return path
    near = get_close_matches(path.stem, shipped, 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ScenarioError(
        f"{name}: no such file, and no shipped scenario of that name; {hint}shipped: {', '.join(shipped)}"
    )


def load_scenario(
    name: str | Path, *, overrides: Mapping[str, object] = MappingProxyType({})
) -> tuple[Scenario, str]:
    """A scenario by path or shipped name, and the text of its file.

    Args:
        name: a path, or the name of a shipped scenario.
        overrides: top-level keys with other values than the file's.

    Raises:
        ScenarioError: not readable or not valid; `findings` has every problem with its key path.
    """
    path = resolve_scenario(name)
    text = scenario_text(path)
    return parse_scenario(text, name=str(path), overrides=overrides), text


def scenario_text(path: Path) -> str:
    """The text of a scenario file.

    Raises:
        ScenarioError: it cannot be read, or is no text.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            raise ScenarioError(
                f"{path}: larger than {_LARGEST_FILE_BYTES >> 20} MB, which no scenario needs to be"
            )
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: not UTF-8 text (byte {error.start})") from error


def parse_scenario(
    text: str, *, name: str = "scenario", overrides: Mapping[str, object] = MappingProxyType({})
) -> Scenario:
    """A scenario from TOML text.

    Args:
        text: the file's text.
        name: what to call the file in messages.
        overrides: top-level keys with other values than the text's.

    Raises:
        ScenarioError: `findings` has every problem with its key path.
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ScenarioError(f"{name}: not TOML: {error}") from error
    try:
        return Scenario.model_validate({**data, **overrides})
    except ValidationError as error:
        findings = [_finding(name, problem, overrides) for problem in error.errors()]
        count = f"{len(findings)} problem" + ("s" if len(findings) > 1 else "")
        raise ScenarioError(f"{name}: {count}", findings) from error


def scenario_json_schema() -> dict[str, Any]:
    """The format as JSON Schema, for editors."""
    schema = Scenario.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema


def _finding(name: str, problem: Any, overrides: Mapping[str, object]) -> Finding:
    location = problem["loc"]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    what = problem["msg"].removeprefix("Value error, ")
    hint = ""
    if problem["type"] == "extra_forbidden":
        what = "unknown key"
        near = get_close_matches(str(location[-1]), _keys_at(location[:-1]), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(_keys_at(location[:-1]))}"
    elif problem["type"] == "missing":
        what = "missing; it must be given"
    if location and (given := overrides.get(location[0])) is not None:
        return Finding(f"{where} {given!r}, given in place of that of {name}", what, hint)
    return Finding(f"{name}: {where}" if where else name, what, hint)


def _keys_at(location: tuple[Any, ...]) -> list[str]:
    """The keys that a scenario can have at a place, by walking the models."""
    models: list[type[BaseModel]] = [Scenario]
    for part in location:
        if isinstance(part, str):
            fields = (model.model_fields.get(part) for model in models)
            models = [found for field in fields if field for found in _models_in(field.annotation)]
    return sorted({key for model in models for key in model.model_fields})


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
