"""Schemas small enough to see through, rules for the pure tests, and a running endpoint for the others."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from endpoint_kit import ROUTE

from simulator.catalogue import load_schemas
from simulator.endpoint import EndpointProcess, Settings
from simulator.endpoint.message import Limits, Receipt, Request
from simulator.endpoint.receive import Rules, receive, rules

_EVENT = {
    "type": "object",
    "required": ["who"],
    "properties": {"who": {"type": "string", "minLength": 1}, "clicks": {"type": "integer", "minimum": 0}},
    "additionalProperties": False,
}
_TELEMETRY = {"type": "object", "required": ["type"], "properties": {"type": {"const": "event"}}}
_GLEAN = {"type": "object", "required": ["ping_info"], "properties": {"ping_info": {"type": "object"}}}
_LOG = {
    "type": "object",
    "required": ["query", "variables"],
    "properties": {"variables": {"type": "object", "required": ["source"]}},
}
_LOGS = {
    "type": "object",
    "required": ["query", "variables"],
    "properties": {
        "variables": {
            "type": "object",
            "required": ["events"],
            "properties": {"events": {"type": "array", "items": {"type": "object", "required": ["source"]}}},
        }
    },
}
_SENTRY = {"type": "object", "required": ["event_id"], "properties": {"event_id": {"type": "string"}}}

_SCHEMAS = {
    ROUTE: _EVENT,
    "telemetry/event/4": _TELEMETRY,
    "glean/glean/1": _GLEAN,
    "sourcegraph/log-event/1": _LOG,
    "sourcegraph/log-user-event/1": _LOG,
    "sourcegraph/log-events/1": _LOGS,
    "sentry/event/1": _SENTRY,
}


@pytest.fixture(scope="session")
def schema_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("schemas")
    for route, schema in _SCHEMAS.items():
        namespace, doctype, version = route.split("/")
        directory = root / namespace / doctype
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{doctype}.{version}.schema.json").write_text(json.dumps(schema))
    return root


@pytest.fixture(scope="session")
def the_rules(schema_directory: Path) -> Rules:
    return rules(load_schemas(schema_directory), Limits(body_bytes=10_000, inflated_bytes=20_000))


Post = Callable[..., Receipt]


@pytest.fixture(scope="session")
def post(the_rules: Rules) -> Post:
    """Send one request through the pure core."""

    def send(
        path: str,
        body: bytes | dict | list = b"",
        *,
        method: str = "POST",
        headers: dict[bytes, bytes] | None = None,
        query: str = "",
        edge_rules: Rules | None = None,
    ) -> Receipt:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {b"content-length": str(len(text)).encode(), **(headers or {})}
        return receive(Request(method, path, query, given, text), edge_rules or the_rules)

    return send


@pytest.fixture(scope="module")
def endpoint(schema_directory: Path) -> Iterator[EndpointProcess]:
    with EndpointProcess(Settings(schemas=str(schema_directory), faults=True)) as running:
        yield running


@pytest.fixture
def client(endpoint: EndpointProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=endpoint.url, timeout=10) as opened:
        yield opened
