"""What crosses the border of the pure core: a request in, decisions about pings out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import msgspec

from simulator.endpoint.codes import OK

Carrier = Literal["structured", "telemetry", "glean", "batch", "graphql", "sentry", "none"]


class Request(msgspec.Struct, frozen=True, gc=False):
    """One HTTP request, whole.

    Args:
        method: upper case.
        path: raw, without the query string.
        query: raw, without the question mark.
        headers: names in lower case; of repeated headers the last.
        body: as it came, possibly compressed.
    """

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    body: bytes


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What was decided about one ping, before its id is compared with those already stored.

    Args:
        id: lower-case UUID: the document id, or the record id of a carrier without document ids.
        code: `ok`, or why it is rejected.
        route: `namespace/doctype/version`; empty where the request names none.
        payload: the ping as it came, decompressed.
    """

    id: str
    code: str
    route: str
    payload: bytes


class Receipt(msgspec.Struct, gc=False, kw_only=True):
    """What came of one request: one decision a ping, and how long each stage took.

    Args:
        carrier: how the pings travelled; decides the form of the answer.
        decisions: one for each ping found, in the order of the request.
        refusal: code of a request that is refused as a whole; `ok` if it is not.
        detail: a sentence for a person about the refusal or the first rejection; never holds a value of a payload.
        echo: what the answer repeats: the Sentry event id, or the GraphQL field.
        size: bytes of all payloads.
        inflate_ns: time spent decompressing.
        parse_ns: time spent parsing.
        validate_ns: time spent validating.
    """

    carrier: Carrier
    decisions: list[Decision] = []
    refusal: str = OK
    detail: str = ""
    echo: str = ""
    size: int = 0
    inflate_ns: int = 0
    parse_ns: int = 0
    validate_ns: int = 0


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An HTTP answer without the headers that every answer has."""

    status: int
    body: bytes = b""
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What the endpoint takes at most. The defaults follow the real edge (facts/FIREFOX.md section 3.3).

    Args:
        body_bytes: body as it travels.
        inflated_bytes: body after decompression.
        field_bytes: path, query string and each header that the real edge keeps.
        path_too_long: status for a path longer than that: 431 as the real code answers, or 414 as its text says.
        batch_items: pings in one batch.
    """

    body_bytes: int = 8 * 1024 * 1024
    inflated_bytes: int = 8 * 1024 * 1024
    field_bytes: int = 1024
    path_too_long: int = 431
    batch_items: int = 50_000


class Problem(Protocol):
    """One reason why a document does not fit; `simulator.catalogue.Problem` is one."""

    @property
    def code(self) -> str:
        """The short code."""

    @property
    def path(self) -> str:
        """The place in the document; names keys, never values."""


class Validator(Protocol):
    """What the endpoint needs of a set of schemas; `simulator.catalogue.Schemas` is one."""

    @property
    def routes(self) -> tuple[str, ...]:
        """Every route that has a schema."""

    def is_valid(self, route: str, document: object) -> bool:
        """Whether `document` fits the schema of `route`."""

    def are_valid(self, route: str, documents: list[Any]) -> bool:
        """Whether each of `documents` does."""

    def check(self, route: str, document: object) -> Sequence[Problem]:
        """What is wrong with `document`, the most telling problem first."""
