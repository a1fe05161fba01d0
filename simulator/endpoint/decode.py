"""From the bytes of a body to a JSON document: bounded decompression, then strict parsing.

Strict means what a consumer further on may trip over is refused here, with its own code: several keys of one name,
text that is not UTF-8, NaN, nesting without end, bytes after the end. What a batch puts around its documents is not
held to the first of these (`simulator.endpoint.batch`).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from simulator.endpoint.message import Limits

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
#: Members in one body. Tools that pack blocks apart make one of each 64 KiB. One that holds nothing takes twenty bytes
#: and still as much work as a small ping.
_MOST_MEMBERS = 1000
#: Bytes that are fed to a member at a time, if it is not the first.
_STEP = 4096


class UndecodableError(Exception):
    """The body cannot be used. Its text is the short code; `detail` is a sentence for a person."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def inflate(body: bytes, headers: Mapping[bytes, bytes], limits: Limits) -> bytes:
    """The body without its compression.

    A body that starts like gzip is taken for gzip even if no header says so: the real pipeline does not forward
    Content-Encoding, so its decoder has to look (facts/FIREFOX.md section 3.2).

    Raises:
        UndecodableError: unknown encoding, broken or truncated gzip, or more than the limit comes out.
    """
    encoding = headers.get(b"content-encoding")
    if encoding is None or encoding == b"identity":
        if body[:2] != _GZIP_MAGIC:
            return body
    elif encoding.lower() not in (b"gzip", b"x-gzip"):
        raise UndecodableError("unsupported_encoding")
    return _gunzip(body, limits.inflated_bytes)


def _gunzip(body: bytes, limit: int) -> bytes:
    """Decompress all members of `body`, never holding more than `limit` bytes of output plus one."""
    member = zlib.decompressobj(_GZIP_WINDOW)
    part = _feed(member, body, 0, limit)
    if not member.eof:
        raise UndecodableError("bad_gzip", "the gzip data ends early")
    if not member.unused_data:  # as nearly always
        return part
    return part + _more_members(member.unused_data, len(part), limit)


def _more_members(body: bytes, size: int, limit: int) -> bytes:
    """Decompress what follows the first member, which came to `size` bytes.

    zlib copies what it is fed behind a member's end: fed all the rest each time, many members would cost its square.
    """
    parts: list[bytes] = []
    used = 0
    for _ in range(1, _MOST_MEMBERS):
        member = zlib.decompressobj(_GZIP_WINDOW)
        while not member.eof:
            if used == len(body):
                raise UndecodableError("bad_gzip", "the gzip data ends early")
            some = body[used : used + _STEP]
            parts.append(_feed(member, some, size, limit))
            size += len(parts[-1])
            used += len(some)
        used -= len(member.unused_data)
        if used == len(body):
            return b"".join(parts)
    raise UndecodableError("bad_gzip", f"more than {_MOST_MEMBERS} gzip members")


def _feed(member: zlib._Decompress, text: bytes, size: int, limit: int) -> bytes:
    """What comes out of a member's next bytes, after `size` bytes that came out before."""
    try:
        part = member.decompress(text, limit - size + 1)
    except zlib.error as error:
        raise UndecodableError("bad_gzip", str(error)) from error
    if size + len(part) > limit:
        raise UndecodableError("inflated_too_large", f"more than {limit} bytes after decompression")
    return part


def parse(text: bytes) -> Any:
    """The JSON document in `text`.

    orjson keeps the last of several equal keys without a word. Writing the document again and comparing costs a
    third of the parse and proves in nearly every case that no key was lost; only where the text differs from the
    rewritten one (white space, another spelling of a number or a character) does the slow, exact pass run.

    Raises:
        UndecodableError: with the code that says why.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _why(text, error) from None
    try:
        same = orjson.dumps(document) == text
    except orjson.JSONEncodeError:  # it reads nesting of 1024 levels, but writes only 254
        raise UndecodableError("too_deep") from None
    if not same:
        refuse_duplicate_keys(text)
    return document


def parse_together(texts: Sequence[bytes]) -> list[Any] | None:
    """What `parse` makes of each of several texts, at five sixths of the time; None where one needs a closer look.

    Each text must be one JSON value, as msgspec's Raw is: joined, they make one array.
    """
    text = b"[" + b",".join(texts) + b"]"
    try:
        documents: list[Any] = orjson.loads(text)
        same = orjson.dumps(documents) == text
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None
    return documents if same and len(documents) == len(texts) else None


def refuse_duplicate_keys(text: bytes) -> None:
    """Raise UndecodableError if an object in `text`, which must be JSON, has one key twice."""
    try:
        json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise UndecodableError("too_deep") from None
    except ValueError as error:  # a number of more digits than Python converts
        raise UndecodableError("bad_json", str(error)) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise UndecodableError("duplicate_key", f"the key {twice[:64]!r} occurs twice in one object")
    return found


def _why(text: bytes, error: orjson.JSONDecodeError) -> UndecodableError:
    if not text.strip():
        return UndecodableError("empty_body")
    try:
        text.decode()
    except UnicodeDecodeError as trouble:
        return UndecodableError("bad_utf8", f"byte {trouble.start} is not UTF-8")
    if "depth" in error.msg or "ecursion" in error.msg:
        return UndecodableError("too_deep")
    return UndecodableError("bad_json", f"{error.msg} (character {error.pos})")
