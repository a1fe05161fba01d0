"""The plain batch route: many pings in one request, each decided for itself.

A body is a JSON array or one JSON object a line. An item is `{"id", "route", "body"}`, or has a `path` in their
stead; `body_b64` carries bytes that are not JSON. A line of a corpus is such an item.

Where an item has one of these keys twice, the last counts. Within a body several keys of one name are refused, as in
a single ping; around it nobody further on ever sees them, and to find them would cost a line of a corpus a third more.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from time import perf_counter_ns
from typing import Any

import msgspec

from simulator.endpoint.codes import OK
from simulator.endpoint.decode import UndecodableError, inflate, parse, parse_together
from simulator.endpoint.documents import judge_documents
from simulator.endpoint.message import Decision, Limits, Validator
from simulator.endpoint.routing import UUID, Routes, derived_id, uuids

_NO_HEADERS: dict[str, str] = {}
_NOTHING = msgspec.Raw(b"")


class Item(msgspec.Struct, gc=False):
    """One ping of a batch; other keys of a corpus record are passed over."""

    id: str = ""
    route: str = ""
    path: str = ""
    body: msgspec.Raw = _NOTHING
    body_b64: str = ""
    headers: dict[str, str] = _NO_HEADERS


class Judgement(msgspec.Struct, kw_only=True):
    """What came of a batch: decisions in the order of the items, or the code that refuses it as a whole."""

    decisions: list[Decision] = []
    refusal: str = OK
    detail: str = ""
    parse_ns: int = 0
    validate_ns: int = 0


_ITEMS = msgspec.json.Decoder(list[Item])
_ITEM = msgspec.json.Decoder(Item)
#: Pings that are parsed in one go, if all are of the usual kind. One that is not costs so many a second look.
_TOGETHER = 20
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])


def judge_batch(
    text: bytes, headers: Mapping[bytes, bytes], routes: Routes, schemas: Validator, limits: Limits
) -> Judgement:
    """Judge every ping of a batch. One bad item rejects itself alone; only an unreadable array refuses the whole."""
    started = perf_counter_ns()
    try:
        items = _items(text, headers, limits.batch_items)
    except UndecodableError as trouble:
        return Judgement(refusal=trouble.code, detail=trouble.detail)
    decisions, documents = _parse(items, routes, limits)
    parsed = perf_counter_ns()
    judge_documents(decisions, documents, schemas)
    return Judgement(decisions=decisions, parse_ns=parsed - started, validate_ns=perf_counter_ns() - parsed)


def _parse(items: list[Item | bytes], routes: Routes, limits: Limits) -> tuple[list[Decision], list[Any]]:
    """Decisions so far, and the documents beside them."""
    decisions: list[Decision] = []
    documents: list[Any] = []
    for start in range(0, len(items), _TOGETHER):
        some = items[start : start + _TOGETHER]
        judged = _parse_together(some, routes) or _parse_each(some, routes, limits)
        decisions += judged[0]
        documents += judged[1]
    return decisions, documents


def _parse_together(items: list[Item | bytes], routes: Routes) -> tuple[list[Decision], list[Any]] | None:
    """What `_parse_each` makes of items that are all of the usual kind; None where one is not."""
    known = routes.known
    usual: list[Item] = []
    for item in items:
        if isinstance(item, bytes) or item.body_b64 or item.route not in known:
            return None
        if item.path and item.path != f"/submit/{item.route}/{item.id}":
            return None
        usual.append(item)
    ids = uuids([item.id for item in usual])
    payloads = [bytes(item.body) for item in usual]
    documents = parse_together(payloads)
    if ids is None or documents is None:
        return None
    decisions = [
        Decision(key, OK, item.route, payload)
        for key, item, payload in zip(ids, usual, payloads, strict=True)
    ]
    return decisions, documents


def _parse_each(
    items: list[Item | bytes], routes: Routes, limits: Limits
) -> tuple[list[Decision], list[Any]]:
    pairs = [_parse_one(item, routes, limits) for item in items]
    return [decision for decision, _ in pairs], [document for _, document in pairs]


def _items(text: bytes, headers: Mapping[bytes, bytes], most: int) -> list[Item | bytes]:
    """The items of a body, `most` of them at most; bytes where an item is not one."""
    stripped = text.strip()
    if not stripped:
        raise UndecodableError("empty_body")
    kind = headers.get(b"content-type", b"").lower()
    if b"ndjson" in kind or b"jsonl" in kind or stripped[:1] == b"{":
        return _lines(stripped, most)
    if stripped[:1] != b"[":
        raise UndecodableError("bad_json", "a batch is a JSON array, or one JSON object a line")
    try:
        return _elements(stripped, most)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _why(stripped, error) from None


def _elements(text: bytes, most: int) -> list[Item | bytes]:
    """Items of an array."""
    try:
        items = _ITEMS.decode(text)
    except msgspec.ValidationError:  # JSON perhaps, but not every element is an item: find out which
        raws = _RAWS.decode(text)
        _refuse_too_many(raws, most)  # before each costs an exception
        return [_item(bytes(raw)) for raw in raws]
    _refuse_too_many(items, most)
    return items  # type: ignore[return-value]


def _lines(text: bytes, most: int) -> list[Item | bytes]:
    """Items one a line. A blank line is none, but counts as one."""
    lines = text.split(b"\n", most)
    _refuse_too_many(lines, most)
    try:
        return [_ITEM.decode(line) for line in lines]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return [_item(line) for line in lines if line.strip()]


def _refuse_too_many(found: Sequence[object], most: int) -> None:
    if len(found) > most:
        raise UndecodableError("body_too_large", f"more than {most} pings in one batch")


def _item(text: bytes) -> Item | bytes:
    try:
        return _ITEM.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return text


def _parse_one(item: Item | bytes, routes: Routes, limits: Limits) -> tuple[Decision, Any]:
    if isinstance(item, bytes):
        return Decision(derived_id(item), "bad_item", "", item), None
    key, route = item.id, item.route
    # The path decides where both are given, because it is what a single request would have sent.
    if item.path and item.path != f"/submit/{route}/{key}":
        key, route = _from_path(item, routes)
    payload = bytes(item.body)
    try:
        if item.body_b64:
            payload = _unpack(item, limits)
        if not UUID.fullmatch(key):
            raise UndecodableError("bad_document_id")
        if route not in routes.known:
            raise UndecodableError("unknown_route" if route else "bad_item")
        document = parse(payload)
    except UndecodableError as trouble:
        known = item.id if UUID.fullmatch(item.id) else derived_id(item.path.encode(), payload)
        return Decision(known.lower(), trouble.code, routes.named(route), payload), None
    return Decision(key.lower(), OK, route, payload), document


def _from_path(item: Item, routes: Routes) -> tuple[str, str]:
    path, _, query = item.path.partition("?")
    match = routes.match(path, query)
    if match.carrier == "none":
        return item.id, ""
    return match.id or item.id, match.route or item.route


def _unpack(item: Item, limits: Limits) -> bytes:
    try:
        packed = base64.b64decode(item.body_b64, validate=True)
    except (binascii.Error, ValueError):
        raise UndecodableError("bad_item", "body_b64 is not base64") from None
    headers = {name.lower().encode(): value.encode() for name, value in item.headers.items()}
    return inflate(packed, headers, limits)


def _why(text: bytes, error: Exception) -> UndecodableError:
    if isinstance(error, RecursionError):
        return UndecodableError("too_deep")
    try:
        text.decode()
    except UnicodeDecodeError as trouble:
        return UndecodableError("bad_utf8", f"byte {trouble.start} is not UTF-8")
    return UndecodableError("bad_json", str(error))
