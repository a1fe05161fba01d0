"""Rows and ledger entries that share an id, found by sorting hashes: no loop over pings, bounded extra memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.reconcile.ledger import Keys, Ledger

Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

_PARTITION_BITS = 5
_SMALL = 1 << 20


@dataclass(frozen=True, slots=True)
class Groups:
    """Outcome rows and ledger entries that share an id form a group.

    Args:
        of_row: the group of each outcome row.
        stored: copies in the ledger, per group.
        foreign: stored groups without an outcome row.
        met: groups with an outcome row and a ledger entry.
    """

    of_row: Integers
    stored: Integers
    foreign: int
    met: int

    def count(self, chosen: Mask) -> Integers:
        """How many of the chosen rows each group has."""
        return np.bincount(self.of_row[chosen], minlength=len(self.stored))

    def total(self, values: Integers) -> Integers:
        """The sum of a row value over each group."""
        return np.bincount(self.of_row, weights=values, minlength=len(self.stored)).astype(np.int64)


def group(rows: Keys, ledger: Ledger | None) -> Groups:
    """Groups outcome rows (by the keys of their ids) with the entries of a ledger."""
    keys = np.concatenate((rows, ledger.keys)) if ledger else rows
    numbers, groups = _number(keys)
    of_row = numbers[: len(rows)]
    if ledger is None:
        return Groups(of_row, np.zeros(groups, np.int64), foreign=0, met=0)
    weights = ledger.stored.astype(np.float64)
    stored = np.bincount(numbers[len(rows) :], weights=weights, minlength=groups).astype(np.int64)
    ours = np.bincount(of_row, minlength=groups) > 0
    listed = np.bincount(numbers[len(rows) :], minlength=groups) > 0
    return Groups(
        of_row,
        stored,
        foreign=int(np.count_nonzero((stored > 0) & ~ours)),
        met=int(np.count_nonzero(listed & ours)),
    )


def _number(keys: Keys) -> tuple[Integers, int]:
    """A number for each key, the same for equal keys, from 0 without gaps; and how many there are."""
    numbers = np.empty(len(keys), dtype=np.int64)
    groups = 0
    for places in _partitions(keys):
        part = keys[places]
        order = _order(part)
        first, second = part[order, 0], part[order, 1]
        starts = np.ones(len(order), dtype=bool)
        starts[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
        numbers[places[order]] = np.cumsum(starts) - 1 + groups
        groups += int(starts.sum())
    return numbers, groups


def _partitions(keys: Keys) -> Iterator[npt.NDArray[np.intp]]:
    """Places of keys, cut by the top bits of the hash, so that sorting needs memory for one cut only."""
    if len(keys) <= _SMALL:
        if len(keys):
            yield np.arange(len(keys))
        return
    cut = (keys[:, 0] >> np.uint64(64 - _PARTITION_BITS)).astype(np.uint8)
    for number in range(1 << _PARTITION_BITS):
        places = np.flatnonzero(cut == number)
        if len(places):
            yield places


def _order(keys: Keys) -> npt.NDArray[np.intp]:
    """An order in which equal keys stand together; the second half is only looked at where the first collides."""
    order = np.argsort(keys[:, 0])
    first, second = keys[order, 0], keys[order, 1]
    collided = (first[1:] == first[:-1]) & (second[1:] != second[:-1])
    return np.lexsort((keys[:, 1], keys[:, 0])) if collided.any() else order
