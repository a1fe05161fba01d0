"""Every random number in telsim, each from a stream named by (seed, client, purpose).

A stream is a counter put through a mixing function (SplitMix64: Steele, Lea, Flood, "Fast splittable
pseudorandom number generators", OOPSLA 2014), so the n-th draw of a stream is a pure function of its name and n.
Streams cost nothing to create, can be drawn for a whole cohort in one NumPy call, and no stream can disturb
another: adding a client, a purpose or a worker changes nobody else's history.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]


def _constant(number: int) -> U64:
    """An array of one number: operations on small arrays take half as long with it as with a scalar."""
    return np.array(number, dtype=np.uint64)


_GOLDEN = _constant(0x9E3779B97F4A7C15)
_MIX_1 = _constant(0xBF58476D1CE4E5B9)
_MIX_2 = _constant(0x94D049BB133111EB)
_ONE, _TWO, _S30, _S27, _S31, _S11 = (_constant(n) for n in (1, 2, 30, 27, 31, 11))
_TO_UNIT = np.array(2.0**-53)

_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), dtype="<u2")
#: The groups of a UUID's digits, and the same with dashes between them, as numbers: faster to copy than text.
_DIGITS = np.dtype([("a", "u8"), ("b", "u4"), ("c", "u4"), ("d", "u4"), ("e", "u4"), ("f", "u8")])
_DASHED = np.dtype([
    ("a", "u8"), ("-1", "u1"), ("b", "u4"), ("-2", "u1"), ("c", "u4"), ("-3", "u1"), ("d", "u4"), ("-4", "u1"),
    ("e", "u4"), ("f", "u8"),
])  # fmt: skip

_DASHES = np.full(1, ord("-"), dtype=np.uint8).repeat(36).view(_DASHED)
#: What makes two words a UUID of version 4: bits of the first word, and of the second.
_FREE_OF_VERSION, _VERSION = _constant(~0xF000 % 2**64), _constant(0x4000)
_FREE_OF_VARIANT, _VARIANT = _constant(~(0xC0 << 56) % 2**64), _constant(0x80 << 56)
_UUID_SALT = _constant(0x5555_5555_5555_5555)

_FIRST_BLOCK = 32
#: Of numbers that come when the first block is used up: to draw some costs as much as to draw a hundred.
_NEXT_BLOCK = 128
_FIRST_UUIDS = 8
_LARGEST_BLOCK = 1024


def _mix(x: U64) -> U64:
    mixed = x >> _S30
    mixed ^= x
    mixed *= _MIX_1
    x = mixed >> _S27
    x ^= mixed
    x *= _MIX_2
    mixed = x >> _S31
    mixed ^= x
    return mixed


def purpose_key(seed: int, purpose: str) -> int:
    """A 64-bit key for one purpose under one seed. Purposes are names, so their order never matters."""
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def client_keys(seed: int, purpose: str, clients: Sequence[int] | npt.NDArray[np.int64]) -> U64:
    """The stream keys of many clients for one purpose."""
    numbers = np.asarray(clients, dtype=np.uint64)
    return _mix((numbers + _ONE) * _GOLDEN ^ _constant(purpose_key(seed, purpose)))


def _words(keys: U64, counters: U64) -> U64:
    return _mix(keys + (counters + _ONE) * _GOLDEN)


def keys_within(keys: U64, numbers: U64) -> U64:
    """The keys of the streams that lie, by number, within other streams (shapes broadcast).

    For things that each need numbers of their own, however many: the files that somebody reads.
    """
    return _words(keys, numbers)


def uniforms(keys: U64, counters: U64) -> npt.NDArray[np.float64]:
    """Numbers in [0, 1) at the given positions of the given streams (shapes broadcast)."""
    units: npt.NDArray[np.float64] = (_words(keys, counters) >> _S11) * _TO_UNIT
    return units


def uuid_text(keys: U64, counters: U64) -> npt.NDArray[np.uint8]:
    """Version 4 UUIDs in lower-case text: one row of 36 ASCII bytes for each (key, counter)."""
    counters = counters * _TWO
    high = _words(keys, counters) & _FREE_OF_VERSION | _VERSION
    low = _words(keys, counters + _ONE) & _FREE_OF_VARIANT | _VARIANT
    words = np.empty((high.size, 2), dtype=">u8")
    words[:, 0] = high.ravel()
    words[:, 1] = low.ravel()
    octets = words.view(np.uint8)
    digits = np.take(_HEX, octets).view(_DIGITS).ravel()
    text = _DASHES.repeat(len(octets))
    for name in _DIGITS.names or ():
        text[name] = digits[name]
    return text.view(np.uint8).reshape(-1, 36)


def split_uuids(text: npt.NDArray[np.uint8]) -> list[str]:
    """The rows of `uuid_text` as Python strings."""
    lines = np.full((len(text), 37), ord("\n"), dtype=np.uint8)
    lines[:, :36] = text
    return lines.tobytes().decode("ascii").splitlines()  # half the cost of a slice for each


def client_ids(
    seed: int, purposes: Sequence[str], clients: Sequence[int] | npt.NDArray[np.int64]
) -> list[list[str]]:
    """One UUID for each purpose and client: those of all clients for the first purpose, then for the next."""
    keys = np.concatenate([client_keys(seed, purpose, clients) for purpose in purposes])
    ids = split_uuids(uuid_text(keys, np.zeros(1, dtype=np.uint64)))
    return [ids[n * len(clients) : (n + 1) * len(clients)] for n in range(len(purposes))]


def ranks(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0, 1, 2, … within each of consecutive groups of the given sizes: counters for many streams at once."""
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)


