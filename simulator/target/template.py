"""The fields that a target's texts may hold, such as `${id}`, and their replacement for one ping."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from simulator.clock import utc

_FIELD = re.compile(r"\$\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class PingFacts:
    """What a target's texts can say about a ping.

    Args:
        id: document id.
        ping: ping type.
        namespace, doctype, version: of its route.
        client: number of the simulated client.
        due_ms: recorded time, milliseconds since the Unix epoch.
    """

    id: str
    ping: str
    namespace: str
    doctype: str
    version: str
    client: int
    due_ms: int


_VALUES: dict[str, Callable[[PingFacts], str]] = {
    "id": lambda facts: facts.id,
    "ping": lambda facts: facts.ping,
    "namespace": lambda facts: facts.namespace,
    "doctype": lambda facts: facts.doctype,
    "version": lambda facts: facts.version,
    "client": lambda facts: str(facts.client),
    "due_ms": lambda facts: str(facts.due_ms),
    "due_s": lambda facts: f"{facts.due_ms // 1000}.{facts.due_ms % 1000:03d}",
    "due_ns": lambda facts: f"{facts.due_ms}000000",
    "due_iso": lambda facts: utc(facts.due_ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{facts.due_ms % 1000:03d}Z",
}

#: Every field, in the order of the documentation.
FIELDS = tuple(_VALUES)


def fields_in(text: str) -> list[str]:
    """Names of the fields in a text, whether or not they exist."""
    return _FIELD.findall(text)


class Template:
    """A text with fields, taken apart once so that filling it in is one join.

    Args:
        text: with fields such as `${id}`. Values are escaped as in a JSON string (without the quotes).
    """

    __slots__ = ("_fixed", "_parts")

    def __init__(self, text: str) -> None:
        pieces = _FIELD.split(text)
        self._fixed = text.encode() if len(pieces) == 1 else None
        self._parts: Sequence[bytes | Callable[[PingFacts], str]] = [
            _VALUES[piece] if position % 2 else piece.encode() for position, piece in enumerate(pieces)
        ]

    def fill(self, facts: PingFacts) -> bytes:
        """The text for one ping."""
        if self._fixed is not None:
            return self._fixed
        return b"".join(
            part if isinstance(part, bytes) else orjson.dumps(part(facts))[1:-1] for part in self._parts
        )
