"""When finished pings leave: at once, at the browser's next start, or days later. Payloads keep their own times."""

from __future__ import annotations

from collections.abc import Callable

from simulator.clock import MS_PER_HOUR
from simulator.corpus.rows import Row
from simulator.distributions import Quantiles, exponential
from simulator.randomness import Stream
from simulator.scenario.browsing import Delivery

_AFTER_START_MS = 1_500


def more_days() -> Quantiles:
    """How much later than `later_after` a late ping leaves, in milliseconds. Assumption: 36 h on average."""
    return exponential(36 * MS_PER_HOUR)


class Submission:
    """One installation's way to the network.

    Args:
        mixture: the scenario's shares.
        later: from `more_days`, shared by all.
        send: takes the rows that leave.
        random: the client's stream for this alone, so that a delay changes nothing else.
    """

    __slots__ = ("_later", "_mixture", "_random", "_send", "_waiting")

    def __init__(
        self, mixture: Delivery, later: Quantiles, send: Callable[[Row], None], random: Stream
    ) -> None:
        self._mixture = mixture
        self._later = later
        self._send = send
        self._random = random
        self._waiting: list[Row] = []

    def send(self, row: Row) -> None:
        """Let a ping leave when the mixture says; rows that wait for a start that never comes are never sent."""
        mixture, u = self._mixture, self._random.uniform()
        if u < mixture.next_start:
            self._waiting.append(row)
        elif u < mixture.next_start + mixture.later:
            self._send(_later(row, row[0] + mixture.later_after + self._later(self._random.uniform())))
        else:
            self._send(row)

    def browser_started(self, now_ms: int) -> None:
        """The browser was started: what waited for that leaves now."""
        for row in self._waiting:
            self._send(_later(row, now_ms + _AFTER_START_MS))
        self._waiting.clear()


def _later(row: Row, due_ms: int) -> Row:
    _, client, code, body, document_id = row
    return due_ms, client, code, body, document_id
