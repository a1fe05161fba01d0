"""Whether a record's path is the one that its carrier gives to its document."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from simulator.catalogue.ping_type import Carrier
from simulator.records import Ping

_SENTRY = re.compile(r"/api/[0-9A-Za-z_-]+/(store|envelope)/(\?.*)?")
_GRAPHQL = "/.api/graphql"


def names_its_document(ping: Ping, carrier: Carrier) -> bool:
    """Whether the path holds the record's route, and its document id where the carrier names that in the path."""
    return _RULES[carrier](ping)


def is_envelope(ping: Ping) -> bool:
    """Whether a Sentry record's payload is an envelope, not a bare event."""
    found = _SENTRY.fullmatch(ping.path)
    return found is not None and found[1] == "envelope"


def _structured(ping: Ping) -> bool:
    return ping.path == f"/submit/{ping.route}/{ping.id}"


def _telemetry(ping: Ping) -> bool:
    return ping.path.startswith(f"/submit/telemetry/{ping.id}/{_doctype(ping)}/")


def _glean(ping: Ping) -> bool:
    """`/submit/<application>/<ping's own name>/1/<document id>`; the route is the same for all of them."""
    name = ping.ping.removeprefix("glean_").removesuffix("_ping")
    return (
        ping.path.startswith("/submit/")
        and ping.path.endswith(f"/{name}/1/{ping.id}")
        and ping.path.count("/") == 5
    )


def _graphql(ping: Ping) -> bool:
    """The operation stands behind the question mark as its client spells it: `logEvents` or `LogEvents`."""
    path, _, operation = ping.path.partition("?")
    return path == _GRAPHQL and operation.lower() == _doctype(ping).replace("-", "")


def _sentry(ping: Ping) -> bool:
    return _SENTRY.fullmatch(ping.path) is not None


def _doctype(ping: Ping) -> str:
    return ping.route.partition("/")[2].partition("/")[0]


_RULES: Mapping[Carrier, Callable[[Ping], bool]] = {
    "structured": _structured,
    "telemetry": _telemetry,
    "glean": _glean,
    "graphql": _graphql,
    "sentry": _sentry,
}
