"""When an installation's pings arrive: at once, at the browser's next start, or days later.

A ping that comes late keeps its document and its place in the client's order; only the time it is due moves.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.corpus.rows import Row
from simulator.randomness import Stream
from simulator.scenario.browsing import Delivery as Rates


class Delivery:
    """One installation's pings on their way.

    Args:
        rates: the scenario's shares.
        append: takes the rows that go now.
        random: the client's stream for this alone.
    """

    __slots__ = ("_append", "_at_next_start", "_random", "_rates")

    def __init__(self, rates: Rates, append: Callable[[Row], None], random: Stream) -> None:
        self._rates = rates
        self._append = append
        self._random = random
        self._at_next_start: list[Row] = []

    def send(self, row: Row) -> None:
        """A ping is finished: it goes now, is kept for the next start, or is due days later."""
        rates = self._rates
        u = self._random.uniform()
        if u < rates.next_start:
            self._at_next_start.append(row)
        elif u < rates.next_start + rates.later:
            self._append((row[0] + rates.later_after, *row[1:]))
        else:
            self._append(row)

    def browser_started(self, now_ms: int) -> None:
        """What was kept goes now."""
        for row in self._at_next_start:
            self._append((now_ms, *row[1:]))
        self._at_next_start.clear()
