"""The shipped message sets, one file each beside the messaging engine (`messaging/sets/*.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from simulator.scenario.message import Frequency, Message

_SETS = Path(__file__).resolve().parent.parent / "messaging" / "sets"


def message_sets() -> list[str]:
    """The names of the shipped sets, sorted."""
    return sorted(path.stem for path in _SETS.glob("*.toml"))


@dataclass(frozen=True, slots=True)
class MessageSet:
    """Messages, and the frequency caps that groups of them share."""

    messages: tuple[Message, ...]
    groups: Mapping[str, Frequency]


@cache
def message_set(name: str) -> MessageSet:
    """A shipped set, its messages in the order of its file.

    Raises:
        ValueError: there is no such set; the message lists them.
    """
    if name not in message_sets():
        raise ValueError(f"there is no message set {name!r}; shipped: {', '.join(message_sets())}")
    table = tomllib.loads((_SETS / f"{name}.toml").read_text(encoding="utf-8"))
    return MessageSet(
        tuple(Message.model_validate(row) for row in table["messages"]),
        {group: Frequency.model_validate(caps) for group, caps in table.get("groups", {}).items()},
    )
