"""Fresh document ids for each repetition of a corpus: a vectorised change of eight hex digits.

The first group of a UUID (32 random bits in version 4) is XORed with a number that belongs to the repetition.
Version and variant stand elsewhere and stay; equal ids stay equal, so a duplicate remains one of its original;
two different ids of one repetition stay different; and one id never comes twice in 2^32 repetitions.

Eight digits are one 64-bit word, read little-endian, and all eight are worked on at once.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]

ID_LENGTH = 36
WORD = 8  # bytes that change

# Odd, so that round -> mask is one to one on 32 bits (Knuth's multiplicative hashing constant).
_STEP = 2_654_435_761


def round_mask(round_: int) -> int:
    """The 32 bits that repetition `round_` (from 0) changes ids by; 0 for the first, which sends them as they are."""
    return round_ * _STEP & 0xFFFFFFFF


def first_words(ids: npt.NDArray[np.bytes_]) -> U64:
    """The first eight digits of each id, as a view of the ids (dtype S36)."""
    if not len(ids):
        return np.empty(0, dtype="<u8")
    return np.ndarray(shape=(len(ids),), dtype="<u8", buffer=ids, strides=(ids.itemsize,))


def fresh_words(words: U64, mask: int) -> U64:
    """The first eight digits of changed ids. What is not eight hex digits never changes.

    Args:
        words: the first eight digits as the corpus has them.
        mask: the 32 bits to change them by, not 0.
    """
    words = np.ascontiguousarray(words)
    letters = (words >> _u(6)) & _each(1)  # of the hex digits only letters have bit 6
    digits = (words & _each(0x0F)) + letters * _u(9)
    changed = _text(digits ^ _u(_digits_of(mask)))
    lower = words | (letters << _u(5))
    not_hex = (_text(digits) ^ lower) | (digits & _each(0xF0))
    return np.where(not_hex, words, changed) if not_hex.any() else changed


def _text(digits: U64) -> U64:
    """Hex digits in lower case from their values, one in each byte."""
    above_nine = ((digits + _each(6)) >> _u(4)) & _each(1)
    text: U64 = digits + _each(0x30) + above_nine * _u(ord("a") - ord("0") - 10)
    return text


def _digits_of(value: int) -> int:
    """The values of a number's eight hex digits, one in each byte, the highest in the first."""
    return int.from_bytes(bytes(int(digit, 16) for digit in f"{value:08x}"), "little")


def _each(byte: int) -> np.uint64:
    return np.uint64(byte * 0x0101010101010101)


def _u(value: int) -> np.uint64:
    return np.uint64(value)
