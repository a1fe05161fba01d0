"""Subjects of every ping type, and what our endpoint answers to them, without a socket."""

from __future__ import annotations

from functools import cache
from typing import Any

from simulator.catalogue import Schemas, load_schemas, ping_types
from simulator.catalogue.ping_type import example
from simulator.corpus.rows import Kind
from simulator.endpoint.answer import answer
from simulator.endpoint.message import Limits, Receipt, Request
from simulator.endpoint.receive import Rules, receive, rules
from simulator.faults import Broken, Fault, Subject
from simulator.faults.injector import broken_kind
from simulator.faults.sites import dump
from simulator.records import DIALECTS, Dialect
from simulator.wire import (
    CARRIER_HEADERS,
    Address,
    glean,
    graphql,
    sentry_store,
    structured,
    telemetry,
)

DOCUMENT_ID = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
DUE_MS = 1_639_526_400_123

#: Every (ping type, dialect) that is sent.
SENT = [
    (ping, dialect) for ping, row in ping_types().items() for dialect in DIALECTS if dialect in row.routes
]

_OPERATIONS = {
    "sourcegraph_log_user_event": "logUserEvent",
    "sourcegraph_log_event": "logEvent",
    "sourcegraph_log_events": "logEvents",
}


def address_of(ping: str, dialect: Dialect) -> Address:
    row = ping_types()[ping]
    if row.carrier == "structured":
        return structured(row.routes[dialect])
    if row.carrier == "telemetry":
        doctype = row.routes[dialect].split("/")[1]
        return telemetry(doctype, version="95.0", channel="release", build_id="20211129150630")
    if row.carrier == "glean":
        return glean("events", application_id="firefox-desktop")
    return sentry_store() if row.carrier == "sentry" else graphql(_OPERATIONS[ping])


@cache
def schemas_of(dialect: Dialect) -> Schemas:
    """The schemas of a dialect, compiled once for all tests."""
    return load_schemas(dialect)


def subject(ping: str, dialect: Dialect, **changes: Any) -> Subject:
    document = example(ping, dialect)
    row = ping_types()[ping]
    given: dict[str, Any] = {
        "id": DOCUMENT_ID,
        "ping": ping,
        "carrier": row.carrier,
        "route": row.routes[dialect],
        "address": address_of(ping, dialect),
        "text": dump(document),
        "document": document,
        "schemas": schemas_of(dialect),
        "due_ms": DUE_MS,
        "previous_ms": DUE_MS - 60_000,
        "start_ms": DUE_MS - 3_600_000,
    }
    return Subject(**(given | changes))


@cache
def endpoint_rules(dialect: Dialect) -> Rules:
    return rules(schemas_of(dialect), Limits())


def request_of(subject: Subject, broken: Broken) -> Request:
    """The request as a server reads it: as many bytes as Content-Length says."""
    address = broken.address or subject.address
    body = broken.data if broken.data is not None else (broken.text or subject.text).encode()
    headers = {"Content-Length": str(len(body)), **CARRIER_HEADERS[subject.carrier], **broken.headers}
    read = body[: int(headers["Content-Length"])]
    path, _, query = address.path(subject.id).partition("?")
    lowered = {name.lower().encode(): value.encode() for name, value in headers.items()}
    return Request(address.method, path, query, lowered, read)


def answered(subject: Subject, broken: Broken, rules_: Rules) -> tuple[Receipt, int]:
    receipt = receive(request_of(subject, broken), rules_)
    return receipt, answer(receipt, (), limits=rules_.limits, edge=False).status


def code_of(receipt: Receipt) -> str:
    return receipt.refusal if receipt.refusal != "ok" else receipt.decisions[0].code


def kind_of(subject: Subject, name: str, fault: Fault, broken: Broken) -> Kind:
    kind = Kind(subject.ping, "firefox", subject.route, subject.address)
    return broken_kind(kind, name, fault, broken)
