"""Standing pings: those that a client makes again and again, the same each time but for id and moment.

What happens thousands of times over is told as arrays, and no ping is a Python object of its own: its record is the
client's ready text with an id and a moment before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.corpus.lines import IndexBeginnings, rest_of_line
from simulator.corpus.rows import Kinds, Row
from simulator.randomness import ranks
from simulator.records import INDEX_DTYPE

Ints = npt.NDArray[np.int64]

#: What a happening makes: kind code and payload of each request.
Requests = tuple[tuple[int, str], ...]

_NOTHING = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Made:
    """Standing pings that were made, in the order in which they were told.

    Args:
        due_ms: when each is due, in milliseconds since the Unix epoch.
        ping: the number of each.
        after_rows: how many rows the cohort had made, since the last were taken, when each was told.
    """

    due_ms: Ints
    ping: Ints
    after_rows: Ints


class StandingPings:
    """The standing pings of one cohort: what they are, and how many have been told since they were last taken.

    Args:
        kinds: gives meaning to kind codes.
    """

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        #: Of these pings and of the rows that are written with them.
        self.beginnings = IndexBeginnings(kinds.texts)
        self.client: list[int] = []
        self.code: list[int] = []
        self.body: list[str] = []
        #: Everything in the record line of each that follows the moment.
        self.rest: list[bytes] = []
        self._index = np.zeros(0, dtype=INDEX_DTYPE)
        self._first: list[int] = []
        self._count: list[int] = []
        self._told: list[tuple[int, Ints, int, Ints, int]] = []
        self._happened = 0

    def __len__(self) -> int:
        """How many happenings have been told and not yet taken."""
        return self._happened

    def register(self, client: int, happenings: Sequence[Requests]) -> int:
        """Make known what each of a client's happenings makes.

        Args:
            client: whose.
            happenings: the requests of each. Their kinds cannot have the id in their path.

        Returns:
            The number of the first; the others follow it.
        """
        first = len(self._first)
        for requests in happenings:
            self._first.append(len(self.client))
            self._count.append(len(requests))
            for code, body in requests:
                self.client.append(client)
                self.code.append(code)
                self.body.append(body)
                self.rest.append(rest_of_line(client, self._kinds.texts[code], body))
        return first

    def tell(self, from_ms: int, moments_ms: Ints, first: int, happenings: Ints, *, after_rows: int) -> None:
        """Things happened, one after the other.

        Args:
            from_ms: what the moments count from, in milliseconds since the Unix epoch.
            moments_ms: when each happened, in milliseconds after that, in order.
            first: the client's first happening, from `register`.
            happenings: which it was, counted from that one.
            after_rows: how many rows the cohort had made before.
        """
        self._told.append((from_ms, moments_ms, first, happenings, after_rows))
        self._happened += len(moments_ms)

    def take(self) -> Made:
        """The pings of everything that was told, which is then forgotten."""
        if not self._told:
            return Made(_NOTHING, _NOTHING, _NOTHING)
        from_ms, moments, first, happenings, after_rows = zip(*self._told, strict=True)
        self._told.clear()
        self._happened = 0
        sizes = np.fromiter(map(len, moments), np.int64, len(moments))

        def of_each(values: Sequence[int]) -> Ints:
            return np.repeat(np.array(values, dtype=np.int64), sizes)

        happening = of_each(first) + np.concatenate(happenings)
        made = np.array(self._count, dtype=np.int64).take(happening)
        ping = np.repeat(np.array(self._first, dtype=np.int64).take(happening), made) + ranks(made)
        due_ms = np.repeat(of_each(from_ms) + np.concatenate(moments), made)
        return Made(due_ms, ping, np.repeat(of_each(after_rows), made))

    def index(self) -> npt.NDArray[np.void]:
        """The index row of each, as far as it is the same each time."""
        known = len(self._index)
        if known < len(self.rest):
            client, code = (np.array(each[known:], dtype=np.int64) for each in (self.client, self.code))
            sizes = np.array([len(body) for body in self.body[known:]], dtype=np.int64)
            new = self.beginnings.of(client, code, sizes)
            self._index = np.concatenate((self._index, new))
        return self._index

    def rows_of(self, made: Made) -> list[Row]:
        """The same pings as rows."""
        return [
            (due_ms, self.client[ping], self.code[ping], self.body[ping], None)
            for due_ms, ping in zip(made.due_ms.tolist(), made.ping.tolist(), strict=True)
        ]
