"""The store's file: its tables, opening it without harm, writing a group in one statement."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from simulator.endpoint.group import Head, pack_heads, pack_payloads, unpack_heads
from simulator.endpoint.message import Decision
from simulator.errors import EndpointError, InputError

#: `tels` in ASCII, in SQLite's header, so that nobody's other database is taken for a store. (Also in `_TABLES`.)
_APPLICATION_ID = 1952803955
_FORMAT = 2
#: Groups are long values: pages of 16 KiB halve the cost of writing them against SQLite's usual 4 KiB. A checkpoint
#: after 4 MiB, not after a thousand pages, leaves the log in the processor's cache: a tenth less, and shorter stalls.
_PAGE_BYTES = 16_384
_CHECKPOINT_PAGES = 256
#: `seq` of a group is the number of its first ping; `batch` numbers the commits. The view is for people and SQL: it
#: has a row a ping, but must unpack every group before the one that is asked for.
_TABLES = """
BEGIN IMMEDIATE;
CREATE TABLE groups (seq INTEGER PRIMARY KEY, batch INTEGER NOT NULL, received_ms INTEGER NOT NULL,
                     decisions TEXT NOT NULL, payloads BLOB);
CREATE TABLE duplicates (id TEXT NOT NULL, route TEXT NOT NULL, batch INTEGER NOT NULL, received_ms INTEGER NOT NULL);
CREATE INDEX duplicates_by_id ON duplicates (id);
CREATE VIEW pings AS
    SELECT seq + one.key AS seq, json_extract(one.value, '$[0]') AS id, json_extract(one.value, '$[1]') AS code,
           json_extract(one.value, '$[2]') AS route, received_ms
    FROM groups, json_each(decisions) AS one;
PRAGMA application_id = 1952803955;
PRAGMA user_version = 2;
COMMIT;
"""
_INSERT_GROUP = "INSERT INTO groups VALUES (?, ?, ?, ?, ?)"
_INSERT_DUPLICATES = """
INSERT INTO duplicates SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), ?, ? FROM json_each(?)
"""
_LAST_BATCHES = """
SELECT (SELECT batch FROM groups ORDER BY seq DESC LIMIT 1), (SELECT batch FROM duplicates ORDER BY rowid DESC LIMIT 1)
"""


class StoreFile:
    """An open store. Belongs to one thread; `simulator.endpoint.ledger` reads meanwhile.

    Args:
        path: the SQLite file.
        database: the writer's connection.
        lock: descriptor that holds the lock against other processes.
    """

    def __init__(self, path: Path, database: sqlite3.Connection, lock: int) -> None:
        self.path = path
        self.database = database
        self._lock = lock

    def write(
        self,
        new: Sequence[Decision],
        again: Sequence[Decision],
        *,
        seq: int,
        batch: int,
        now_ms: int,
        payloads: bool,
    ) -> None:
        """Commit one group: new pings, numbered from `seq`, and pings whose id was accepted before.

        In the usual case, no duplicates, that is a single statement: SQLite lets other threads run Python while a
        statement runs, and each further statement would wait for the interpreter lock once more.

        Raises:
            sqlite3.Error: nothing of it was stored.
        """
        body = pack_payloads(new) if payloads else None
        row = (seq, batch, now_ms, pack_heads(new, payloads=payloads), body)
        execute = self.database.execute
        if not again:
            execute(_INSERT_GROUP, row)
            return
        repeated = msgspec.json.encode([(one.id, one.route) for one in again]).decode()
        try:
            execute("BEGIN IMMEDIATE")
            if new:
                execute(_INSERT_GROUP, row)
            execute(_INSERT_DUPLICATES, (batch, now_ms, repeated))
            execute("COMMIT")
        except BaseException:
            if self.database.in_transaction:
                execute("ROLLBACK")
            raise

    def groups(self) -> Iterator[tuple[int, list[Head]]]:
        """The number of its first ping, and the decisions, of every group.

        Raises:
            InputError: one of them is damaged.
        """
        for seq, text in self.database.execute("SELECT seq, decisions FROM groups ORDER BY seq"):
            try:
                yield seq, unpack_heads(text)
            except (ValueError, TypeError) as error:
                raise _unusable(self.path, f"it is damaged (group {seq}: {error})") from error

    def duplicates(self) -> dict[str, int]:
        """How many duplicates were counted, by route."""
        return dict(self.database.execute("SELECT route, count(*) FROM duplicates GROUP BY 1"))

    def last_batch(self) -> int:
        """The number of the last commit."""
        return max(number or 0 for number in self.database.execute(_LAST_BATCHES).fetchone())

    def close(self) -> None:
        """Close the file and let other processes have it."""
        self.database.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def open_store(path: Path, *, fsync: bool = False, max_bytes: int = 0) -> StoreFile:
    """Open or make a store.

    An existing file is examined read-only first, so that a damaged or foreign one stays as it is, and alone.

    Raises:
        InputError: the file is damaged, or is something else than a store.
        EndpointError: another process has it open, or it cannot be made.
    """
    with suppress(OSError):  # what cannot be looked at cannot be locked either
        if path.is_dir():
            raise _unusable(path, "it is a directory")
    lock_file = path.with_name(path.name + ".lock")
    first = not lock_file.exists()
    lock = _lock(lock_file, path)
    try:
        fresh = not path.exists() or path.stat().st_size == 0
        if not fresh:
            fresh = _is_empty_database(path)
        database = _connect(path, fresh=fresh, fsync=fsync, max_bytes=max_bytes)
    except (sqlite3.Error, OSError) as error:
        os.close(lock)
        raise EndpointError(f"cannot open the store {path}: {error}") from error
    except InputError:
        if first:
            lock_file.unlink(missing_ok=True)
        os.close(lock)
        raise
    return StoreFile(path, database, lock)


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension; 0 where the error has none."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _connect(path: Path, *, fresh: bool, fsync: bool, max_bytes: int) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # OFF: what a commit gave to the operating system survives the death of this process. NORMAL would add nothing to
    # that but waiting for the disk at every checkpoint; FULL waits at every commit and survives a power cut.
    # It comes first: a new file waits for the disk when it is given its log.
    database.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'OFF'}")
    if fresh:
        database.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    database.execute("PRAGMA journal_mode = WAL")
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
        database = sqlite3.connect(
            path.absolute().as_uri() + ("?mode=ro&immutable=1" if clean else "?mode=ro"), uri=True
        )
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
    return InputError(f"cannot use the store {path}: {what}; {hint}")


def _lock(name: Path, path: Path) -> int:
    """Hold `<store>.lock`. The store itself is not locked, because closing any descriptor of it would let go."""
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
