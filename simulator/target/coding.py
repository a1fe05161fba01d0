"""Content codings of answers (RFC 9110, 8.4.1): a target may ask for gzip, and gateways compress unasked."""

from __future__ import annotations

import zlib

_ANY_HEADER = zlib.MAX_WBITS | 32  # gzip's or zlib's, whichever stands there
_NO_HEADER = -zlib.MAX_WBITS
_NONE = ("", "identity")
_GZIP = ("gzip", "x-gzip")


def decoded(body: bytes, codings: str, *, at_most: int) -> bytes | None:
    """An answer's body without its content codings.

    Args:
        body: as it came.
        codings: value of the Content-Encoding header, in the order in which the codings were applied.
        at_most: bytes that it may have; a small answer can be made to unpack to any size.

    Returns:
        None where it cannot be had: another coding than gzip and deflate, damaged, cut short or too large.
    """
    for coding in reversed([word.strip().lower() for word in codings.split(",")]):
        if coding in _NONE or not body:
            continue
        try:
            if coding in _GZIP:
                body = _inflated(body, _ANY_HEADER, at_most)
            elif coding == "deflate":
                # The standard means zlib's format, and some servers send the bare stream (RFC 9110, 8.4.1.2).
                bare = body[0] & 0x0F != zlib.DEFLATED or int.from_bytes(body[:2]) % 31 != 0
                body = _inflated(body, _NO_HEADER if bare else _ANY_HEADER, at_most)
            else:
                return None
        except (zlib.error, ValueError):
            return None
    return body


def _inflated(packed: bytes, window: int, at_most: int) -> bytes:
    """Unpacks all members of a body.

    Raises:
        zlib.error: it is damaged.
        ValueError: it is cut short, or larger than it may be.
    """
    parts: list[bytes] = []
    while packed:
        stream = zlib.decompressobj(window)
        parts.append(stream.decompress(packed, at_most + 1))
        at_most -= len(parts[-1])
        if at_most < 0 or not stream.eof:
            raise ValueError("cut short, or too large")
        packed = stream.unused_data
    return b"".join(parts)
