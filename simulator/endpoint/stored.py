"""What a store holds, payloads included: for tests that want to see what arrived."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from simulator.endpoint.codes import OK
from simulator.endpoint.group import unpack_heads, unpack_payloads
from simulator.endpoint.ledger import copies_of, snapshot
from simulator.errors import InputError


@dataclass(frozen=True, slots=True)
class StoredPing:
    """One ping as the endpoint received and judged it.

    Args:
        id: document id, or the record's own.
        code: `ok`, or why it was rejected.
        route: `namespace/doctype/version`; empty where it named none that is known.
        payload: as it came, decompressed; empty where the endpoint keeps none.
        copies: how often the id was received in all, where it was accepted.
    """

    id: str
    code: str
    route: str
    payload: bytes
    copies: int = 1

    @property
    def accepted(self) -> bool:
        """Whether the endpoint took it."""
        return self.code == OK

    def json(self) -> Any:
        """The payload, parsed. Raises ValueError where it is not JSON."""
        return orjson.loads(self.payload)


def read_pings(path: Path) -> Iterator[StoredPing]:
    """Every decided ping of a store in the order of decisions. The endpoint may be running meanwhile.

    Raises:
        InputError: there is no store, or it cannot be read.
    """
    try:
        with closing(snapshot(path)) as database:
            for text, payloads in database.execute("SELECT decisions, payloads FROM groups ORDER BY seq"):
                heads = unpack_heads(text)
                copies = copies_of(database, heads)
                for head, payload in zip(heads, unpack_payloads(heads, payloads or b""), strict=True):
                    times = copies[head.id] if head.code == OK else 1
                    yield StoredPing(head.id, head.code, head.route, payload, times)
    except sqlite3.Error as error:
        raise InputError(f"{path}: not a store that can be read: {error}") from error
