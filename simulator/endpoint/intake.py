"""What happens to a whole request, however it came: judge it, have it stored, tell the answer. No socket, no ASGI."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns
from typing import Protocol

from simulator.endpoint.answer import answer, refusal
from simulator.endpoint.codes import OK
from simulator.endpoint.message import Answer, Receipt, Request
from simulator.endpoint.metrics import Metrics
from simulator.endpoint.receive import Rules, receive, refuse
from simulator.endpoint.settings import Settings
from simulator.endpoint.store import Submission

#: Takes the answer and the value of its Server-Timing header.
Tell = Callable[[Answer, bytes], None]


class Writer(Protocol):
    """What is needed of the store's queue; `simulator.endpoint.queue.WriteQueue` is one."""

    def submit(self, receipt: Receipt, settled: Callable[[Submission], None]) -> bool:
        """Have decisions stored, and call `settled` then; False where too much is waiting already."""


class Intake:
    """Takes whole requests.

    Args:
        rules: by what pings are judged.
        settings: limits of the server.
        writer: the way to the store.
        metrics: where to count.
    """

    def __init__(self, rules: Rules, settings: Settings, *, writer: Writer, metrics: Metrics) -> None:
        self.rules = rules
        self._limits = settings.limits
        self._edge = settings.edge
        self._writer = writer
        self._metrics = metrics

    def take(self, request: Request, tell: Tell, *, read_ns: int, refused: str = OK) -> None:
        """Judge a request and call `tell` once it may be answered: nothing is said before the store has it.

        Args:
            request: whole, or refused.
            tell: called once, perhaps before this returns.
            read_ns: how long the request took to arrive.
            refused: the code by which it is refused whatever it holds.
        """
        receipt = receive(request, self.rules) if refused == OK else refuse(request, refused, self.rules)
        judged = perf_counter_ns()

        def settled(stored: Submission) -> None:
            if stored.failure != OK:
                told = refusal(stored.failure, limits=self._limits)
            else:
                told = answer(receipt, stored.duplicates, limits=self._limits, edge=self._edge)
            self._told(receipt, told, tell, read_ns, judged)

        if not receipt.decisions or receipt.refusal == "overloaded":
            told = answer(receipt, (), limits=self._limits, edge=self._edge)
            self._told(receipt, told, tell, read_ns, judged)
        elif not self._writer.submit(receipt, settled):
            self._told(receipt, refusal("overloaded", limits=self._limits), tell, read_ns, judged)

    def _told(self, receipt: Receipt, told: Answer, tell: Tell, read_ns: int, judged: int) -> None:
        stages = (
            read_ns,
            receipt.inflate_ns,
            receipt.parse_ns,
            receipt.validate_ns,
            perf_counter_ns() - judged,
        )
        self._metrics.request(receipt.carrier, told.status, stages)
        tell(told, _server_timing(stages))


def _server_timing(stages_ns: tuple[int, int, int, int, int]) -> bytes:
    """Stage times in milliseconds (W3C Server Timing)."""
    read, inflate, parse, validate, store = stages_ns
    return b"read;dur=%.3f, decompress;dur=%.3f, parse;dur=%.3f, validate;dur=%.3f, store;dur=%.3f" % (
        read / 1e6,
        inflate / 1e6,
        parse / 1e6,
        validate / 1e6,
        store / 1e6,
    )
