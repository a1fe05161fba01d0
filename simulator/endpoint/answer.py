"""From a receipt and the store's word to the HTTP answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from simulator.endpoint.codes import DUPLICATE, OK, TABLE, message_of, status_of
from simulator.endpoint.message import Answer, Decision, Limits, Receipt

_ACCEPTED = Answer(200, b"", b"text/plain")

#: Codes that the real edge answers with too; it takes everything else with 200 and lets the decoder sort it out.
_EDGE_CODES = frozenset(
    (
        "not_found",
        "method_not_allowed",
        "length_required",
        "body_timeout",
        "bad_chunks",
        "body_cut",
        "body_too_large",
        "path_too_long",
        "header_too_large",
        "overloaded",
        "too_many_connections",
        "disk_full",
        "store_error",
        "internal_error",
        "fault",
    )
)

#: Codes of ours that a GraphQL server finds only after decoding.
_GRAPHQL_CODES = frozenset(("bad_graphql", "unknown_route", "wrong_shape"))


def answer(receipt: Receipt, duplicates: Sequence[int], *, limits: Limits, edge: bool = False) -> Answer:
    """What a client is told.

    Args:
        receipt: the decisions, stored by now.
        duplicates: positions of the decisions whose ids were accepted before.
        limits: for the status of a path that is too long.
        edge: answer as the real edge does, which never validates.
    """
    if receipt.refusal != OK:
        return refusal(receipt.refusal, limits=limits, detail=receipt.detail, edge=edge)
    if receipt.carrier == "batch":
        return _batch(receipt.decisions, duplicates)
    if receipt.carrier == "graphql":
        return _graphql(receipt, limits)
    if receipt.carrier == "sentry":
        return _sentry(receipt, limits)
    code = receipt.decisions[0].code
    if code != OK:
        return refusal(code, limits=limits, detail=receipt.detail, edge=edge)
    if duplicates and not edge:
        return Answer(200, orjson.dumps({"code": DUPLICATE, "message": message_of(DUPLICATE)}))
    return _ACCEPTED


def refusal(code: str, *, limits: Limits, detail: str = "", edge: bool = False) -> Answer:
    """The answer to a request that is refused, or that we failed: its code, and a sentence about it."""
    if edge and code not in _EDGE_CODES:
        return _ACCEPTED
    status = limits.path_too_long if code == "path_too_long" else status_of(code)
    body = orjson.dumps({"code": code, "message": detail or message_of(code)})
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if status in (429, 503):
        headers = ((b"retry-after", b"1"),)
    elif code in ("body_too_large", "body_timeout", "bad_chunks", "body_cut", "internal_error"):
        headers = ((b"connection", b"close"),)  # nobody will read what is left of the body
    return Answer(status, body, headers=headers)


def _batch(decisions: Sequence[Decision], duplicates: Sequence[int]) -> Answer:
    results = [[index, one.code] for index, one in enumerate(decisions) if one.code != OK]
    rejected = len(results)
    if duplicates:
        results = sorted(results + [[index, DUPLICATE] for index in duplicates])
    told = {
        "accepted": len(decisions) - rejected - len(duplicates),
        "rejected": rejected,
        "duplicates": len(duplicates),
        "results": results,
    }
    status = 200 if not rejected else 207 if rejected < len(decisions) else 400
    return Answer(status, orjson.dumps(told))


def _graphql(receipt: Receipt, limits: Limits) -> Answer:
    """200 for everything that could be decoded (facts/OTHERS.md A1, A8): `data`, or `errors` and no data."""
    code = receipt.decisions[0].code
    if code == OK:
        return Answer(200, orjson.dumps({"data": {receipt.echo: None}}))
    if code not in _GRAPHQL_CODES and code in TABLE:
        return refusal(code, limits=limits, detail=receipt.detail)
    error = {"message": receipt.detail or message_of(code), "extensions": {"code": code}}
    return Answer(200, orjson.dumps({"errors": [error]}))


def _sentry(receipt: Receipt, limits: Limits) -> Answer:
    code = next((one.code for one in receipt.decisions if one.code != OK), OK)
    if code != OK:
        return refusal(code, limits=limits, detail=receipt.detail)
    return Answer(200, orjson.dumps({"id": receipt.echo} if receipt.echo else {}))
