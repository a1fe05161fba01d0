"""Bodies compressed so that the ids in them can be replaced without compressing anything again.

Deflate (RFC 1951) may put bytes into a stream as they are, in a stored block. A body that is to be repeated has its
ids' changing digits in such blocks and everything between them compressed as usual, so they can be overwritten in
place; what else changes is the checksum in the trailer (see `checksums`).

No back-reference may reach into such digits, for it would copy the old ones. So the compressor is shown, in their
place, a byte that the body does not hold: it never finds a match there, and its distances stay right, because the
decoder has eight other bytes at the same places.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator, Sequence

from simulator.tape.fresh import WORD

#: Bytes compressed in a step: some ten milliseconds.
STEP_BYTES = 1 << 19
_STEP_IDS = 2_000

#: CRC-32 and length of the plain text (RFC 1952), at the end of a packed body.
TRAILER_BYTES = 8

# Level 6, as clients do, without a time stamp, so that the same tape has the same bytes.
_LEVEL = 6
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
_EMPTY_BLOCK = b"\x00\x00\xff\xff"
_BLOCK_OF_DIGITS = struct.pack("<HH", WORD, WORD ^ 0xFFFF)


def pack(plain: bytes, ids: Sequence[int] = ()) -> Generator[None, None, tuple[bytes, list[int]]]:
    """Compresses a body with gzip; yields between steps.

    Args:
        plain: the body.
        ids: places in it of digits that repetitions replace, ascending.

    Returns:
        The compressed body, and the places of the digits in it.
    """
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    absent = _absent_byte(plain) if ids else b""
    text = bytearray(_HEADER)
    places: list[int] = []
    position = 0
    for number, place in enumerate(ids, start=1):
        yield from _feed(deflate, plain, position, place, text)
        text += deflate.flush(zlib.Z_SYNC_FLUSH if absent else zlib.Z_FULL_FLUSH)
        _open_block(text)
        places.append(len(text))
        position = place + WORD
        text += plain[place:position]
        if absent:
            deflate.compress(absent * WORD)
            deflate.flush(zlib.Z_SYNC_FLUSH)
        if number % _STEP_IDS == 0:
            yield
    yield from _feed(deflate, plain, position, len(plain), text)
    text += deflate.flush()
    text += struct.pack("<II", zlib.crc32(plain), len(plain) & 0xFFFFFFFF)
    return bytes(text), places


def pack_now(plain: bytes) -> bytes:
    """A body compressed with gzip, in one go."""
    steps = pack(plain)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return bytes(end.value[0])


def unpack(packed: bytes) -> bytes:
    """A packed body's plain text."""
    return zlib.decompress(packed, wbits=zlib.MAX_WBITS | 16)


def _feed(deflate: zlib._Compress, plain: bytes, start: int, stop: int, text: bytearray) -> Generator[None]:
    while stop - start > STEP_BYTES:
        text += deflate.compress(plain[start : start + STEP_BYTES])
        start += STEP_BYTES
        yield
    text += deflate.compress(plain[start:stop])


def _open_block(text: bytearray) -> None:
    """Turns the empty stored block that a flush ends with into the head of one of eight bytes."""
    if text.endswith(_EMPTY_BLOCK):
        del text[-len(_EMPTY_BLOCK) :]
    else:  # there was nothing to flush, so the stream stands at the start of a byte
        text += b"\x00"
    text += _BLOCK_OF_DIGITS


def _absent_byte(plain: bytes) -> bytes:
    """A byte that the text does not hold; empty where it holds all of them."""
    for value in range(255, -1, -1):  # UTF-8 has no 255, so the first look finds it in JSON
        byte = bytes((value,))
        if byte not in plain:
            return byte
    return b""
