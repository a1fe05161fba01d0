"""The pure heart of the endpoint: a request in, a receipt out. No clock but the stage timer, no store, no socket.

Stages: refuse what needs no body, decompress, parse, route, validate. Comparing ids with those stored before is the
store's part, because only it knows what is really stored; `simulator.endpoint.answer` then turns both into HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter_ns

from simulator.endpoint.batch import Judgement, judge_batch
from simulator.endpoint.codes import OK
from simulator.endpoint.decode import UndecodableError, inflate, parse
from simulator.endpoint.graphql import receive_graphql
from simulator.endpoint.message import Decision, Limits, Receipt, Request, Validator
from simulator.endpoint.routing import UUID, Match, Routes, early_refusal, record_ids
from simulator.endpoint.sentry import receive_sentry

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
    match = rules.routes.match(request.path, request.query)
    refusal = early_refusal(request.method, request.path, request.query, request.headers, match, rules.limits)
    if refusal != OK:
        return refuse(request, refusal, rules)
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


def refuse(request: Request, code: str, rules: Rules, *, detail: str = "") -> Receipt:
    """The receipt of a request that is refused as a whole. Where it would have been a ping, the ledger gets it."""
    match = rules.routes.match(request.path, request.query)
    decisions: list[Decision] = []
    if request.method in ("POST", "PUT") and request.path.startswith(_PING_PATHS):
        ids = record_ids(match, request.path, request.headers, request.body)
        decisions = [Decision(one, code, rules.routes.named(match.route), b"") for one in ids]
    return Receipt(carrier=match.carrier, decisions=decisions, refusal=code, detail=detail)


def _one_ping(request: Request, match: Match, text: bytes, rules: Rules) -> Receipt:
    started = perf_counter_ns()
    code, detail, document = OK, "", None
    if not UUID.fullmatch(match.id):
        code = "bad_document_id"
    elif match.route not in rules.routes.known:
        code = "unknown_route"
    else:
        try:
            document = parse(text)
        except UndecodableError as trouble:
            code, detail = trouble.code, trouble.detail
    parsed = perf_counter_ns()
    if code == OK and not rules.schemas.is_valid(match.route, document):
        code = rules.schemas.code(match.route, document)
    validated = perf_counter_ns()
    key = match.id.lower() if code != "bad_document_id" else ""
    ids = [key] if key else record_ids(match, request.path, request.headers, text)
    return Receipt(
        carrier=match.carrier,
        decisions=[Decision(ids[0], code, rules.routes.named(match.route), text)],
        detail=detail,
        parse_ns=parsed - started,
        validate_ns=validated - parsed,
    )


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


_BY_CARRIER: Mapping[str, Callable[[Request, Match, bytes, Rules], Receipt]] = {
    "structured": _one_ping,
    "telemetry": _one_ping,
    "glean": _one_ping,
    "batch": _batch,
    "graphql": _graphql,
    "sentry": _sentry,
}
