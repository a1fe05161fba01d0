"""The pure heart of the endpoint: a request in, a receipt out. No clock but the stage timer, no store, no socket.

Stages: refuse what needs no body, decompress, parse, route, validate. Comparing ids with those stored before is the
store's part, because only it knows what is really stored; `simulator.endpoint.answer` then turns both into HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

import msgspec

from simulator.endpoint.batch import Judgement, judge_batch
from simulator.endpoint.codes import OK
from simulator.endpoint.decode import UndecodableError, inflate, parse
from simulator.endpoint.documents import judge_documents
from simulator.endpoint.graphql import receive_graphql
from simulator.endpoint.message import Decision, Limits, Receipt, Request, Validator
from simulator.endpoint.routing import UUID, Match, Routes, early_refusal, record_ids
from simulator.endpoint.sentry import receive_sentry

#: Bytes of pings, decompressed, that are worth judging together.
_TOGETHER_BYTES = 128 * 1024
_PING_PATHS = ("/submit/", "/api/", "/.api/")


@dataclass(frozen=True, slots=True)
class Rules:
    """By what requests are judged.

    Args:
        schemas: validates documents.
        routes: which of them have a schema.
        limits: what is taken at most.
    """

    schemas: Validator
    routes: Routes
    limits: Limits


def rules(schemas: Validator, limits: Limits | None = None) -> Rules:
    """Rules for a set of schemas, with the real edge's limits unless others are given."""
    return Rules(schemas, Routes(schemas.routes), limits or Limits())


def refusal_of_head(request: Request, rules: Rules) -> str:
    """The code by which a request is refused on its head alone; `ok` if its body is wanted."""
    match = rules.routes.match(request.path, request.query)
    return early_refusal(request.method, request.path, request.query, request.headers, match, rules.limits)


def receive(request: Request, rules: Rules) -> Receipt:
    """Judge one request. Never raises for anything a client can send.

    Args:
        request: the whole request; its body may be left out where `refusal_of_head` refuses it.
        rules: schemas and limits.
    """
    return receive_all([request], rules)[0]


def receive_all(requests: Sequence[Request], rules: Rules) -> list[Receipt]:
    """What `receive` makes of each of several requests. Those of one ping go through each stage together.

    Their stage times are an equal share of what all took.
    """
    receipts: list[Receipt | None] = [None] * len(requests)
    lone: list[_Lone] = []
    limits, matches = rules.limits, rules.routes.match
    for place, request in enumerate(requests):
        match = matches(request.path, request.query)
        refusal = early_refusal(request.method, request.path, request.query, request.headers, match, limits)
        if refusal != OK:
            receipts[place] = refuse(request, refusal, rules)
        elif match.carrier in _BY_CARRIER:
            receipts[place] = _many_pings(request, match, rules)
        else:
            lone.append(_Lone(place, request, match))
    if lone:
        _lone_pings(lone, rules, receipts)
    return receipts  # type: ignore[return-value]  # each place is taken by now


def refuse(request: Request, code: str, rules: Rules, *, detail: str = "") -> Receipt:
    """The receipt of a request that is refused as a whole. Where it would have been a ping, the ledger gets it."""
    match = rules.routes.match(request.path, request.query)
    decisions: list[Decision] = []
    if request.method in ("POST", "PUT") and request.path.startswith(_PING_PATHS):
        ids = record_ids(match, request.path, request.headers, request.body)
        decisions = [Decision(one, code, rules.routes.named(match.route), b"") for one in ids]
    return Receipt(carrier=match.carrier, decisions=decisions, refusal=code, detail=detail)


class _Lone(msgspec.Struct, eq=False):
    """A request of one ping on its way through the stages.

    Args:
        place: among the requests that are judged together.
        request: itself.
        match: where its path leads.
        text: its body, decompressed.
        detail: a sentence for a person about why it is rejected.
    """

    place: int
    request: Request
    match: Match
    text: bytes = b""
    detail: str = ""


