"""A gzip file that is small on the wire and large in memory, made bit by bit so that every zlib agrees on it.

Deflate with fixed codes (RFC 1951 section 3.2.6): one literal, then copies of 258 bytes from distance 1, 13 bits
each. A compressor's output depends on its version; a corpus's digest must not.
"""

from __future__ import annotations

import zlib
from functools import cache

_COPY = 258
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


@cache
def gzip_of_zeros(size: int) -> bytes:
    """A gzip member that inflates to `size` characters `0`, rounded up to whole copies."""
    copies = -(-(size - 1) // _COPY)
    # Last block, fixed codes; the literal "0"; length 258 at distance 1, again and again; end of block.
    bits = "1" + "10" + f"{0x30 + ord('0'):08b}" + ("11000101" + "00000") * copies + "0000000"
    bits += "0" * (-len(bits) % 8)
    body = int(bits[::-1], 2).to_bytes(len(bits) // 8, "little")
    plain = b"0" * (1 + copies * _COPY)
    trailer = zlib.crc32(plain).to_bytes(4, "little") + len(plain).to_bytes(4, "little")
    return _HEADER + body + trailer
