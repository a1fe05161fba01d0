"""The table of ping types: product, carrier, identity rule, routes and where each is specified."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast

import orjson

from simulator.records import DIALECTS, Dialect

Product = Literal["firefox", "sourcegraph"]
Carrier = Literal["structured", "telemetry", "glean", "graphql", "sentry"]
Identity = Literal["client_id", "impression_id", "context_id", "anonymous_user_id", "none"]

#: The specification documents by number; section titles repeat between them, so a section needs its document.
DOCUMENTS: Mapping[int, str] = {
    0: "Messaging telemetry",
    1: "Metrics we collect (Activity Stream data events)",
    2: "Nimbus telemetry (data analysis)",
    3: "Sourcegraph telemetry",
    4: "Secure-Proxy telemetry events",
}

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class PingType:
    """One kind of ping.

    Args:
        name: the name used in corpora, statistics and file names.
        product: whose code sends it.
        carrier: how it travels; decides method, path and headers.
        identity: the one identifier that it carries, or `none`.
        routes: its route in each dialect that it exists in.
        seed: number of the specification document that describes it.
        section: title of the section there, to the letter.
        description: one line for a person.
        conflicts: numbers of the differences between document and published schema that its shapes settle.
    """

    name: str
    product: Product
    carrier: Carrier
    identity: Identity
    routes: Mapping[Dialect, str]
    seed: int
    section: str
    description: str
    conflicts: tuple[str, ...] = ()

    @property
    def dialects(self) -> tuple[Dialect, ...]:
        """The dialects in which this ping is sent on its own."""
        return tuple(dialect for dialect in DIALECTS if dialect in self.routes)


@cache
def ping_types() -> Mapping[str, PingType]:
    """Every ping type by name, in the order of the specification documents. Read-only."""
    table = tomllib.loads((_HERE / "table.toml").read_text(encoding="utf-8"))
    return MappingProxyType({name: _ping_type(name, row) for name, row in table.items()})


def example(ping: str, dialect: Dialect) -> dict[str, Any]:
    """A hand-written valid example of a ping, fresh at each call.

    Raises:
        KeyError: no such ping type, or it is not sent in this dialect.
    """
    if dialect not in ping_types()[ping].routes:
        raise KeyError(f"{ping} is not sent in the {dialect} dialect")
    text = (_HERE / "examples" / dialect / f"{ping}.json").read_bytes()
    return cast("dict[str, Any]", orjson.loads(text))


def _ping_type(name: str, row: Mapping[str, Any]) -> PingType:
    return PingType(
        name=name,
        product=row["product"],
        carrier=row["carrier"],
        identity=row["identity"],
        routes=MappingProxyType({dialect: row[dialect] for dialect in DIALECTS if dialect in row}),
        seed=row["seed"],
        section=row["section"],
        description=row["description"],
        conflicts=tuple(row.get("conflicts", ())),
    )
