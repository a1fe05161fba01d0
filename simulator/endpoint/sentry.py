"""Error reports to Sentry: a bare event (`/store/`), or an envelope of items (`/envelope/`); facts/OTHERS.md A11."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter_ns
from typing import Any

import msgspec

from simulator.endpoint.codes import OK
from simulator.endpoint.decode import UndecodableError, parse
from simulator.endpoint.documents import why
from simulator.endpoint.message import Decision, Receipt, Request, Validator
from simulator.endpoint.routing import EVENT_ID, Match, Routes, derived_id, given_ids

_PACKED_BYTES = 200_000
_EVENT_BYTES = 1_000_000
_MOST_ITEMS = 100


class _Event(msgspec.Struct):
    """One event of a report.

    Args:
        text: as it came.
        code: what became of it so far.
        detail: a sentence for a person about the code.
        document: parsed, if it could be.
    """

    text: bytes
    code: str = OK
    detail: str = ""
    document: Any = None


def receive_sentry(
    request: Request, match: Match, text: bytes, routes: Routes, schemas: Validator
) -> Receipt:
    """Judge one report. Items of an envelope that are not events (sessions, statistics) are passed over."""
    packed = request.body[:2] == b"\x1f\x8b"
    if len(text) > _EVENT_BYTES or (packed and len(request.body) > _PACKED_BYTES):
        code = "inflated_too_large" if packed else "body_too_large"
        return _receipt(request, match, [_Event(text, code)], "", routes)
    started = perf_counter_ns()
    echo, events = "", [text]
    try:
        if request.path.endswith("/envelope/"):
            echo, events = _open(text)
    except UndecodableError as trouble:
        return _receipt(request, match, [_Event(text, trouble.code, trouble.detail)], "", routes)
    found = [_parse(event) for event in events]
    parsed = perf_counter_ns()
    for event in found:
        if event.code == OK:
            event.code, event.detail = _judge(match.route, event.document, routes, schemas)
    receipt = _receipt(request, match, found, echo, routes)
    receipt.parse_ns, receipt.validate_ns = parsed - started, perf_counter_ns() - parsed
    return receipt


def _receipt(request: Request, match: Match, events: Sequence[_Event], echo: str, routes: Routes) -> Receipt:
    given = given_ids(request.headers)
    decisions: list[Decision] = []
    for position, event in enumerate(events):
        own = _event_id(event.document)
        key = own or derived_id(request.path.encode(), event.text)
        if len(given) == len(events):
            key = given[position]
        echo = echo or own.replace("-", "")
        decisions.append(Decision(key, event.code, routes.named(match.route), event.text))
    detail = next((event.detail for event in events if event.code != OK), "")
    return Receipt(carrier="sentry", decisions=decisions, echo=echo, detail=detail)


def _parse(text: bytes) -> _Event:
    try:
        return _Event(text, document=parse(text))
    except UndecodableError as trouble:
        return _Event(text, trouble.code, trouble.detail)


def _judge(route: str, document: Any, routes: Routes, schemas: Validator) -> tuple[str, str]:
    """The code, and a sentence about it where there is more to say."""
    if route not in routes.known:
        return "unknown_route", ""
    return (OK, "") if schemas.is_valid(route, document) else why(route, document, schemas)


def _event_id(document: Any) -> str:
    """The event's id as a UUID; nothing where it has none."""
    text = document.get("event_id") if isinstance(document, dict) else None
    if not isinstance(text, str) or not EVENT_ID.fullmatch(text):
        return ""
    text = text.replace("-", "").lower()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _open(text: bytes) -> tuple[str, list[bytes]]:
    """The envelope's event id and the payloads of its events."""
    head, _, rest = text.partition(b"\n")
    header = parse(head)
    if not isinstance(header, dict):
        raise UndecodableError("wrong_shape", "an envelope starts with an object")
    events = [payload for kind, payload in _items(rest) if kind == "event"]
    return _event_id(header).replace("-", ""), events


def _items(rest: bytes) -> Iterator[tuple[Any, bytes]]:
    """Kind and payload of each item: a header line, then as many bytes as it says, or the rest of the line."""
    for _ in range(_MOST_ITEMS):
        rest = rest.lstrip(b"\n")
        if not rest:
            return
        head, _, rest = rest.partition(b"\n")
        header = parse(head)
        if not isinstance(header, dict):
            raise UndecodableError("wrong_shape", "an item starts with an object")
        length = header.get("length")
        if length is None:
            payload, _, rest = rest.partition(b"\n")
        elif type(length) is int and 0 <= length <= len(rest):
            payload, rest = rest[:length], rest[length:]
        else:
            raise UndecodableError("wrong_shape", "an item is shorter than it says")
        yield header.get("type"), payload
    raise UndecodableError("wrong_shape", f"more than {_MOST_ITEMS} items")
