"""Error reports: only where allowed, only of the extension's own files, on both of Sentry's carriers."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from sourcegraph_kit import DOTCOM, PROFILE, Sent, extension, sent

from simulator.catalogue import load_schemas
from simulator.population.script_errors import SCRIPT_ERRORS
from simulator.records import Dialect
from simulator.wire import SENTRY_KEY

AT_MS = 1_638_777_600_007
PAGE = "https://github.example.com/a/b/blob/main/c.go"


def _reports(dialect: Dialect, *, later: bool = False, **changes: Any) -> list[Sent]:
    sender, outbox = extension(dialect, later=later, **changes)
    for error in SCRIPT_ERRORS:
        sender.error(AT_MS, error, page_url=PAGE)
    return sent(outbox)


@pytest.mark.parametrize(
    ("changes", "reports"),
    [
        ({}, True),
        ({"allow_error_reporting": False}, False),
        ({"platform": "gitlab-integration"}, False),
        # reporting does not ask the telemetry's enable rule
        ({"platform": "firefox-extension", "instance_url": DOTCOM}, True),
    ],
)
def test_errors_are_reported_only_where_allowed(changes: dict[str, Any], reports: bool) -> None:
    assert bool(_reports("wire", **changes)) is reports


def test_the_event_has_the_keys_of_the_captured_one(dialect: Dialect) -> None:
    schemas = load_schemas(dialect)
    for ping in _reports(dialect):
        event = ping.body
        assert schemas.check("sentry/event/1", event) == ()
        assert set(event) == {
            "exception", "level", "event_id", "platform", "timestamp", "environment", "sdk", "tags", "request",
        }  # fmt: skip
        assert set(event["sdk"]) == {"name", "version", "integrations", "packages"}
        assert event["sdk"]["version"] == "6.13.2"
        (exception,) = event["exception"]["values"]
        assert set(exception) == {"type", "value", "stacktrace", "mechanism"}
        for frame in exception["stacktrace"]["frames"]:
            assert set(frame) == {"filename", "function", "lineno", "colno", "in_app"}
        assert event["timestamp"] == AT_MS / 1_000
        assert set(event["request"]) == {"url", "headers"}
        assert not {"release", "user", "sessions"} & set(event)


def test_the_record_is_known_by_its_event_id(dialect: Dialect) -> None:
    reports = _reports(dialect)
    assert len({ping.id for ping in reports}) == len(SCRIPT_ERRORS)
    for ping in reports:
        assert ping.id is not None
        assert ping.body["event_id"] == ping.id.replace("-", "")


def test_the_store_address_has_the_placeholder_key_and_no_header_of_its_own(dialect: Dialect) -> None:
    for ping in _reports(dialect):
        assert ping.kind.address.path("") == f"/api/1/store/?sentry_key={SENTRY_KEY}&sentry_version=7"
        assert not ping.kind.headers


def test_tags_tell_where_and_only_content_scripts_tell_the_code_host() -> None:
    for ping, error in zip(_reports("wire"), SCRIPT_ERRORS, strict=True):
        expected = {
            "script": error.script,
            "extension_version": PROFILE.extension_version,
            "using_dot_com": "false",
        }
        if error.script == "content":
            expected["code_host"] = "github"
        assert ping.body["tags"] == expected
        page = ping.body["request"]["url"]
        assert page == PAGE if error.script == "content" else page.startswith("chrome-extension://")
    (dotcom, *_) = _reports("wire", instance_url=DOTCOM)
    assert dotcom.body["tags"]["using_dot_com"] == "true"


def test_later_clients_post_envelopes_of_three_lines() -> None:
    for ping in _reports("wire", later=True):
        assert ping.kind.base64
        assert ping.kind.headers == {"Content-Type": "text/plain;charset=UTF-8"}
        assert "/envelope/?" in ping.kind.address.path("")
        assert ping.text[0] == ping.text[-1] == '"'
        lines = base64.b64decode(ping.text[1:-1], validate=True).decode().split("\n")
        head, item, event = (json.loads(line) for line in lines)
        assert set(head) == {"event_id", "sent_at", "sdk"}
        assert re.fullmatch(r"2021-12-06T08:00:00\.007Z", head["sent_at"])
        assert item == {"type": "event", "sample_rates": [{}]}
        assert event["event_id"] == head["event_id"]
        assert event["sdk"]["version"] == head["sdk"]["version"] == "7.8.1"
        assert load_schemas("wire").check("sentry/event/1", event) == ()


def test_the_document_stays_with_the_event_itself() -> None:
    assert not any(ping.kind.base64 for ping in _reports("documented", later=True))
