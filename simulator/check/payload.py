"""The documents inside a record's payload: its JSON, or the events of a Sentry envelope."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

import msgspec
import orjson

from simulator.check.address import is_envelope
from simulator.records import Ping


class UnreadableError(ValueError):
    """A payload that holds no document. The text says why."""


def documents(ping: Ping) -> list[Any]:
    """Every document of a record whose payload is in order.

    Raises:
        UnreadableError: the payload is not JSON, or not an envelope of it.
    """
    payload = _decoded(ping.body_b64) if ping.body_b64 else ping.body
    if ping.ping == "sentry_event" and is_envelope(ping):
        return list(_envelope(bytes(payload)))
    return [_json(payload, "body")]


def is_base64(text: str) -> bool:
    """Whether `body_b64` can be decoded."""
    try:
        _decoded(text)
    except UnreadableError:
        return False
    return True


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError(f"body_b64 is not base64: {error}") from error


def _json(data: bytes | msgspec.Raw, what: str) -> Any:
    """What an endpoint would read: as deep as it does, whichever interpreter is here."""
    try:
        return orjson.loads(bytes(data))
    except orjson.JSONDecodeError as error:
        raise UnreadableError(f"{what} is not JSON: {error}") from error


def _envelope(payload: bytes) -> Iterator[Any]:
    """The events of an envelope: a header line, then for each item its own header line and its payload.

    An item's payload is as long as its header says, or else ends with its line.
    """
    head, _, rest = payload.partition(b"\n")
    _object(head, "the envelope's header")
    found = 0
    while rest := rest.lstrip(b"\n"):
        head, _, rest = rest.partition(b"\n")
        header = _object(head, "an item's header")
        length = header.get("length", rest.find(b"\n") if b"\n" in rest else len(rest))
        if type(length) is not int or not 0 <= length <= len(rest):
            raise UnreadableError("an item of the envelope is shorter than it says")
        item, rest = rest[:length], rest[length:]
        if header.get("type") == "event":
            found += 1
            yield _json(item, "the envelope's event")
    if not found:
        raise UnreadableError("the envelope holds no event")


def _object(line: bytes, what: str) -> dict[str, Any]:
    document = _json(line, what)
    if not isinstance(document, dict):
        raise UnreadableError(f"{what} is not an object")
    return document
