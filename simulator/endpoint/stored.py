"""What a store holds, payloads included: for tests that want to see what arrived."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from simulator.endpoint.codes import OK
from simulator.errors import InputError

_PINGS = """
SELECT id, code, route, payload,
       CASE code WHEN 'ok' THEN 1 + (SELECT count(*) FROM duplicates d WHERE d.id = p.id) ELSE 1 END
FROM pings p ORDER BY seq
"""


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
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            for key, code, route, payload, copies in database.execute(_PINGS):
                yield StoredPing(key, code, route, bytes(payload or b""), copies)
        finally:
            database.close()
    except sqlite3.Error as error:
        raise InputError(f"{path}: not a store that can be read: {error}") from error
