"""From method, path and headers to a carrier, a route and a document id; refusals that need no body."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b

import msgspec

from simulator.endpoint.message import Carrier, Limits

UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_UUID_IN = re.compile(rf"(?<![0-9a-fA-F-]){UUID.pattern}(?![0-9a-fA-F-])")
EVENT_ID = re.compile(r"[0-9a-fA-F]{32}")
_SENTRY = re.compile(r"/api/[0-9A-Za-z_-]+/(store|envelope)/")

_FORMAT_VERSION = re.compile(r"(?:^|&)v=([^&]*)")
_GLEAN = "glean/glean/1"
#: Longer paths are not worth a place among those whose route is remembered.
_USUAL_PATH = 256

#: The headers that the real edge keeps (facts/FIREFOX.md section 3.2); each is limited in length.
KEPT_HEADERS = (
    b"content-length",
    b"date",
    b"dnt",
    b"host",
    b"user-agent",
    b"x-debug-id",
    b"x-forwarded-for",
    b"x-foxsec-ip-reputation",
    b"x-lb-tags",
    b"x-pingsender-version",
    b"x-pipeline-proxy",
    b"x-source-tags",
    b"x-telemetry-agent",
)


class Match(msgspec.Struct, frozen=True, gc=False):
    """Where a request goes.

    Args:
        carrier: how its pings travel; `none` where no path matches.
        route: the schema's route; empty where the body decides it.
        id: the document id as given, unchecked; empty on carriers that have none.
    """

    carrier: Carrier
    route: str = ""
    id: str = ""


class Routes:
    """Knows which routes have a schema, and so tells Glean application ids from namespaces.

    Args:
        routes: every route with a schema.
    """

    def __init__(self, routes: Iterable[str]) -> None:
        self.known = frozenset(routes)
        self._namespaces = frozenset(route.partition("/")[0] for route in self.known)
        self._route_of = lru_cache(maxsize=4096)(self._find_route)

    def named(self, route: str) -> str:
        """The route if it has a schema, else nothing: what clients make up must not grow the ledger's sums."""
        return route if route in self.known else ""

    def match(self, path: str, query: str = "") -> Match:
        """The carrier, route and id of a path. Slashes are strict: a trailing one makes another path."""
        if path.startswith("/submit/"):
            return self._submit(path, query)
        if path == "/batch":
            return Match("batch")
        if path == "/.api/graphql":
            return Match("graphql")
        if _SENTRY.fullmatch(path):
            return Match("sentry", "sentry/event/1")
        return Match("none")

    def _submit(self, path: str, query: str) -> Match:
        if path.startswith("/submit/telemetry/") and path.count("/") == 8:
            parts = path.split("/")
            if "" in parts[3:]:
                return Match("none")
            given = _FORMAT_VERSION.search(query)
            return Match("telemetry", f"telemetry/{parts[4]}/{given[1] if given else 4}", parts[3])
        head, _, document_id = path.rpartition("/")
        found = self._route_of(head) if len(head) <= _USUAL_PATH else self._find_route(head)
        if found is None or not document_id:
            return Match("none")
        return Match(found[0], found[1], document_id)

    def _find_route(self, head: str) -> tuple[Carrier, str] | None:
        """Four segments: a route of its own, or else a ping of an application that is no namespace: Glean.

        Args:
            head: a path without its last segment.

        Returns:
            The carrier and route; None where there are not four segments.
        """
        parts = head.split("/")
        if len(parts) != 5 or "" in parts[2:]:
            return None
        namespace, doctype, version = parts[2:]
        route = f"{namespace}/{doctype}/{version}"
        if route not in self.known and namespace not in self._namespaces and version == "1":
            return "glean", _GLEAN
        return "structured", route


def early_refusal(
    method: str, path: str, query: str, headers: Mapping[bytes, bytes], match: Match, limits: Limits
) -> str:
    """Why a request is refused before its body is read, as a short code; `ok` if it is not."""
    size = limits.field_bytes
    if len(path) > size:
        return "path_too_long"
    if len(query) > size:
        return "header_too_large"
    for name, value in headers.items():
        if len(value) > size and name in KEPT_HEADERS:
            return "header_too_large"
    if match.carrier == "none":
        return "not_found"
    if method != "POST" and (method != "PUT" or match.carrier in ("batch", "graphql", "sentry")):
        return "method_not_allowed"
    length = headers.get(b"content-length")
    if length is None:
        return "ok" if b"transfer-encoding" in headers else "length_required"
    return "ok" if int(length) <= limits.body_bytes else "body_too_large"


def given_ids(headers: Mapping[bytes, bytes]) -> list[str]:
    """The ids in X-Telsim-Record-Id, comma separated; none where one of them is not a UUID."""
    given = headers.get(b"x-telsim-record-id")
    if given is None:
        return []
    ids = [text.strip().lower() for text in given.decode("latin-1").split(",")]
    return ids if all(UUID.fullmatch(text) for text in ids) else []


def record_ids(match: Match, path: str, headers: Mapping[bytes, bytes], body: bytes) -> list[str]:
    """The ledger's keys for a request: its document id, the ids in X-Telsim-Record-Id, or one made from its content.

    The last is the same for the same content, so sending a request again is noticed on every carrier.
    """
    if match.id and UUID.fullmatch(match.id):
        return [match.id.lower()]
    if given := given_ids(headers):
        return given
    inside = _UUID_IN.search(path)
    return [inside[0].lower()] if inside else [derived_id(path.encode("utf-8", "surrogateescape"), body)]


def uuids(ids: Sequence[str]) -> list[str] | None:
    """Many ids in lower case, or None where one of them is not a UUID: `UUID` at a third of the time."""
    count = len(ids)
    text = ",".join((*ids, ""))
    digits = text.replace("-", "").replace(",", "")
    if len(text) != 37 * count or len(digits) != 32 * count or text[36::37] != "," * count:
        return None
    if any(text[place::37] != "-" * count for place in (8, 13, 18, 23)):
        return None
    try:
        if len(bytes.fromhex(digits)) != 16 * count:  # it passes over white space
            return None
    except ValueError:
        return None
    return text.lower().split(",")[:count]


def derived_id(*parts: bytes) -> str:
    """A UUID (version 8, RFC 9562) that is a function of `parts`."""
    digest = blake2b(b"\0".join(parts), digest_size=16).digest()
    value = bytearray(digest)
    value[6] = (value[6] & 0x0F) | 0x80
    value[8] = (value[8] & 0x3F) | 0x80
    text = value.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
