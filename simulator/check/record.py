"""The record contract and the payload's schema, as findings on one record."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from simulator.catalogue import Schemas, UnknownRoute, ping_types
from simulator.errors import Finding
from simulator.faults import FAULTS
from simulator.records import EXPECTATIONS, VALID, Ping

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class RecordRules:
    """What every record must keep to.

    Args:
        schemas: for the payloads.
        own_schemas: whether they are ours, and so know every route.
    """

    def __init__(self, schemas: Schemas, *, own_schemas: bool) -> None:
        self._schemas = schemas
        self._own = own_schemas
        self._types = ping_types()
        self._routes = set(schemas.routes)

    def findings(self, ping: Ping, where: str) -> Iterator[Finding]:
        """Every problem of one record."""
        if not _UUID.fullmatch(ping.id):
            yield Finding(where, f"id {ping.id!r} is not a lower-case UUID")
        if ping.ping not in self._types:
            yield Finding(where, f"ping {ping.ping!r} is not in the catalogue")
        if ping.expect not in EXPECTATIONS or (ping.label == VALID and ping.expect != "accept"):
            yield Finding(where, f"label {ping.label!r} does not go with expect {ping.expect!r}")
        fault = FAULTS.get(ping.label)
        if fault is not None and ping.expect != fault.expect:
            yield Finding(
                where, f"label {ping.label!r} expects {fault.expect!r}, and the record says {ping.expect!r}"
            )
        if ping.due_ms <= 0 or ping.client < 0:
            yield Finding(where, f"due_ms {ping.due_ms} or client {ping.client} is out of range")
        if not ping.path.startswith("/") or ping.method not in {"POST", "PUT"}:
            yield Finding(where, f"{ping.method} {ping.path!r} is not a request that a client would send")
        if ping.label == VALID:
            yield from self._payload(ping, where)

    def _payload(self, ping: Ping, where: str) -> Iterator[Finding]:
        if ping.route not in self._routes:
            if self._own:
                yield Finding(where, f"route {ping.route!r} has no schema")
            return
        if ping.body_b64:
            return
        try:
            document = msgspec.json.decode(ping.body)
        except msgspec.DecodeError as error:
            yield Finding(where, f"body is not JSON: {error}")
            return
        try:
            problems = self._schemas.check(ping.route, document)
        except UnknownRoute:
            return
        for problem in problems:
            yield Finding(where, f"{ping.ping} {problem.path}: {problem.message}", problem.code)
