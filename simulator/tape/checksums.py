"""CRC-32 of bodies whose ids change, without looking at the bodies again.

CRC-32 is linear over GF(2): where eight digits of a text change, its checksum changes by the checksum of that
difference, moved on by as many bytes as stand behind it; and moving on by n bytes is a multiplication with x^(8n)
modulo the checksum's polynomial (as in zlib's `crc32_combine`). All ids of a stretch of the tape are done at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

_POLYNOMIAL = 0xEDB88320  # bit-reversed, as in RFC 1952: the highest bit is x^0
_ONE = 0x80000000
_X8 = _ONE >> 8
_STEP_PLACES = 1 << 14
_TABLE_BITS = 12


@dataclass(frozen=True, slots=True)
class Checksums:
    """The checksums of a tape's compressed requests.

    Args:
        factor: for each ping, what the difference of its digits is multiplied by; 0: it does not stand in the body.
        first: for each request, the CRC-32 of its body in the first repetition.
        packed: for each request, whether its body is compressed (and so ends in a checksum).
    """

    factor: U32
    first: U32
    packed: npt.NDArray[np.bool_]

    def renewed(self, requests: slice, pings: slice, firsts: I64, changes: U64) -> U32:
        """The checksums of some requests in a repetition.

        Args:
            requests: which.
            pings: those in the requests.
            firsts: for each request, its first ping, counted within `pings`.
            changes: for each ping, the old digits XOR the new ones.
        """
        moved = multiply(checksum_of(changes), self.factor[pings])
        changed: U32 = self.first[requests] ^ np.bitwise_xor.reduceat(moved, firsts)
        return changed


class Factors:
    """What a change of each ping's digits is multiplied by, found in steps.

    Args:
        pings: how many there are.
        ping: whose digits.
        behind: how many bytes of the body stand behind them.
    """

    def __init__(self, pings: int, ping: I64, behind: I64) -> None:
        self._ping, self._behind = ping, behind
        self.factor: U32 = np.zeros(pings, dtype=np.uint32)

    def steps(self) -> Iterator[None]:
        """Fills `factor`; yields after each step."""
        for start in range(0, len(self._ping), _STEP_PLACES):
            ping = self._ping[start : start + _STEP_PLACES]
            moves = moves_of(self._behind[start : start + _STEP_PLACES])
            np.bitwise_xor.at(self.factor, ping, moves)
            yield


def multiply(a: U32, b: U32) -> U32:
    """Products of polynomials modulo the checksum's."""
    product = _without_carries(a.astype(np.uint64), b.astype(np.uint64)) << np.uint64(1)
    halves = np.ascontiguousarray(product).view("<u4").reshape(-1, 2)
    # The lower half is what stands at x^32 and above: a checksum takes that back below x^32.
    pairs = np.ascontiguousarray(product).view("<u2").reshape(-1, 4)
    reduced: U32 = halves[:, 1] ^ _pair_table(2)[pairs[:, 0]] ^ _pair_table(3)[pairs[:, 1]]
    return reduced


def _without_carries(a: U64, b: U64) -> U64:
    """Products of polynomials over GF(2), not reduced.

    Whole multiplications do it where only every fourth bit of a factor is set: at most eight ones meet in one place,
    and their sum's carries stay below the next place that counts (T. Pornin's way in BearSSL's `ctmul`).
    """
    every_fourth = [np.uint64(0x1111111111111111 << place) for place in range(4)]
    a_parts, b_parts = [a & mask for mask in every_fourth], [b & mask for mask in every_fourth]
    total = np.zeros_like(a)
    for place, mask in enumerate(every_fourth):
        sums = a_parts[0] * b_parts[place]
        for part in range(1, 4):
            sums ^= a_parts[part] * b_parts[(place - part) % 4]
        total |= sums & mask
    return total


def moves_of(counts: I64) -> U32:
    """x^(8n) for each number of bytes n."""
    mask = (1 << _TABLE_BITS) - 1
    moves: U32 = _table(0)[counts & mask]
    rest, level = counts >> _TABLE_BITS, 1
    while rest.any():
        moves = multiply(moves, _table(level)[rest & mask])
        rest, level = rest >> _TABLE_BITS, level + 1
    return moves


def checksum_of(changes: U64) -> U32:
    """The CRC-32 of each eight bytes, without the inversions before and behind that make it not linear."""
    pairs = np.ascontiguousarray(changes).view("<u2").reshape(-1, 4)
    total: U32 = _pair_table(0)[pairs[:, 0]]
    for place in range(1, 4):
        total ^= _pair_table(place)[pairs[:, place]]
    return total


@cache
def _table(level: int) -> U32:
    """x^(8n) for n = 0, 1, 2 … times 4096 to the power of `level`."""
    step = np.array([_X8], dtype=np.uint32)
    for _ in range(_TABLE_BITS * level):
        step = multiply(step, step)
    table = np.array([_ONE], dtype=np.uint32)
    for _ in range(_TABLE_BITS):
        table = np.concatenate((table, multiply(table, np.broadcast_to(step, table.shape))))
        step = multiply(step, step)
    return table


@cache
def _pair_table(place: int) -> U32:
    """The checksum of two bytes at `place` (0 to 3) of four such pairs, the others being 0."""
    value: U32 = np.arange(1 << 16, dtype=np.uint32)
    for _ in range(2 * (4 - place)):
        value = _byte_table()[value & np.uint32(0xFF)] ^ (value >> np.uint32(8))
    return value


@cache
def _byte_table() -> U32:
    value: U32 = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        value = (value >> np.uint32(1)) ^ (np.uint32(_POLYNOMIAL) & -(value & np.uint32(1)))
    return value
