"""The published figures that defaults come from, with source, year and grade (`population/figures.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

_FILE = Path(__file__).resolve().parent.parent / "population" / "figures.toml"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure about people.

    Args:
        name: its key in the file.
        value: a number, or numbers by name or in order.
        unit: what the number counts.
        grade: A published by Mozilla, B a study or an old or opt-in sample, C a proxy, or `assumption`.
        year: of the data; 0 for assumptions.
        source: where it was published; for assumptions, why it is what it is.
    """

    name: str
    value: Any
    unit: str
    grade: str
    year: int
    source: str


@cache
def figures() -> Mapping[str, Figure]:
    """Every figure by name, in the order of the file. Read-only."""
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return MappingProxyType({name: Figure(name, **row) for name, row in table.items()})


def figure(name: str) -> Callable[[], Any]:
    """A function that gives a figure's value: the default of a scenario's key, read when one is made."""
    return lambda: _copy(figures()[name].value)


def figure_ms(name: str, unit_ms: int) -> Callable[[], int]:
    """The same for a duration that the file has in another unit."""
    return lambda: round(figures()[name].value * unit_ms)


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, dict | list) else value
