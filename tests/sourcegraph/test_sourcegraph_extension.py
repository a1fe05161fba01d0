"""The extension's logger: the enable rule, which names pass, which requests an event makes."""

from __future__ import annotations

import json
from typing import get_args

import numpy as np
import pytest
from sourcegraph_kit import DOTCOM, INSTANCE, PROFILE, extension, on_a_file, sent

from simulator.catalogue import load_schemas
from simulator.client.sourcegraph_extension import FileFact, telemetry_is_enabled
from simulator.scenario.sourcegraph import Platform

PLATFORMS = get_args(Platform)


@pytest.mark.parametrize(
    ("platform", "url", "send_telemetry", "enabled"),
    [
        # not in Firefox: always
        ("chrome-extension", DOTCOM, False, True),
        ("chrome-extension", DOTCOM, True, True),
        ("chrome-extension", INSTANCE, False, True),
        ("safari-extension", DOTCOM, False, True),
        # Firefox: a self-hosted instance, or the option
        ("firefox-extension", INSTANCE, False, True),
        ("firefox-extension", INSTANCE, True, True),
        ("firefox-extension", DOTCOM, True, True),
        ("firefox-extension", DOTCOM, False, False),
        ("firefox-extension", DOTCOM + "/", False, False),
        ("firefox-extension", DOTCOM + ".example.com", False, True),
        # a native integration is no extension, whatever the browser
        ("gitlab-integration", DOTCOM, False, True),
        ("phabricator-integration", INSTANCE, False, True),
        ("bitbucket-integration", INSTANCE, True, True),
    ],
)
def test_the_enable_rule(platform: str, url: str, send_telemetry: bool, enabled: bool) -> None:
    assert telemetry_is_enabled(platform, url, send_telemetry=send_telemetry) is enabled


def test_nothing_is_logged_while_telemetry_is_off(dialect: str) -> None:
    sender, outbox = extension(dialect, platform="firefox-extension", instance_url=DOTCOM)
    on_a_file(sender, FileFact.OPENED, FileFact.OVERLAY)
    sender.action(6, "findReferences")
    assert not sent(outbox)


def test_documented_has_one_flat_record_for_every_action() -> None:
    sender, outbox = extension("documented")
    for at, name in enumerate(("goToDefinition", "findReferences", "git.blame.toggle")):
        sender.action(at, name)
    pings = sent(outbox)
    assert [ping.body for ping in pings] == [
        {
            "event": name,
            "source": "CODEHOSTINTEGRATION",
            "anonymizedUserId": PROFILE.extension_user_id,
            "sourcegraphURL": INSTANCE,
            "platform": "chrome-extension",
        }
        for name in ("goToDefinition", "findReferences", "git.blame.toggle")
    ]
    assert {ping.ping for ping in pings} == {"sourcegraph_log_event"}


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("hover", "CODEINTELINTEGRATION"),
        ("goToDefinition", "CODEINTELINTEGRATION"),
        ("goToDefinition.preloaded", "CODEINTELINTEGRATION"),
        ("findReferences", "CODEINTELINTEGRATIONREFS"),
    ],
)
def test_on_the_wire_an_accepted_name_makes_two_requests(name: str, use: str) -> None:
    sender, outbox = extension("wire")
    sender.action(50, name)
    user_event, event = sent(outbox)
    assert (user_event.kind.address.path(""), event.kind.address.path("")) == (
        "/.api/graphql?logUserEvent",
        "/.api/graphql?logEvent",
    )
    assert user_event.due_ms == event.due_ms == 50
    assert user_event.body["variables"] == {"event": use, "userCookieID": PROFILE.extension_user_id}
    assert event.body["variables"] == {
        "name": name,
        "userCookieID": PROFILE.extension_user_id,
        "url": INSTANCE,
        "source": "CODEHOSTINTEGRATION",
        "argument": '{"platform":"chrome-extension"}',
    }


