"""The store's file: its tables, opening it without harm, writing rows by the hundred, reading the ledger."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from simulator.endpoint.codes import OK
from simulator.errors import EndpointError, Finding, InputError

#: `tels` in ASCII, in SQLite's header, so that nobody's other database is taken for a store. (Also in `_TABLES`.)
_APPLICATION_ID = 1952803955
_FORMAT = 1
_CHECKPOINT_PAGES = 16_000
#: Rows a statement: 512, else a multiple of 64, else what is left.
_MOST_ROWS, _STEP_ROWS = 512, 64
_TABLES = """
BEGIN IMMEDIATE;
CREATE TABLE pings (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, code TEXT NOT NULL, route TEXT NOT NULL,
                    received_ms INTEGER NOT NULL, payload BLOB);
CREATE TABLE duplicates (id TEXT NOT NULL, route TEXT NOT NULL, received_ms INTEGER NOT NULL);
CREATE INDEX duplicates_by_id ON duplicates (id);
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT INTO meta VALUES ('batches', 0);
PRAGMA application_id = 1952803955;
PRAGMA user_version = 1;
COMMIT;
"""
_ENTRIES = """
SELECT seq, id, code, route, CASE code WHEN 'ok' THEN 1 + (SELECT count(*) FROM duplicates d WHERE d.id = p.id)
       ELSE 1 END
FROM pings p WHERE seq > ? ORDER BY seq LIMIT ?
"""


class StoreFile:
    """An open store. Written by one thread; `entries` may be read by any.

    Args:
        path: the SQLite file.
        database: the writer's connection.
        lock: descriptor that holds the lock against other processes.
    """

    def __init__(self, path: Path, database: sqlite3.Connection, lock: int) -> None:
        self.path = path
        self.database = database
        self._lock = lock

    def write(self, rows: Sequence[Any], again: Sequence[Any]) -> None:
        """Commit new pings (six values each) and repeated ids (three values each) as one transaction.

        Many rows go into one statement: SQLite lets other threads run Python while a statement runs, and a
        statement a row would hand the interpreter lock back and forth once a ping.

        Raises:
            sqlite3.Error: nothing of it was stored.
        """
        execute = self.database.execute
        try:
            execute("BEGIN IMMEDIATE")
            _insert(execute, "pings", 6, rows)
            _insert(execute, "duplicates", 3, again)
            execute("UPDATE meta SET value = value + 1 WHERE name = 'batches'")
            execute("COMMIT")
        except BaseException:
            if self.database.in_transaction:
                execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the file and let other processes have it."""
        self.database.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def entries(path: Path, *, after: int, limit: int) -> Iterator[bytes]:
    """Ledger entries with a number above `after`, one JSON line each; never a payload."""
    database = sqlite3.connect(_uri(path, "ro"), uri=True, isolation_level=None)
    try:
        for seq, key, code, route, copies in database.execute(_ENTRIES, (after, limit)):
            state = "accepted" if code == OK else "rejected"
            entry = {"seq": seq, "id": key, "state": state, "code": code, "route": route, "copies": copies}
            yield orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
    finally:
        database.close()


def open_store(path: Path, *, fsync: bool = False, max_bytes: int = 0) -> StoreFile:
    """Open or make a store.

    An existing file is examined read-only first, so that a damaged or foreign one stays as it is.

    Raises:
        InputError: the file is damaged, or is something else than a store.
        EndpointError: another process has it open, or it cannot be made.
    """
    lock = _lock(path)
    try:
        fresh = not path.exists() or path.stat().st_size == 0
        if not fresh:
            fresh = _is_empty_database(path)
        database = _connect(path, fresh=fresh, fsync=fsync, max_bytes=max_bytes)
    except (sqlite3.Error, OSError) as error:
        os.close(lock)
        raise EndpointError(f"cannot open the store {path}: {error}") from error
    except InputError:
        os.close(lock)
        raise
    return StoreFile(path, database, lock)


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension; 0 where the error has none."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _connect(path: Path, *, fresh: bool, fsync: bool, max_bytes: int) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    database.execute("PRAGMA journal_mode = WAL")
    # OFF: what a commit gave to the operating system survives the death of this process. NORMAL would add nothing to
    # that but waiting for the disk at every checkpoint; FULL waits at every commit and survives a power cut.
    database.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'OFF'}")
    database.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    if fresh:
        database.executescript(_TABLES)
    if max_bytes:
        (page_bytes,) = database.execute("PRAGMA page_size").fetchone()
        database.execute(f"PRAGMA max_page_count = {max(1, max_bytes // page_bytes)}")
    return database


def _is_empty_database(path: Path) -> bool:
    """Examine an existing file. True where a process died before it had made the tables; raises InputError."""
    try:
        # Without a log beside it the file is all there is, and `immutable` keeps SQLite from making one.
        clean = not path.with_name(path.name + "-wal").exists()
        database = sqlite3.connect(_uri(path, "ro&immutable=1" if clean else "ro"), uri=True)
        try:
            (application,) = database.execute("PRAGMA application_id").fetchone()
            (version,) = database.execute("PRAGMA user_version").fetchone()
            (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            database.close()
    except sqlite3.DatabaseError as error:
        raise _unusable(path, f"it is damaged or not a database ({error})") from error
    if not tables and not application and verdict == "ok":
        return True
    if application != _APPLICATION_ID:
        raise _unusable(path, "it is a database, but not a store of telsim's")
    if version != _FORMAT:
        raise _unusable(path, f"its format is {version}, this telsim reads {_FORMAT}")
    if verdict != "ok":
        raise _unusable(path, f"it is damaged ({verdict})")
    return False


def _unusable(path: Path, what: str) -> InputError:
    hint = "nothing was changed; move it away, or give another file with --store"
    return InputError(f"cannot use the store {path}: {what}; {hint}", [Finding(str(path), what, hint)])


def _lock(path: Path) -> int:
    """Hold `<store>.lock`. The store itself is not locked, because closing any descriptor of it would let go."""
    name = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EndpointError(f"cannot make the store {path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise EndpointError(
            f"another endpoint has the store {path} open; give another file with --store"
        ) from None
    return descriptor


def _uri(path: Path, mode: str) -> str:
    return f"{path.absolute().as_uri()}?mode={mode}"


def _insert(execute: Any, table: str, width: int, values: Sequence[Any]) -> None:
    """Insert rows in few statements of few different sizes, so that SQLite's statement cache knows them all."""
    start, left = 0, len(values) // width
    while left:
        count = _MOST_ROWS if left >= _MOST_ROWS else left - left % _STEP_ROWS if left > _STEP_ROWS else left
        end = start + count * width
        execute(_insert_sql(table, width, count), values[start:end])
        start, left = end, left - count


@cache
def _insert_sql(table: str, width: int, count: int) -> str:
    row = "(" + ",".join("?" * width) + ")"
    return f"INSERT INTO {table} VALUES {','.join([row] * count)}"  # noqa: S608 -- table and counts are ours
