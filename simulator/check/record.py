"""The record contract and the payload's schema, as findings on one record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from simulator.catalogue import PingType, Schemas, UnknownRoute, ping_types
from simulator.check.address import names_its_document
from simulator.check.content import content_problems
from simulator.check.payload import UnreadableError, documents, is_base64
from simulator.errors import Finding
from simulator.faults import FAULTS
from simulator.records import DIALECTS, EXPECTATIONS, VALID, Ping

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
#: Products whose pings are those of another one in all but the application: the mobile browser sends Glean's.
_ALSO_SENT_BY = {"glean": ("fenix",)}
#: Beside the faults: what `simulator.ping` gives to a payload that other values have broken.
_LABELS = (VALID, "overridden", *FAULTS)
#: What can be seen in a payload by itself. A key that is there twice is lost when it is read.
_SEEN_IN_PAYLOADS = frozenset(
    name for name, fault in FAULTS.items() if fault.lies in {"document", "body"} and name != "duplicate_keys"
)


class RecordRules:
    """What every record must keep to.

    Args:
        schemas: for the payloads.
        own_schemas: whether they are ours, and so know every route.
    """

    def __init__(self, schemas: Schemas, *, own_schemas: bool) -> None:
        self._schemas = schemas
        self._own = own_schemas
        self._dialects = tuple(name for name in DIALECTS if not own_schemas or name == schemas.name)
        self._types = ping_types()
        self._routes = set(schemas.routes)
        self._kinds_in_order: set[tuple[str, ...]] = set()

    def findings(self, ping: Ping, where: str) -> Iterator[Finding]:
        """Every problem of one record."""
        # A corpus has few kinds and many records of each, so a kind that is in order is looked at once.
        kind = (ping.ping, ping.product, ping.route, ping.label, ping.expect, ping.method)
        if kind not in self._kinds_in_order:
            found = list(self._of_kind(ping, where))
            yield from found
            if not found:
                self._kinds_in_order.add(kind)
        if not _UUID.fullmatch(ping.id):
            yield Finding(where, f"id {ping.id!r} is not a lower-case UUID")
        if ping.due_ms <= 0 or ping.client < 0:
            yield Finding(where, f"due_ms {ping.due_ms} or client {ping.client} is out of range")
        if not ping.path.startswith("/"):
            yield Finding(where, f"path {ping.path!r} is not a request target")
        if ping.body_b64 and (ping.body or not is_base64(ping.body_b64)):
            what = "it stands beside body" if ping.body else "it is not base64"
            yield Finding(where, f"body_b64: {what}", "give body where the payload is JSON, else body_b64")
        elif ping.label == VALID or ping.expect != "reject":
            yield from self._in_order(ping, where)
        elif self._own and ping.label in _SEEN_IN_PAYLOADS:
            yield from self._broken(ping, where)

    def _of_kind(self, ping: Ping, where: str) -> Iterator[Finding]:
        """Problems that every record like this one has."""
        row = self._types.get(ping.ping)
        if row is None:
            yield Finding(where, f"ping {ping.ping!r} is not in the catalogue", _near(ping.ping, self._types))
        else:
            yield from self._combination(ping, row, where)
        fault = FAULTS.get(ping.label)
        if ping.label not in _LABELS:
            hint = _near(ping.label, _LABELS) or "a label is `valid` or the name of a fault"
            yield Finding(where, f"label {ping.label!r} is no fault's name", hint)
        if ping.expect not in EXPECTATIONS or (ping.label == VALID and ping.expect != "accept"):
            yield Finding(where, f"label {ping.label!r} does not go with expect {ping.expect!r}")
        if fault is not None and ping.expect != fault.expect:
            yield Finding(
                where, f"label {ping.label!r} expects {fault.expect!r}, and the record says {ping.expect!r}"
            )
        if ping.method not in {"POST", "PUT"}:
            yield Finding(where, f"method {ping.method!r} is not one that a client would send with")

    def _combination(self, ping: Ping, row: PingType, where: str) -> Iterator[Finding]:
        """What the catalogue says of the ping type."""
        products = (row.product, *_ALSO_SENT_BY.get(row.carrier, ()))
        if ping.product not in products:
            yield Finding(
                where, f"{ping.ping} is sent by {' or '.join(products)}, and the record says {ping.product!r}"
            )
        routes = [row.routes[name] for name in self._dialects if name in row.routes]
        if not routes:
            yield Finding(where, f"{ping.ping} is not sent in the {self._schemas.name} dialect")
        elif _unversioned(ping.route) not in map(_unversioned, routes):
            yield Finding(where, f"{ping.ping} goes to {routes[0]}, and the record says {ping.route!r}")

    def _in_order(self, ping: Ping, where: str) -> Iterator[Finding]:
        """Problems of a record that is to be accepted, or would be if it were the first of its id."""
        row = self._types.get(ping.ping)
        if row is not None and not names_its_document(ping, row.carrier):
            what = f"path {ping.path!r} is not that of route {ping.route} and id {ping.id}"
            yield Finding(where, what)
        if ping.route not in self._routes:
            if self._own:
                yield Finding(where, f"route {ping.route!r} has no schema")
            return
        try:
            for document in documents(ping):
                yield from self._document(ping, document, where)
        except UnreadableError as error:
            yield Finding(where, str(error))

    def _broken(self, ping: Ping, where: str) -> Iterator[Finding]:
        """Whether a payload is as broken as its label says: else a correct endpoint would be blamed for its answer."""
        fault = FAULTS[ping.label]
        try:
            codes = {self._schemas.code(ping.route, document) for document in documents(ping)}
        except UnreadableError:
            if fault.lies != "body":
                yield Finding(
                    where, f"label {ping.label!r} says that {fault.breaks}, and it cannot be read at all"
                )
            return
        except UnknownRoute:
            return
        if fault.lies == "body" or codes.isdisjoint(fault.codes):
            yield Finding(where, f"label {ping.label!r} says that {fault.breaks}, and that is not so")

    def _document(self, ping: Ping, document: object, where: str) -> Iterator[Finding]:
        try:
            problems = self._schemas.check(ping.route, document)
        except UnknownRoute:
            return
        for problem in problems:
            yield Finding(where, f"{ping.ping} {problem.path}: {problem.message}", problem.code)
        # A fault that is to be accepted may set a clock or change a number on purpose.
        if not problems and self._own and ping.label == VALID:
            for path, message in content_problems(ping, document):
                yield Finding(where, f"{ping.ping} {path}: {message}")


def _unversioned(route: str) -> str:
    return route.rpartition("/")[0]


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), 1)
    return f"did you mean {near[0]!r}?" if near else ""
