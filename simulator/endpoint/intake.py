"""What happens to a whole request, however it came: judge it, have it stored, tell the answer. No socket, no ASGI.

What one look at the sockets brings is judged together, stage by stage. Taking each request through all stages before
the next costs up to twice as much: the code of all of them does not fit into a core's nearest cache.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from time import perf_counter_ns
from typing import Protocol

import msgspec

from simulator.endpoint.answer import answer, refusal
from simulator.endpoint.codes import OK
from simulator.endpoint.message import Answer, Receipt, Request
from simulator.endpoint.metrics import Metrics
from simulator.endpoint.receive import Rules, receive, receive_all, refuse
from simulator.endpoint.settings import Settings
from simulator.endpoint.store import Submission

#: Takes the answer and the value of its Server-Timing header.
Tell = Callable[[Answer, bytes], None]
#: Has a function called once what the sockets hold now has been read; an event loop's `call_soon`.
Soon = Callable[[Callable[[], None]], object]

#: Requests that are judged before any of them is passed on: so many bodies are held, decompressed, beside those that
#: wait for the store.
_TOGETHER = 32

_LOG = logging.getLogger(__name__)


class Writer(Protocol):
    """What is needed of the store's queue; `simulator.endpoint.queue.WriteQueue` is one."""

    def submit(self, receipt: Receipt, settled: Callable[[Submission], None]) -> bool:
        """Have decisions stored, and call `settled` then; False where too much is waiting already."""


class Arrival(msgspec.Struct, eq=False):
    """A request that waits to be judged.

    Args:
        request: whole, or refused.
        tell: called once, with what the client is told.
        read_ns: how long the request took to arrive.
        refused: the code by which it is refused whatever it holds.
    """

    request: Request
    tell: Tell
    read_ns: int
    refused: str = OK


class Intake:
    """Takes whole requests.

    Args:
        rules: by what pings are judged.
        settings: limits of the server.
        writer: the way to the store.
        metrics: where to count.
        soon: puts off judging until more requests may have come.
    """

    def __init__(
        self, rules: Rules, settings: Settings, *, writer: Writer, metrics: Metrics, soon: Soon
    ) -> None:
        self.rules = rules
        self._limits = settings.limits
        self._edge = settings.edge
        self._writer = writer
        self._metrics = metrics
        self._soon = soon
        self._turn: list[Arrival] = []

    def take(self, arrival: Arrival) -> None:
        """Have a request judged soon, and its `tell` called once it may be answered: not before the store has it."""
        if not self._turn:
            self._soon(self._take_turn)
        self._turn.append(arrival)

    def _take_turn(self) -> None:
        turn, self._turn = self._turn, []
        for start in range(0, len(turn), _TOGETHER):
            self._take_some(turn[start : start + _TOGETHER])

    def _take_some(self, turn: Sequence[Arrival]) -> None:
        receipts: Sequence[Receipt | None]
        try:
            receipts = self._judge(turn)
        except Exception:  # noqa: BLE001 -- a fault of ours; found out below for which request, others are not to blame
            receipts = [None] * len(turn)
        judged = perf_counter_ns()
        for arrival, receipt in zip(turn, receipts, strict=True):
            try:
                self._pass_on(arrival, receipt or self._judge([arrival])[0], judged)
            except Exception:  # noqa: BLE001 -- as above
                _LOG.exception("a fault of ours, at a request to %s", arrival.request.path)
                arrival.tell(refusal("internal_error", limits=self._limits), b"fault")

    def _judge(self, turn: Sequence[Arrival]) -> list[Receipt]:
        """A receipt for each."""
        if all(arrival.refused == OK for arrival in turn):
            return receive_all([arrival.request for arrival in turn], self.rules)
        return [
            receive(arrival.request, self.rules)
            if arrival.refused == OK
            else refuse(arrival.request, arrival.refused, self.rules)
            for arrival in turn
        ]

    def _pass_on(self, arrival: Arrival, receipt: Receipt, judged: int) -> None:
        """Have decisions stored where there are some, and tell the answer then, else at once."""

        def settled(stored: Submission) -> None:
            if stored.failure != OK:
                told = refusal(stored.failure, limits=self._limits)
            else:
                told = answer(receipt, stored.duplicates, limits=self._limits, edge=self._edge)
            self._tell(arrival, receipt, told, judged)

        if not receipt.decisions or receipt.refusal == "overloaded":
            told = answer(receipt, (), limits=self._limits, edge=self._edge)
            self._tell(arrival, receipt, told, judged)
        elif not self._writer.submit(receipt, settled):
            self._tell(arrival, receipt, refusal("overloaded", limits=self._limits), judged)

    def _tell(self, arrival: Arrival, receipt: Receipt, told: Answer, judged: int) -> None:
        read, store = arrival.read_ns, perf_counter_ns() - judged
        inflate, parse, validate = receipt.inflate_ns, receipt.parse_ns, receipt.validate_ns
        self._metrics.request(receipt.carrier, told.status, (read, inflate, parse, validate, store))
        inside = _judging(inflate, parse, validate)
        arrival.tell(told, b"read;dur=%.3f, %b, store;dur=%.3f" % (read / 1e6, inside, store / 1e6))


@lru_cache(maxsize=256)  # requests that were judged together share their times
def _judging(inflate_ns: int, parse_ns: int, validate_ns: int) -> bytes:
    """Stage times in milliseconds (W3C Server Timing)."""
    return b"decompress;dur=%.3f, parse;dur=%.3f, validate;dur=%.3f" % (
        inflate_ns / 1e6,
        parse_ns / 1e6,
        validate_ns / 1e6,
    )
