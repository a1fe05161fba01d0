"""The rows of one worker's shard in the order in which they are due, found in steps that do not grow with the corpus.

Sorting tens of millions of rows at once takes seconds in which nothing else runs in the process. Here they are sorted
sixteen bits of their due time after sixteen, least significant first, each pass chunk by chunk: every step costs the
same whatever the corpus looks like (one part or thousands, a quiet day or one burst), and equal times stay in the
order of the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from simulator.corpus import Corpus
from simulator.randomness import ranks

I64 = npt.NDArray[np.int64]

#: Rows a step: some milliseconds.
STEP_ROWS = 1 << 16

_DIGIT_BITS = 16
_DIGITS = 1 << _DIGIT_BITS


class DueOrder:
    """One worker's rows of a corpus, by due time. `steps` finds them, `rows` hands them out.

    Args:
        corpus: whose rows.
        worker: number of the worker, from 0.
        workers: how many share the corpus; each takes the clients whose number leaves its rest.
    """

    def __init__(self, corpus: Corpus, *, worker: int = 0, workers: int = 1) -> None:
        self._corpus, self._worker, self._workers = corpus, worker, workers
        size = sum(len(part.index) for part in corpus.parts)
        # As long as the corpus, but memory is only taken where something is written.
        self._rows: I64 = np.empty(size, dtype=np.int64)
        self._due: I64 = np.empty(size, dtype=np.int64)
        self._order: I64 | None = None
        self._sorted = True
        self._lowest = self._highest = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def rows(self, start: int, stop: int) -> I64:
        """The rows of the corpus that come at places `start` to `stop - 1`."""
        if self._order is None:
            return self._rows[start : min(stop, self._size)]
        return self._rows[self._order[start:stop]]

    def steps(self) -> Iterator[None]:
        """Finds the order; yields after each step."""
        yield from self._gather()
        if not self._sorted:
            for shift in range(0, (self._highest - self._lowest).bit_length(), _DIGIT_BITS):
                yield from self._pass(shift)
        self._due = np.empty(0, dtype=np.int64)

    def _gather(self) -> Iterator[None]:
        for part in self._corpus.parts:
            for start in range(0, len(part.index), STEP_ROWS):
                index = part.index[start : start + STEP_ROWS]
                chosen = np.flatnonzero(index["client"] % self._workers == self._worker)
                due = index["due_ms"][chosen]
                if len(chosen):
                    self._add(chosen + (part.first_row + start), due)
                yield
        self._rows, self._due = self._rows[: self._size], self._due[: self._size]

    def _add(self, rows: I64, due: I64) -> None:
        lowest, highest = int(due.min()), int(due.max())
        if self._size:
            self._sorted &= int(self._due[self._size - 1]) <= int(due[0])
            lowest, highest = min(lowest, self._lowest), max(highest, self._highest)
        self._sorted &= bool((due[1:] >= due[:-1]).all())
        self._lowest, self._highest = lowest, highest
        stop = self._size + len(rows)
        self._rows[self._size : stop] = rows
        self._due[self._size : stop] = due
        self._size = stop

    def _pass(self, shift: int) -> Iterator[None]:
        """Orders the rows by one digit of their due time; rows with the same digit stay as they are."""
        counts = np.zeros(_DIGITS, dtype=np.int64)
        order = np.empty(self._size, dtype=np.int64)
        for start in range(0, self._size, STEP_ROWS):
            digits = self._digits(slice(start, start + STEP_ROWS), shift)
            counts += np.bincount(digits, minlength=_DIGITS)
            # Written once in order: rows are dealt all over the array, and the system would have to find memory for
            # the whole of it within one step.
            order[start : start + STEP_ROWS] = 0
            yield
        free = np.cumsum(counts) - counts
        for start in range(0, self._size, STEP_ROWS):
            self._deal(self._members(start), shift, free, order)
            yield
        self._order = order

    def _members(self, start: int) -> I64:
        if self._order is None:
            return np.arange(start, min(start + STEP_ROWS, self._size), dtype=np.int64)
        return self._order[start : start + STEP_ROWS]

    def _deal(self, members: I64, shift: int, free: I64, order: I64) -> None:
        """Puts some rows into the next free places of their digits."""
        digits = self._digits(members, shift)
        by_digit = np.argsort(digits, kind="stable")
        digits = digits[by_digit]
        firsts = np.flatnonzero(np.concatenate(([True], digits[1:] != digits[:-1])))
        lengths = np.diff(firsts, append=len(digits))
        order[free[digits] + ranks(lengths)] = members[by_digit]
        free[digits[firsts]] += lengths

    def _digits(self, places: I64 | slice, shift: int) -> npt.NDArray[np.uint16]:
        # In sixteen bits NumPy sorts by counting, some ten times as fast as otherwise.
        return ((self._due[places] - self._lowest) >> shift).astype(np.uint16)
