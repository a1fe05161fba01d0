"""Carriers: how a ping of each kind travels, from route and document id to method, path and standard headers.

Sources: Mozilla's HTTP edge server specification (structured ingestion, legacy telemetry), Glean's upload code,
Sourcegraph's GraphQL client of December 2021, @sentry/browser 6.13.2 and 7.8.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Carrier = Literal["structured", "telemetry", "glean", "graphql", "sentry"]

#: Sentry project and public key: placeholders, never the real ones (facts, OTHERS A11).
SENTRY_PROJECT = "1"
SENTRY_KEY = "0123456789abcdef0123456789abcdef"

_JSON_UPPER = MappingProxyType({"Content-Type": "application/json; charset=UTF-8"})

#: What every request of a carrier says, beside what the HTTP client itself must say (host, lengths).
CARRIER_HEADERS: Mapping[Carrier, Mapping[str, str]] = MappingProxyType(
    {
        "structured": _JSON_UPPER,
        "telemetry": _JSON_UPPER,
        "glean": MappingProxyType(
            {
                "Content-Type": "application/json; charset=utf-8",
                "X-Telemetry-Agent": "Glean/52.2.0 (Rust on Windows)",
            }
        ),
        "graphql": MappingProxyType(
            {
                "Accept": "application/json",
                "Content-Type": "application/json",
                "X-Requested-With": "Sourcegraph",
            }
        ),
        "sentry": MappingProxyType({"Content-Type": "text/plain;charset=UTF-8"}),
    }
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where pings of one kind go. The path is `prefix + document id + suffix`, or `prefix` alone.

    Args:
        method: HTTP method.
        prefix: the path up to the document id.
        suffix: what follows the document id, query string included.
        id_in_path: whether the carrier names the document in the path at all.
    """

    prefix: str
    suffix: str = ""
    id_in_path: bool = True
    method: str = "POST"

    def path(self, document_id: str) -> str:
        """The request target of one document."""
        return f"{self.prefix}{document_id}{self.suffix}" if self.id_in_path else self.prefix + self.suffix


def structured(route: str) -> Address:
    """Structured ingestion: `/submit/<namespace>/<doctype>/<version>/<document id>`."""
    return Address(f"/submit/{route}/")


def telemetry(doctype: str, *, version: str, channel: str, build_id: str, app: str = "Firefox") -> Address:
    """Legacy telemetry: `/submit/telemetry/<document id>/<type>/<app>/<version>/<channel>/<build>?v=4`."""
    return Address("/submit/telemetry/", f"/{doctype}/{app}/{version}/{channel}/{build_id}?v=4")


def glean(ping: str, *, application_id: str) -> Address:
    """Glean: `/submit/<application id>/<ping name>/1/<document id>`."""
    return Address(f"/submit/{application_id}/{ping}/1/")


def graphql(operation: str) -> Address:
    """Sourcegraph's API: one path, the operation's name as a bare query string."""
    return Address(f"/.api/graphql?{operation}", id_in_path=False)


def sentry_store() -> Address:
    """Sentry's store endpoint, authenticated in the query string as the browser package does."""
    return Address(f"/api/{SENTRY_PROJECT}/store/?sentry_key={SENTRY_KEY}&sentry_version=7", id_in_path=False)


def sentry_envelope() -> Address:
    """Sentry's envelope endpoint."""
    query = f"sentry_key={SENTRY_KEY}&sentry_version=7&sentry_client=sentry.javascript.browser%2F7.8.1"
    return Address(f"/api/{SENTRY_PROJECT}/envelope/?{query}", id_in_path=False)
