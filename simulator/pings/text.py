"""JSON text by hand: quoting, nesting, and the fragments that builders splice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache

from simulator.records import Dialect

_COMPACT = json.JSONEncoder(separators=(",", ":"))


@lru_cache(maxsize=8_192)
def quoted(value: str) -> str:
    """A string as JSON text, in ASCII."""
    return json.dumps(value)


def compact(value: object) -> str:
    """Any plain value as JSON text, in ASCII, without spaces."""
    return _COMPACT.encode(value)


def nested(dialect: Dialect, json_text: str) -> str:
    """A structured value inside `value` or `event_context`.

    The documents print an object; the client sends its text as a string (conflicts C3 and C4 of the published
    schemas with the documents).
    """
    return json_text if dialect == "documented" else quoted(json_text)


def experiments_object(branches: Mapping[str, str]) -> str:
    """The `experiments` annotation of a structured ping: slug to branch."""
    members = [f'{quoted(slug)}:{{"branch":{quoted(branch)}}}' for slug, branch in branches.items()]
    return f"{{{','.join(members)}}}"


def member(key: str, json_text: str | None) -> str:
    """`"key":value,` or nothing where there is no value."""
    return "" if json_text is None else f'"{key}":{json_text},'
