"""Sourcegraph's telemetry mutations: logEvent, logUserEvent, logEvents (facts/OTHERS.md sections A1 to A8).

The schema of the route judges the whole body; what a JSON Schema cannot say is judged here: that the document is
well formed as far as its brackets go, and that `argument` and `publicArgument` hold JSON text. A batch of events is
taken whole or not at all, as the real resolver does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from time import perf_counter_ns
from typing import Any

import orjson

from simulator.endpoint.codes import OK
from simulator.endpoint.decode import UndecodableError, parse
from simulator.endpoint.documents import why
from simulator.endpoint.message import Decision, Receipt, Request, Validator
from simulator.endpoint.routing import Match, Routes, record_ids

_ROUTE_OF_FIELD = {
    "logEvent": "sourcegraph/log-event/1",
    "logUserEvent": "sourcegraph/log-user-event/1",
    "logEvents": "sourcegraph/log-events/1",
}
_FIELD = re.compile(r"[{\s](logUserEvent|logEvents|logEvent)\s*\(")
#: A string matches even if it has no end, and then one of the two groups does: trying each quote of such a document
#: as a beginning would cost the square of its length.
_STRING_OR_COMMENT = re.compile(
    r'"""(?:\\"""|[\s\S])*?(?:"""|(\Z))'
    r'|"(?:\\.|[^"\\\n])*(?:"|())'
    r"|#[^\n]*"
)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_JSON_TEXTS = ("argument", "publicArgument")


def receive_graphql(
    request: Request, match: Match, text: bytes, routes: Routes, schemas: Validator
) -> Receipt:
    """Judge one GraphQL request."""
    started = perf_counter_ns()
    try:
        document = parse(text)
    except UndecodableError as trouble:
        # The real server answers 500 to what it cannot decode. Here nothing malformed is answered with 5xx.
        return _receipt(request, match, text, "", trouble.code, detail=trouble.detail)
    field = _field(document, request.query)
    route = routes.named(_ROUTE_OF_FIELD.get(field, ""))
    parsed = perf_counter_ns()
    code, detail = _judge(document, route, schemas)
    validated = perf_counter_ns()
    events = _events(document)
    receipt = _receipt(request, match, text, route, code, events=events, field=field, detail=detail)
    receipt.parse_ns, receipt.validate_ns = parsed - started, validated - parsed
    return receipt


def _receipt(
    request: Request,
    match: Match,
    text: bytes,
    route: str,
    code: str,
    *,
    events: Sequence[Any] = (),
    field: str = "",
    detail: str = "",
) -> Receipt:
    """One decision for the request; or one an event, where the client gave each of them a record id."""
    ids = record_ids(match, request.path, request.headers, text)
    if len(ids) > 1 and len(ids) == len(events):
        decisions = [
            Decision(key, code, route, orjson.dumps(event)) for key, event in zip(ids, events, strict=True)
        ]
    else:
        decisions = [Decision(ids[0], code, route, text)]
    return Receipt(carrier="graphql", decisions=decisions, echo=field, detail=detail)


def _field(document: Any, query: str) -> str:
    """The mutation asked for. A body without a GraphQL document (documented dialect) is named by its query string."""
    text = document.get("query") if isinstance(document, dict) else None
    if isinstance(text, str):
        return _field_of(text) if len(text) <= 10_000 else ""
    return {"logevent": "logEvent", "loguserevent": "logUserEvent", "logevents": "logEvents"}.get(
        query.partition("&")[0].lower(), ""
    )


@lru_cache(maxsize=64)
def _field_of(text: str) -> str:
    """The field of a GraphQL document, or nothing where it is malformed. Clients send the same few again and again."""
    if any(found.lastindex for found in _STRING_OR_COMMENT.finditer(text)):
        return ""
    bare = _STRING_OR_COMMENT.sub("", text)
    opened: list[str] = []
    for character in bare:
        if character in "([{":
            opened.append(character)
        elif character in _PAIRS and (not opened or opened.pop() != _PAIRS[character]):
            return ""
    found = _FIELD.search(bare)
    return found[1] if found and not opened and bare.lstrip().startswith("mutation") else ""


def _judge(document: Any, route: str, schemas: Validator) -> tuple[str, str]:
    """The code, and a sentence about it where there is more to say."""
    if not route:
        return "bad_graphql", ""
    if not schemas.is_valid(route, document):
        return why(route, document, schemas)
    return OK if all(_is_json(text) for text in _json_texts(document)) else "bad_graphql", ""


def _events(document: Any) -> Sequence[Any]:
    if not isinstance(document, dict):
        return ()
    holder = document.get("variables", document)
    events = holder.get("events") if isinstance(holder, dict) else None
    return events if isinstance(events, list) else (holder,)


def _json_texts(document: Any) -> Iterator[Any]:
    if "query" not in document:  # the documented dialect prints arguments as they come
        return
    for event in _events(document):
        for name in _JSON_TEXTS:
            if event.get(name) is not None:
                yield event[name]


def _is_json(text: Any) -> bool:
    try:
        orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError):
        return False
    return True
