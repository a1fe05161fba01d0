"""Between the event loop and the store's thread: a bounded queue, emptied once a turn of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from simulator.endpoint.message import Receipt
from simulator.endpoint.store import Store, Submission

Settled = Callable[[Submission], None]

#: Pings that are worth a group of their own.
_ENOUGH_PINGS = 128


class WriteQueue:
    """Hands decisions to the store and tells on the loop what became of them. Belongs to one running loop.

    Args:
        path: the store's file.
        loop: the event loop that is told.
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
        self._turn: list[Submission] = []
        self._turn_pings = 0
        self.store = Store(
            path, settle=self._settle, fsync=fsync, payloads=payloads, max_bytes=max_store_bytes
        )

    def submit(self, receipt: Receipt, settled: Settled) -> bool:
        """Have decisions stored; False where the queue is full.

        A request larger than the whole queue is let in when the queue is empty, or it could never be.

        Args:
            receipt: what to store.
            settled: called once, on the loop, when it is stored or could not be.
        """
        pings = self.pings + len(receipt.decisions)
        size = self.bytes + receipt.size
        if self.pings and (pings > self._max_pings or size > self._max_bytes):
            return False
        self.pings, self.bytes = pings, size
        if not self._turn:
            self._loop.call_soon(self._look_again, 0)
        self._turn.append(Submission(receipt.decisions, (settled, receipt.size)))
        self._turn_pings += len(receipt.decisions)
        return True

    def _look_again(self, before: int) -> None:
        """Hand over once a look at the sockets brings nothing more, or there is enough for a group.

        Handed over at once, the first submissions would wake the store's thread, which takes the interpreter lock from
        the loop to write a group of a few: an eighth more CPU a ping.
        """
        if before < self._turn_pings < _ENOUGH_PINGS:
            self._loop.call_soon(self._look_again, self._turn_pings)
        else:
            self.hand_over()

    def hand_over(self) -> None:
        """Give the store what was submitted since the last time."""
        turn, self._turn, self._turn_pings = self._turn, [], 0
        if turn:
            self.store.put(turn)

    def _settle(self, group: list[Submission]) -> None:
        self._loop.call_soon_threadsafe(self._resolve, group)

    def _resolve(self, group: list[Submission]) -> None:
        for submission in group:
            settled, size = submission.done
            submission.done = None  # whoever is told may keep the submission: no cycle, no leak
            self.pings -= len(submission.decisions)
            self.bytes -= size
            self._tell(settled, submission)

    def _tell(self, settled: Settled, submission: Submission) -> None:
        try:
            settled(submission)
        except Exception as error:  # noqa: BLE001 -- the others of its group must hear of theirs
            told = {"message": "telling a client that its pings are stored failed", "exception": error}
            self._loop.call_exception_handler(told)
