"""Fresh document ids for each repetition of a corpus: a vectorised change of eight hex digits.

The first group of a UUID (32 random bits in version 4) is XORed with a number that belongs to the repetition.
Version and variant stand elsewhere and stay; equal ids stay equal, so a duplicate remains one of its original;
two different ids of one repetition stay different; and one id never comes twice in 2^32 repetitions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

ID_LENGTH = 36
WORD = 8  # bytes that change

# Odd, so that round -> mask is one to one on 32 bits (Knuth's multiplicative hashing constant).
_STEP = 2_654_435_761
_NOT_HEX = 255


def round_mask(round_: int) -> int:
    """The 32 bits that repetition `round_` (from 0) changes ids by; 0 for the first, which sends them as they are."""
    return round_ * _STEP & 0xFFFFFFFF


class FreshIds:
    """The first eight digits of many ids, ready to be rewritten for any repetition.

    Args:
        ids: an array of dtype S36. Ids that do not begin with eight hex digits never change.
    """

    def __init__(self, ids: npt.NDArray[np.bytes_]) -> None:
        text = np.ascontiguousarray(ids).view(np.uint8).reshape(len(ids), ID_LENGTH)[:, :WORD]
        digits = _digit_values()[text]
        self._fixed: npt.NDArray[np.bool_] = (digits == _NOT_HEX).any(axis=1)
        self._original: U64 = np.ascontiguousarray(text).view("<u8").reshape(-1)
        value = np.zeros(len(ids), dtype=np.uint32)
        for column in range(WORD):
            value = (value << np.uint32(4)) | (digits[:, column] & np.uint8(15))
        self._value: U32 = value
        self._table = _four_digits()

    def words(self, round_: int, pings: npt.NDArray[np.int64] | slice) -> U64:
        """The eight digits of the given ids in repetition `round_`, each as one little-endian 64-bit word."""
        changed = self._value[pings] ^ np.uint32(round_mask(round_))
        high = self._table[changed >> np.uint32(16)]
        low = self._table[changed & np.uint32(0xFFFF)]
        words = high.astype(np.uint64) | (low.astype(np.uint64) << np.uint64(32))
        fixed = self._fixed[pings]
        return np.where(fixed, self._original[pings], words) if fixed.any() else words


def _digit_values() -> U8:
    values = np.full(256, _NOT_HEX, dtype=np.uint8)
    for value, (lower, upper) in enumerate(zip(b"0123456789abcdef", b"0123456789ABCDEF", strict=True)):
        values[[lower, upper]] = value
    return values


def _four_digits() -> U32:
    numbers = np.arange(1 << 16, dtype=np.uint32)
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8).astype(np.uint32)
    text = np.zeros(1 << 16, dtype=np.uint32)
    for place in range(4):
        text |= digits[(numbers >> np.uint32(12 - 4 * place)) & np.uint32(15)] << np.uint32(8 * place)
    return text
