"""Between the event loop and the store's thread: a bounded queue whose entries are futures."""

from __future__ import annotations

import asyncio
from pathlib import Path

from simulator.endpoint.message import Receipt
from simulator.endpoint.store import Store, Submission


class WriteQueue:
    """Hands decisions to the store and turns its word into futures. Belongs to one running loop.

    Args:
        path: the store's file.
        loop: the event loop that the futures belong to.
        max_pings: how many may wait.
        max_bytes: how many bytes of payload may wait.
        fsync: as `Store`.
        payloads: as `Store`.
        max_store_bytes: as `Store`.
    """

    def __init__(
        self,
        path: Path,
        loop: asyncio.AbstractEventLoop,
        *,
        max_pings: int,
        max_bytes: int,
        fsync: bool,
        payloads: bool,
        max_store_bytes: int,
    ) -> None:
        self.pings = 0
        self.bytes = 0
        self._max_pings = max_pings
        self._max_bytes = max_bytes
        self._loop = loop
        self.store = Store(
            path, settle=self._settle, fsync=fsync, payloads=payloads, max_bytes=max_store_bytes
        )

    def submit(self, receipt: Receipt) -> asyncio.Future[Submission] | None:
        """A future that ends when the decisions are stored; None where the queue is full.

        A request larger than the whole queue is let in when the queue is empty, or it could never be.
        """
        pings = self.pings + len(receipt.decisions)
        size = self.bytes + receipt.size
        if self.pings and (pings > self._max_pings or size > self._max_bytes):
            return None
        self.pings, self.bytes = pings, size
        future: asyncio.Future[Submission] = self._loop.create_future()
        self.store.put(Submission(receipt.decisions, (future, receipt)))
        return future

    def _settle(self, group: list[Submission]) -> None:
        self._loop.call_soon_threadsafe(self._resolve, group)

    def _resolve(self, group: list[Submission]) -> None:
        for submission in group:
            future, receipt = submission.done
            submission.done = None  # it is about to become the future's result: no cycle, no leak
            self.pings -= len(receipt.decisions)
            self.bytes -= receipt.size
            if not future.done():  # its client may have gone
                future.set_result(submission)
