"""A committed group as two values of the store: its decisions as JSON, and their payloads one after another.

A row a ping would cost more than all the rest of storing; a row a group costs next to nothing. JSON, because SQL can
read it too (the view `pings` of the store's file): `[[id, code, route, bytes of its payload], ...]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from simulator.endpoint.message import Decision


class Head(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """A stored decision without its payload.

    Args:
        id: lower-case UUID.
        code: `ok`, or why the ping was rejected.
        route: `namespace/doctype/version`, or nothing.
        size: bytes of its payload; 0 where none is kept.
    """

    id: str
    code: str
    route: str
    size: int


_DECODER = msgspec.json.Decoder(list[Head])


def pack_heads(decisions: Sequence[Decision], *, payloads: bool) -> str:
    """The decisions of a group, with sizes only where payloads are kept."""
    heads = [(one.id, one.code, one.route, len(one.payload) if payloads else 0) for one in decisions]
    return msgspec.json.encode(heads).decode()


def pack_payloads(decisions: Sequence[Decision]) -> bytes:
    """The payloads of a group."""
    return b"".join([one.payload for one in decisions])


def unpack_heads(text: str) -> list[Head]:
    """The decisions of a group. Raises ValueError where the text is damaged."""
    return _DECODER.decode(text)


def unpack_payloads(heads: Sequence[Head], payloads: bytes) -> Iterator[bytes]:
    """The payload of each decision of a group."""
    end = 0
    for head in heads:
        start, end = end, end + head.size
        yield payloads[start:end]


def keys_of(ids: Sequence[str]) -> list[bytes]:
    """The sixteen bytes of each UUID; converting many at once costs a third of one at a time."""
    packed = bytes.fromhex("".join(ids).replace("-", ""))
    return [packed[start : start + 16] for start in range(0, len(packed), 16)]