class Stream:
    """One client's random numbers for one purpose.

    `uniform()` gives the next number in [0, 1), `uuid()` the next version 4 UUID. Both are drawn in blocks that
    grow, so a client that does little costs little; the two sequences do not disturb each other.

    Args:
        key: from `client_keys`.
        first: the stream's first numbers where a whole cohort's were drawn at once.
        first_uuids: its first UUIDs, likewise.
    """

    __slots__ = ("uniform", "uuid")

    def __init__(self, key: int, first: Sequence[float] = (), first_uuids: Sequence[str] = ()) -> None:
        self.uniform: Callable[[], float] = chain.from_iterable(_uniform_blocks(key, first)).__next__
        self.uuid: Callable[[], str] = chain.from_iterable(_uuid_blocks(key, first_uuids)).__next__


def _uniform_blocks(key: int, first: Sequence[float]) -> Iterator[Sequence[float]]:
    yield first
    position, size = len(first), _NEXT_BLOCK
    keys = np.array(key, dtype=np.uint64)
    while True:
        yield uniforms(keys, np.arange(position, position + size, dtype=np.uint64)).tolist()
        position += size
        size = min(size * 4, _LARGEST_BLOCK)


def _uuid_blocks(key: int, first: Sequence[str]) -> Iterator[Sequence[str]]:
    yield first
    position, size = len(first), _FIRST_UUIDS
    keys = np.array(key, dtype=np.uint64) ^ _UUID_SALT
    while True:
        yield split_uuids(uuid_text(keys, np.arange(position, position + size, dtype=np.uint64)))
        position += size
        size = min(size * 4, _LARGEST_BLOCK)


def stream(seed: int, client: int, purpose: str) -> Stream:
    """The stream of one client for one purpose."""
    return Stream(int(client_keys(seed, purpose, [client])[0]))


def cohort_streams(
    seed: int, purpose: str, clients: Sequence[int], *, width: int = _FIRST_BLOCK, uuids: int = 0
) -> list[Stream]:
    """The streams of many clients for one purpose, the beginning of each drawn in one go.

    Args:
        seed: the corpus's seed.
        purpose: what the numbers are for.
        clients: whose.
        width: how many numbers of each client to draw now; more come when they are asked for.
        uuids: how many UUIDs of each client to draw now.
    """
    keys = client_keys(seed, purpose, clients)
    first = uniforms(keys[:, None], np.arange(width, dtype=np.uint64)[None, :]).tolist()
    if not uuids:
        return [Stream(key, row) for key, row in zip(keys.tolist(), first, strict=True)]
    salted = keys[:, None] ^ _UUID_SALT
    texts = split_uuids(uuid_text(salted, np.arange(uuids, dtype=np.uint64)[None, :]))
    return [
        Stream(key, row, texts[i * uuids : (i + 1) * uuids])
        for i, (key, row) in enumerate(zip(keys.tolist(), first, strict=True))
    ]
