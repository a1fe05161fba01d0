"""The durable store: every decision on disk before anybody hears of it.

One writer thread takes whatever is waiting and commits it as one row in one transaction (group commit) to SQLite's
write-ahead log. What a commit holds survives the death of the process; with `fsync` also a power cut. Ids accepted
before are kept in memory and read again at start.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import msgspec

from simulator.clock import wall_clock_ns
from simulator.endpoint.codes import DUPLICATE, OK
from simulator.endpoint.group import keys_of
from simulator.endpoint.message import Decision
from simulator.endpoint.store_file import open_store, primary_code

_GROUP_PINGS = 8192
_SQLITE_IOERR, _SQLITE_FULL = 10, 13


class Totals(msgspec.Struct, kw_only=True):
    """What the ledger holds, counted. `batches` are committed groups."""

    accepted: int
    rejected: int
    duplicates: int
    batches: int
    by_route: dict[str, int]
    by_code: dict[str, int]


class Submission(msgspec.Struct, gc=False, eq=False):
    """Decisions on their way to the disk, and what became of them.

    Args:
        decisions: of one request.
        done: whatever the owner needs to recognise it by.
        duplicates: positions of the decisions whose id was accepted before.
        failure: code of the failure; `ok` once they are stored.
    """

    decisions: Sequence[Decision]
    done: Any = None
    duplicates: Sequence[int] = ()
    failure: str = OK


class Store:
    """Writes decisions in groups and knows which ids were accepted.

    Args:
        path: SQLite file; made if it does not exist.
        fsync: survive a power cut too, for one disk flush a group.
        payloads: keep the pings themselves.
        max_bytes: size at which the store counts as full; 0 for the disk's own.
        settle: called from the writer thread with the submissions of each finished group.

    Raises:
        InputError: the file is damaged or is not a store; it is left as it was.
        EndpointError: another process has it open, or it cannot be made.
    """

    def __init__(
        self,
        path: Path,
        *,
        settle: Callable[[list[Submission]], None],
        fsync: bool = False,
        payloads: bool = True,
        max_bytes: int = 0,
    ) -> None:
        self.path = path
        self.batches = 0
        #: code of the last group's failure; `ok` if there was none
        self.trouble = OK
        #: (code, route) of every decision stored so far, duplicates included
        self.counts: Counter[tuple[str, str]] = Counter()
        self._settle = settle
        self._payloads = payloads
        self._waiting: SimpleQueue[Sequence[Submission] | None] = SimpleQueue()
        self._file = open_store(path, fsync=fsync, max_bytes=max_bytes)
        self._accepted: set[bytes] = set()
        self._next = 1
        try:
            self._load()
        except BaseException:
            self._file.close()
            raise
        self._thread = threading.Thread(target=self._write_groups, name="store", daemon=True)
        self._thread.start()

    def put(self, submissions: Sequence[Submission]) -> None:
        """Hand decisions over; `settle` tells when they are stored, or that they could not be."""
        self._waiting.put(submissions)

    def close(self) -> None:
        """Store everything handed over, then close the file. Safe to call twice."""
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()
        self._file.close()

    def size_bytes(self) -> int:
        """Bytes on disk, the write-ahead log included."""
        size = 0
        for name in (self.path, self.path.with_name(self.path.name + "-wal")):
            with suppress(OSError):
                size += name.stat().st_size
        return size

    def _load(self) -> None:
        """Read back what earlier processes stored."""
        for seq, heads in self._file.groups():
            self.counts.update((head.code, head.route) for head in heads)
            self._accepted.update(keys_of([head.id for head in heads if head.code == OK]))
            self._next = seq + len(heads)
        for route, count in self._file.duplicates().items():
            self.counts[DUPLICATE, route] = count
        self.batches = self._file.last_batch()

    def totals(self) -> Totals:
        """The ledger's sums, duplicates counted apart from the pings that they repeat."""
        by_route: Counter[str] = Counter()
        by_code: Counter[str] = Counter()
        for (code, route), count in self.counts.copy().items():
            by_code[code] += count
            if code != DUPLICATE:
                by_route[route] += count
        accepted, duplicates = by_code[OK], by_code[DUPLICATE]
        return Totals(
            accepted=accepted,
            rejected=by_code.total() - accepted - duplicates,
            duplicates=duplicates,
            batches=self.batches,
            by_route=dict(by_route),
            by_code={code: count for code, count in by_code.items() if count},
        )

    def _write_groups(self) -> None:
        for group in self._groups():
            self._write(group)
            self._settle(group)

    def _groups(self) -> Iterator[list[Submission]]:
        """Whatever waits, as one group, as soon as the last one is written."""
        while True:
            first = self._waiting.get()
            if first is None:
                return
            group, last = [*first], False
            size = _pings(first)
            while size < _GROUP_PINGS:
                try:
                    more = self._waiting.get_nowait()
                except Empty:
                    break
                if more is None:
                    last = True
                    break
                group += more
                size += _pings(more)
            yield group
            if last:
                return

    def _write(self, group: list[Submission]) -> None:
        """Store a group whole or not at all, ids included."""
        new: list[Decision] = []
        again: list[Decision] = []
        added: list[bytes] = []
        try:
            if not self._all_new(group, new, added):
                for submission in group:
                    submission.duplicates = self._judge(submission.decisions, new, again, added)
            self._file.write(
                new,
                again,
                seq=self._next,
                batch=self.batches + 1,
                now_ms=wall_clock_ns() // 1_000_000,
                payloads=self._payloads,
            )
        except Exception as error:  # noqa: BLE001 -- clients must hear of any failure, and the thread must live on
            self._accepted.difference_update(added)
            self.trouble = _failure(error)
            for submission in group:
                submission.failure, submission.duplicates = self.trouble, ()
            return
        self.trouble = OK
        self._next += len(new)
        self.batches += 1
        self.counts.update([(one.code, one.route) for one in new])
        self.counts.update([(DUPLICATE, one.route) for one in again])

    def _all_new(self, group: list[Submission], new: list[Decision], added: list[bytes]) -> bool:
        """Accept a group in one go where no id is repeated, as usual."""
        decisions = [one for submission in group for one in submission.decisions]
        keys = keys_of([one.id for one in decisions if one.code == OK])
        fresh = set(keys)
        if len(fresh) != len(keys) or not self._accepted.isdisjoint(fresh):
            return False
        self._accepted |= fresh
        added += keys
        new += decisions
        return True

    def _judge(
        self, decisions: Sequence[Decision], new: list[Decision], again: list[Decision], added: list[bytes]
    ) -> Sequence[int]:
        """Sort the decisions of one request into new ones and repeated ids; return the positions of the latter."""
        keys = iter(keys_of([one.id for one in decisions if one.code == OK]))
        duplicates: list[int] = []
        for position, one in enumerate(decisions):
            if one.code == OK:
                key = next(keys)
                if key in self._accepted:
                    again.append(one)
                    duplicates.append(position)
                    continue
                self._accepted.add(key)
                added.append(key)
            new.append(one)
        return duplicates


def _pings(submissions: Sequence[Submission]) -> int:
    return sum([len(submission.decisions) for submission in submissions])


def _failure(error: Exception) -> str:
    if isinstance(error, sqlite3.Error) and primary_code(error) in (_SQLITE_FULL, _SQLITE_IOERR):
        return "disk_full"
    return "store_error"
