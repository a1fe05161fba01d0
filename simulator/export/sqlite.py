"""SQL that makes and fills one table, for `sqlite3 pings.db < pings.sql` and any client library."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from simulator.records import Ping

_TABLE = """-- Pings by telsim. `body` is the payload's JSON text; what is not JSON stands in `body_bytes`.
-- Load it: sqlite3 pings.db < pings.sql
BEGIN;
CREATE TABLE pings (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  due_ms INTEGER NOT NULL,
  client INTEGER NOT NULL,
  ping TEXT NOT NULL,
  product TEXT NOT NULL,
  route TEXT NOT NULL,
  label TEXT NOT NULL,
  expect TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  headers TEXT,
  body TEXT,
  body_bytes BLOB
);
"""


def write_sqlite(pings: Iterable[Ping], directory: Path) -> None:
    """`pings.sql`: one table, one INSERT a ping, one transaction."""
    with open(directory / "pings.sql", "w", encoding="utf-8") as file:
        file.write(_TABLE)
        for ping in pings:
            file.write(f"INSERT INTO pings VALUES ({', '.join(_values(ping))});\n")  # noqa: S608 - text is quoted
        file.write("CREATE INDEX pings_by_ping ON pings (ping, label);\nCOMMIT;\n")


def _values(ping: Ping) -> list[str]:
    headers = _text(msgspec.json.encode(ping.headers).decode()) if ping.headers else "NULL"
    is_text = bool(ping.body)
    return [
        "NULL",
        _text(ping.id),
        str(ping.due_ms),
        str(ping.client),
        *map(_text, (ping.ping, ping.product, ping.route, ping.label, ping.expect, ping.method, ping.path)),
        headers,
        _text(bytes(ping.body).decode()) if is_text else "NULL",
        "NULL" if is_text else f"X'{ping.payload().hex()}'",
    ]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