def test_on_the_wire_other_actions_pass_only_in_later_clients() -> None:
    sender, outbox = extension("wire")
    sender.action(1, "git.blame.toggle")
    assert not sent(outbox)
    sender, outbox = extension("wire", later=True)
    sender.action(1, "git.blame.toggle")
    (event,) = sent(outbox)
    variables = event.body["variables"]
    assert json.loads(variables["argument"]) == {"platform": "chrome-extension", "version": "21.11.25.1422"}
    assert variables["publicArgument"] == variables["argument"]


def test_later_clients_no_longer_count_uses() -> None:
    sender, outbox = extension("wire", later=True)
    on_a_file(sender, FileFact.HOVER)
    assert [ping.ping for ping in sent(outbox)] == ["sourcegraph_log_event"]


@pytest.mark.parametrize(
    ("url", "later", "pings"),
    [
        (DOTCOM, False, ["sourcegraph_log_user_event"]),
        (DOTCOM + "/", False, ["sourcegraph_log_user_event", "sourcegraph_log_event"]),
        (DOTCOM, True, ["sourcegraph_log_event"]),
    ],
)
def test_log_event_is_skipped_for_exactly_one_url(url: str, later: bool, pings: list[str]) -> None:
    sender, outbox = extension("wire", later=later, instance_url=url)
    sender.action(1, "findReferences")
    assert [ping.ping for ping in sent(outbox)] == pings


@pytest.mark.parametrize(
    ("fact", "documented", "wire"),
    [(FileFact.OVERLAY, 1, 2), (FileFact.EMPTY_OVERLAY, 0, 1), (FileFact.HOVER, 1, 1)],
)
def test_hovers_the_document_and_the_client_count_differently(
    fact: FileFact, documented: int, wire: int
) -> None:
    for dialect, hovers in (("documented", documented), ("wire", 2 * wire)):
        sender, outbox = extension(dialect)  # type: ignore[arg-type]
        on_a_file(sender, fact)
        assert len(sent(outbox)) == hovers


def test_what_happens_on_a_file_is_due_when_it_happens() -> None:
    sender, outbox = extension("documented")
    facts = [FileFact.OPENED, FileFact.OVERLAY, FileFact.DEFINITION, FileFact.PRELOADED_DEFINITION]
    sender.read_files(1_000, np.array([0, 5, 8, 30]), np.array(facts))
    assert [(ping.due_ms, ping.body["event"]) for ping in sent(outbox)] == [
        (1_005, "hover"),
        (1_008, "goToDefinition"),
        (1_030, "goToDefinition.preloaded"),
    ]


def test_a_view_is_logged_by_log_event_alone_and_unknown_to_the_document() -> None:
    sender, outbox = extension("wire")
    on_a_file(sender, FileFact.OPENED)
    (view,) = sent(outbox)
    assert (view.ping, view.body["variables"]["name"]) == ("sourcegraph_log_event", "ViewFile")
    sender, outbox = extension("documented")
    on_a_file(sender, FileFact.OPENED)
    assert not sent(outbox)
    sender, outbox = extension("wire", instance_url=DOTCOM)
    on_a_file(sender, FileFact.OPENED)
    assert not sent(outbox)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_header_names_platform_and_version(platform: str) -> None:
    sender, outbox = extension("wire", platform=platform, extension_version="1.2.3")
    on_a_file(sender, FileFact.HOVER)
    for ping in sent(outbox):
        assert ping.kind.headers["X-Requested-With"] == f"Sourcegraph - {platform} v1.2.3"
        assert ping.kind.headers["Content-Type"] == "text/plain;charset=UTF-8"


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("later", [False, True])
def test_every_platform_fits_the_schemas(dialect: str, platform: str, later: bool) -> None:
    schemas = load_schemas(dialect)  # type: ignore[arg-type]
    sender, outbox = extension(dialect, later=later, platform=platform)
    on_a_file(sender, FileFact.OPENED, FileFact.OVERLAY)
    sender.action(2, "vscode.open.file")
    pings = sent(outbox)
    assert pings
    for ping in pings:
        assert schemas.check(ping.kind.route, ping.body) == ()
