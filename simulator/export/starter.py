"""The scenario file that `telsim init` writes: every section and key of the model, explained, with its default.

It is made from the model itself (keys, defaults, limits, docstrings), so it cannot fall behind it.
"""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from simulator.scenario import Scenario
from simulator.scenario.browsing import Population
from simulator.scenario.experiment import Branch, Bucketing, Experiment
from simulator.scenario.fields import parse_duration_ms
from simulator.scenario.figures import figures
from simulator.scenario.message import Message

_WIDTH = 110
_INLINE_AT = 44
_BARE_KEY = re.compile(r"^[A-Za-z0-9_-]+$")
_UNITS_MS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))

#: Keys that their sections' docstrings do not explain.
EXPLAINED: Mapping[str, str] = {
    "format": "version of this file's format",
    "name": "lower-case letters, digits and dashes",
    "description": "one line for `telsim scenarios` and reports",
    "seed": "scenario and seed decide every byte of the corpus; `--seed` overrides",
    "start": "when the simulation begins; UTC where no offset is given",
    "duration": 'such as "6h", "1d" or "2w"; `--duration` overrides',
    "clients": "how many people; `--clients` overrides",
    "cohort_clients": "people simulated together, one part of the corpus; by default chosen from `clients`",
    "dialect": "documented: as the documents print pings; wire: as real clients send them",
    "channels": "relative weights of update channels",
    "locales": "relative weights of locales; they decide time zones too",
    "versions": "relative weights of the release channel's versions",
}

_HEAD = """\
# A telsim scenario. It runs as it stands:
#   telsim check {file}
#   telsim generate {file} --out corpus
# Every key stands here. What has a default, shown here, may be left out; keys that do not exist are errors.
# `telsim check --json-schema > scenario.schema.json` helps editors that read this line:
#:schema ./scenario.schema.json
"""
_MESSAGES = """
# Messages: any number of [[messages]] tables, beside those of the sets that `messaging.sets` names.
"""
_EXPERIMENTS = """
# Experiments and rollouts: any number of [[experiments]] tables.
"""


def starter_scenario(name: str, *, file: str) -> str:
    """The text of a commented scenario that runs.

    Args:
        name: the scenario's name.
        file: what the file is called in its own comments.
    """
    scenario = Scenario(
        format=1,
        name=name,
        description="One day of a hundred people.",
        start=datetime(2021, 12, 15, tzinfo=UTC),
        duration="1d",  # type: ignore[arg-type] # parsed as in a file
        clients=100,
        messages=[
            Message(id="CFR_FIRST", surface="cfr", trigger="site_visit", bucket="CFR_FIRST_BUCKET"),
        ],
        experiments=[
            Experiment(
                slug="first-experiment",
                feature="cfr",
                branches=[Branch(slug="control"), Branch(slug="treatment")],
                bucketing=Bucketing(namespace="cfr", count=5_000),
            )
        ],
    )
    lines = [_HEAD.format(file=file), *_keys(scenario, EXPLAINED), *_sections(scenario)]
    lines += [_MESSAGES, *_items("messages", scenario.messages)]
    lines += [_EXPERIMENTS, *_items("experiments", scenario.experiments)]
    return "\n".join(lines) + "\n"


def _sections(scenario: Scenario) -> Iterator[str]:
    for key in Scenario.model_fields:
        value = getattr(scenario, key)
        if isinstance(value, BaseModel):
            prose, explained = _documentation(type(value))
            if isinstance(value, Population):
                explained = _published(explained)
            yield ""
            yield from _comment(prose)
            yield f"[{key}]"
            yield from _keys(value, explained)


def _published(explained: Mapping[str, str]) -> dict[str, str]:
    """What each figure about people counts, and how well it is known."""
    found = dict(explained)
    for name, known in figures().items():
        key = name.removesuffix("_minutes")
        how = known.grade if known.grade == "assumption" else f"grade {known.grade}, {known.year}"
        if key in Population.model_fields:
            found.setdefault(key, f"{known.unit} ({how})")
    return found


def _items(key: str, models: list[Any]) -> Iterator[str]:
    for model in models:
        prose, explained = _documentation(type(model))
        yield from _comment(prose)
        yield f"[[{key}]]"
        yield from _keys(model, explained)


def _keys(model: BaseModel, explained: Mapping[str, str]) -> Iterator[str]:
    """The plain keys of a table: above each what it means, behind it what it may be."""
    for key, field in type(model).model_fields.items():
        value = _plain(model, key)
        if isinstance(model, Scenario) and isinstance(value, dict | list) and key not in explained:
            continue  # a section of its own
        if key in explained:
            yield from _comment(explained[key])
        line = f"# {key} = …" if value is None else f"{key} = {_toml(value)}"
        limits = _limits(field)
        if len(limits) > _WIDTH - _INLINE_AT:
            yield from _comment(limits)
            limits = ""
        if len(line) > _WIDTH and isinstance(value, dict):
            # TOML 1.0 has no line breaks inside inline tables; dotted keys do the same.
            yield from (f"{key}.{_key(name)} = {_toml(item)}" for name, item in value.items())
        else:
            yield f"{line:<{_INLINE_AT}}  # {limits}" if limits else line


def _documentation(model: type[BaseModel]) -> tuple[str, dict[str, str]]:
    """The prose of a section's docstring, and what it says of each key."""
    prose, _, arguments = (inspect.getdoc(model) or "").partition("\nArgs:\n")
    found = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", arguments, re.MULTILINE)
    return prose.strip(), {key: " ".join(text.split()) for key, text in found}


def _comment(text: str) -> Iterator[str]:
    for paragraph in filter(None, re.split(r"\n\s*\n", text)):
        yield from textwrap.wrap(paragraph, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _plain(model: BaseModel, key: str) -> Any:
    """A value as TOML has it: durations as text, tables as dictionaries."""
    value, field = getattr(model, key), type(model).model_fields[key]
    if isinstance(value, int) and _is_duration(field):
        return _duration(value)
    return _unmodelled(value)


def _unmodelled(value: Any) -> Any:
    if isinstance(value, BaseModel):
        plain = ((name, _plain(value, name)) for name in type(value).model_fields)
        return {name: item for name, item in plain if item is not None}
    if isinstance(value, list):
        return [_unmodelled(item) for item in value]
    return value


def _is_duration(field: FieldInfo) -> bool:
    return any(getattr(part, "func", None) is parse_duration_ms for part in field.metadata)


def _duration(ms: int) -> str:
    unit, size = next((unit, size) for unit, size in _UNITS_MS if ms % size == 0)
    return f"{ms // size}{unit}"


def _limits(field: FieldInfo) -> str:
    """What a value may be, from the field's own constraints."""
    if get_origin(field.annotation) is Literal:
        choices = get_args(field.annotation)
        return f"one of {', '.join(map(str, choices))}" if len(choices) > 1 else ""
    low = above = high = None
    for part in field.metadata:
        low = getattr(part, "ge", low)
        above = getattr(part, "gt", above)
        high = getattr(part, "le", high)
    if high is None or high >= 1_000:  # noqa: PLR2004, RUF100 - a limit against slips, not a scale
        return ""
    return f"{low} to {high}" if above is None else f"above {above}, up to {high}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value)


def _key(name: str) -> str:
    return name if _BARE_KEY.match(name) else json.dumps(name)
