"""The plain batch route: many pings in one request, each decided for itself.

A body is a JSON array or one JSON object a line. An item is `{"id", "route", "body"}`, or has a `path` in their
stead; `body_b64` carries bytes that are not JSON. A line of a corpus is such an item.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from time import perf_counter_ns
from typing import Any

import msgspec
import orjson

from simulator.endpoint.codes import OK
from simulator.endpoint.decode import UndecodableError, inflate, parse
from simulator.endpoint.message import Decision, Limits, Validator
from simulator.endpoint.routing import UUID, Routes, derived_id

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
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])

#: id, route, payload, and the parsed document or (as `UndecodableError`) why there is none
_Parsed = tuple[str, str, bytes, Any]


def judge_batch(
    text: bytes, headers: Mapping[bytes, bytes], routes: Routes, schemas: Validator, limits: Limits
) -> Judgement:
    """Judge every ping of a batch. One bad item rejects itself alone; only an unreadable array refuses the whole."""
    started = perf_counter_ns()
    try:
        items = _items(text, headers)
    except UndecodableError as trouble:
        return Judgement(refusal=trouble.code, detail=trouble.detail)
    if len(items) > limits.batch_items:
        return Judgement(
            refusal="body_too_large", detail=f"more than {limits.batch_items} pings in one batch"
        )
    found = _parse(items, routes, limits)
    parsed = perf_counter_ns()
    decisions = _decide(found, schemas)
    return Judgement(decisions=decisions, parse_ns=parsed - started, validate_ns=perf_counter_ns() - parsed)


def _parse(items: list[Item | bytes], routes: Routes, limits: Limits) -> list[_Parsed]:
    """Parse every item. The common case is written out here, because this loop is most of a batch's cost."""
    known, is_uuid, loads, dumps = routes.known, UUID.fullmatch, orjson.loads, orjson.dumps
    found: list[_Parsed] = []
    add = found.append
    for item in items:
        if item.__class__ is Item and not item.path and not item.body_b64:
            key, route, payload = item.id, item.route, bytes(item.body)
            if route in known and is_uuid(key):
                try:
                    document = loads(payload)
                    if dumps(document) == payload:
                        add((key.lower(), route, payload, document))
                        continue
                except (ValueError, TypeError):  # the careful way, next, says what it was
                    pass
        add(_parse_one(item, routes, limits))
    return found


def _decide(found: list[_Parsed], schemas: Validator) -> list[Decision]:
    is_valid = schemas.is_valid
    decisions: list[Decision] = []
    for key, route, payload, document in found:
        if document.__class__ is UndecodableError:
            code = document.code
        else:
            code = OK if is_valid(route, document) else schemas.code(route, document)
        decisions.append(Decision(key, code, route, payload))
    return decisions


def _items(text: bytes, headers: Mapping[bytes, bytes]) -> list[Item | bytes]:
    """The items of a body; bytes where an item is not one."""
    stripped = text.strip()
    if not stripped:
        raise UndecodableError("empty_body")
    kind = headers.get(b"content-type", b"").lower()
    if b"ndjson" in kind or b"jsonl" in kind or stripped[:1] == b"{":
        return _lines(stripped)
    if stripped[:1] != b"[":
        raise UndecodableError("bad_json", "a batch is a JSON array, or one JSON object a line")
    try:
        try:
            return _ITEMS.decode(stripped)  # type: ignore[return-value]
        except msgspec.ValidationError:  # JSON perhaps, but not every element is an item: find out which
            return [_item(bytes(raw)) for raw in _RAWS.decode(stripped)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _why(stripped, error) from None


def _lines(text: bytes) -> list[Item | bytes]:
    """Items one a line. Joined with commas they make an array, which decodes in one go if every line is whole."""
    try:
        items = _ITEMS.decode(b"[" + text.replace(b"\n", b",") + b"]")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        items = []
    if len(items) == text.count(b"\n") + 1:
        return items  # type: ignore[return-value]
    return [_item(line) for line in text.split(b"\n") if line.strip()]


def _item(text: bytes) -> Item | bytes:
    try:
        return _ITEM.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return text


def _parse_one(item: Item | bytes, routes: Routes, limits: Limits) -> _Parsed:
    if isinstance(item, bytes):
        return derived_id(item), "", item, UndecodableError("bad_item")
    key, route = item.id, item.route
    # The path decides where both are given, because it is what a single request would have sent.
    if item.path and item.path != f"/submit/{route}/{key}":
        key, route = _from_path(item, routes)
    payload = bytes(item.body)
    trouble: UndecodableError | None = None
    try:
        if item.body_b64:
            payload = _unpack(item, limits)
        if not UUID.fullmatch(key):
            trouble = UndecodableError("bad_document_id")
        elif route not in routes.known:
            trouble = UndecodableError("unknown_route" if route else "bad_item")
        else:
            return key.lower(), route, payload, parse(payload)
    except UndecodableError as caught:
        trouble = caught
    known = item.id if UUID.fullmatch(item.id) else derived_id(item.path.encode(), payload)
    return known.lower(), routes.named(route), payload, trouble


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
