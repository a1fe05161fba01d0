"""Reading a store, from any thread or process, while the endpoint writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import orjson

from simulator.endpoint.codes import OK
from simulator.endpoint.group import Head, unpack_heads

#: Begins with the group that number `after` is in, because the next number may be in it too.
_GROUPS_AFTER = """
SELECT seq, decisions FROM groups
WHERE seq >= coalesce((SELECT max(seq) FROM groups WHERE seq <= ?), 0) ORDER BY seq
"""
_COPIES = "SELECT id, count(*) FROM duplicates WHERE id IN (SELECT value FROM json_each(?)) GROUP BY id"


def entries(path: Path, *, after: int, limit: int) -> Iterator[bytes]:
    """Ledger entries with a number above `after`, one JSON line each; never a payload."""
    with closing(snapshot(path)) as database:
        for first, text in database.execute(_GROUPS_AFTER, (after,)):
            if limit <= 0:
                return
            passed = max(0, after + 1 - first)
            heads = unpack_heads(text)[passed : passed + limit]
            limit -= len(heads)
            copies = copies_of(database, heads)
            for seq, head in enumerate(heads, first + passed):
                yield _line(seq, head, copies)


def snapshot(path: Path) -> sqlite3.Connection:
    """A connection that only reads, and goes on seeing the store as at its first look, whatever is written meanwhile.

    Raises:
        sqlite3.Error: there is no store, or it cannot be read.
    """
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    database.execute("BEGIN")
    return database


def copies_of(database: sqlite3.Connection, heads: Sequence[Head]) -> Mapping[str, int]:
    """How often each accepted id among `heads` was received."""
    ids = [head.id for head in heads if head.code == OK]
    copies = dict.fromkeys(ids, 1)
    for key, more in database.execute(_COPIES, (msgspec.json.encode(ids).decode(),)):
        copies[key] += more
    return copies


def _line(seq: int, head: Head, copies: Mapping[str, int]) -> bytes:
    accepted = head.code == OK
    entry = {
        "seq": seq,
        "id": head.id,
        "state": "accepted" if accepted else "rejected",
        "code": head.code,
        "route": head.route,
        "copies": copies[head.id] if accepted else 1,
    }
    return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
