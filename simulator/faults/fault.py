"""What a fault is: one named way in which a ping goes wrong, and what a correct endpoint answers to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from simulator.catalogue import Schemas
from simulator.records import Expect
from simulator.wire import Address, Carrier

#: Random numbers that one fault may use: enough for the choice of a place, of a variant and of a time.
DRAWS = 6

ALL_CARRIERS: frozenset[Carrier] = frozenset(("structured", "telemetry", "glean", "graphql", "sentry"))
#: The carriers whose path names the document; only there can an endpoint notice a second copy by its id.
SUBMIT: frozenset[Carrier] = frozenset(("structured", "telemetry", "glean"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A valid ping that something is about to go wrong with.

    Args:
        id: document id.
        ping: ping type.
        carrier: how it travels.
        route: names its schema.
        address: where it goes.
        text: its payload, JSON.
        document: the payload, parsed; a fault works on a copy.
        schemas: of the ping's dialect; a fault asks them whether it broke what it meant to break.
        due_ms: when it is sent, in milliseconds since the Unix epoch.
        previous_ms: when the same client sent the ping before this one; 0 where this is its first.
        start_ms: the beginning of the simulation.
        late_ms: how late a late ping is at most.
        draws: `DRAWS` numbers in [0, 1).
    """

    id: str
    ping: str
    carrier: Carrier
    route: str
    address: Address
    text: str
    document: Any
    schemas: Schemas
    due_ms: int
    previous_ms: int = 0
    start_ms: int = 0
    late_ms: int = 6 * 3_600_000
    draws: Sequence[float] = (0.5,) * DRAWS


_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """What a fault changes in a ping; what it does not name stays.

    Args:
        text: another payload that is still JSON.
        data: another payload that is not JSON, or must travel byte for byte.
        address: another address.
        headers: headers that the request says beside or instead of the carrier's.
        due_ms: another time of sending.
        again: the ping itself is sent as it was, and this is sent besides.
    """

    text: str | None = None
    data: bytes | None = None
    address: Address | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)
    due_ms: int | None = None
    again: bool = False


#: In the JSON document; in the body's bytes; in path or headers; in the HTTP request's frame; in how often and when.
Place = Literal["document", "body", "request", "frame", "delivery"]
_IN_RECORDS: frozenset[Place] = frozenset(("document", "body", "request", "delivery"))
_IN_PAYLOADS: frozenset[Place] = frozenset(("document", "delivery"))

#: A fault's function: what it changes in a subject, or None where there is nothing of the kind to break.
Break = Callable[[Subject], Broken | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row of the table of faults.

    Args:
        breaks: the rule that is broken, in one sentence.
        status: HTTP status of a correct endpoint that speaks the edge protocol (GraphQL answers 200 and an errors
            array to a body that it can decode).
        codes: short codes that may name the rejection; the first is the usual one.
        make: the function that does it.
        expect: what becomes of the ping.
        carriers: those that it can happen on.
        weight: how often it is chosen among others where a scenario names no weights.
        lies: where; decides whether it survives being put into a batch with other pings.
    """

    breaks: str
    status: int
    codes: tuple[str, ...]
    make: Break
    expect: Expect = "reject"
    carriers: frozenset[Carrier] = ALL_CARRIERS
    weight: float = 1.0
    lies: Place = "document"

    def fits_a_batch(self, *, whole_records: bool) -> bool:
        """Whether the fault is still there, and hurts nobody else, when its ping travels in a batch.

        Args:
            whole_records: the batch's items are records with path and headers, not payloads alone.
        """
        return self.lies in (_IN_RECORDS if whole_records else _IN_PAYLOADS)