def _lone_pings(lone: Sequence[_Lone], rules: Rules, receipts: list[Receipt | None]) -> None:
    """Judge requests of one ping each; put a receipt into the place of each.

    Parsed, a large body takes many times its size, so it is done with before the next one is looked at.
    """
    readable: list[_Lone] = []
    size, started = 0, perf_counter_ns()
    for one in lone:
        if not _inflated(one, rules, receipts):
            continue
        readable.append(one)
        size += len(one.text)
        if size >= _TOGETHER_BYTES:
            _judge_texts(readable, rules, receipts, started)
            readable, size, started = [], 0, perf_counter_ns()
    if readable:
        _judge_texts(readable, rules, receipts, started)


def _judge_texts(
    lone: Sequence[_Lone], rules: Rules, receipts: list[Receipt | None], started_ns: int
) -> None:
    """Judge pings that are decompressed, which began at `started_ns`."""
    inflated = perf_counter_ns()
    parsed = [_parsed(one, rules) for one in lone]
    decisions = [decision for decision, _ in parsed]
    between = perf_counter_ns()
    details = judge_documents(decisions, [document for _, document in parsed], rules.schemas)
    for position, detail in details.items():
        lone[position].detail = detail
    validated = perf_counter_ns()
    for one, decision in zip(lone, decisions, strict=True):
        receipts[one.place] = Receipt(
            carrier=one.match.carrier,
            decisions=[decision],
            detail=one.detail,
            size=len(one.text),
            inflate_ns=(inflated - started_ns) // len(lone),
            parse_ns=(between - inflated) // len(lone),
            validate_ns=(validated - between) // len(lone),
        )


def _inflated(one: _Lone, rules: Rules, receipts: list[Receipt | None]) -> bool:
    """Decompress a ping; False where it cannot be, and is refused."""
    try:
        one.text = inflate(one.request.body, one.request.headers, rules.limits)
    except UndecodableError as trouble:
        receipts[one.place] = refuse(one.request, trouble.code, rules, detail=trouble.detail)
        return False
    return True


def _parsed(one: _Lone, rules: Rules) -> tuple[Decision, Any]:
    """The decision so far, and the document beside it."""
    match, text = one.match, one.text
    try:
        if not UUID.fullmatch(match.id):
            raise UndecodableError("bad_document_id")
        if match.route not in rules.routes.known:
            raise UndecodableError("unknown_route")
        return Decision(match.id.lower(), OK, match.route, text), parse(text)
    except UndecodableError as trouble:
        one.detail = trouble.detail
        key = record_ids(match, one.request.path, one.request.headers, text)[0]
        return Decision(key, trouble.code, rules.routes.named(match.route), text), None


def _many_pings(request: Request, match: Match, rules: Rules) -> Receipt:
    started = perf_counter_ns()
    try:
        text = inflate(request.body, request.headers, rules.limits)
    except UndecodableError as trouble:
        return refuse(request, trouble.code, rules, detail=trouble.detail)
    inflated = perf_counter_ns()
    receipt = _BY_CARRIER[match.carrier](request, match, text, rules)
    receipt.inflate_ns = inflated - started
    receipt.size = len(text)
    return receipt


def _batch(request: Request, match: Match, text: bytes, rules: Rules) -> Receipt:
    judgement = judge_batch(text, request.headers, rules.routes, rules.schemas, rules.limits)
    return _receipt(match, judgement)


def _receipt(match: Match, judgement: Judgement) -> Receipt:
    return Receipt(
        carrier=match.carrier,
        decisions=judgement.decisions,
        refusal=judgement.refusal,
        detail=judgement.detail,
        parse_ns=judgement.parse_ns,
        validate_ns=judgement.validate_ns,
    )


def _graphql(request: Request, match: Match, text: bytes, rules: Rules) -> Receipt:
    return receive_graphql(request, match, text, rules.routes, rules.schemas)


def _sentry(request: Request, match: Match, text: bytes, rules: Rules) -> Receipt:
    return receive_sentry(request, match, text, rules.routes, rules.schemas)


#: Carriers whose body decides how many pings it holds. On the others a request is a ping.
_BY_CARRIER: Mapping[str, Callable[[Request, Match, bytes, Rules], Receipt]] = {
    "batch": _batch,
    "graphql": _graphql,
    "sentry": _sentry,
}
