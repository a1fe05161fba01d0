"""What is labelled to be rejected on the wire breaks a rule that the published pipeline schemas have too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fault_kit import subject

from simulator.catalogue import ping_types
from simulator.faults import FAULTS
from simulator.faults.fault import DRAWS

#: Ping types by what their published schema asks for, as the specification's facts list it.
REQUIRED = {
    "topsite_click": {"event", "client_id", "addon_version", "version", "locale"},
    "newtab_session": {
        *("client_id", "addon_version", "version", "locale", "page", "session_id", "session_duration"),
        *("profile_creation_date", "user_prefs", "perf", "load_trigger_type"),
    },
    "story_click_stats": {"impression_id", "addon_version", "locale", "page", "user_prefs", "tiles", "id"},
    "cfr_impression_release": {"event", "addon_version", "version", "locale", "impression_id"},
    "cfr_impression_prerelease": {"event", "addon_version", "version", "locale", "client_id"},
    "onboarding_click": {"event", "addon_version", "version", "locale", "client_id", "message_id"},
    "sponsored_topsite_click": {"context_id", "tile_id", "version"},
    "sentry_event": {"timestamp", "platform"},
}


def broken_documents(ping: str, name: str) -> Iterator[Any]:
    for step in range(60):
        broken = FAULTS[name].make(subject(ping, "wire", draws=[step / 60] * DRAWS))
        if broken is not None and broken.text is not None:
            yield json.loads(broken.text)


def keys(document: Any) -> set[str]:
    if isinstance(document, dict):
        return set(document).union(*map(keys, document.values()))
    return set().union(*map(keys, document)) if isinstance(document, list) else set()


@pytest.mark.parametrize("ping", REQUIRED)
def test_what_is_missing_is_required_by_the_pipeline(ping: str) -> None:
    before = subject(ping, "wire").document
    gone = {frozenset(keys(before) - keys(after)) for after in broken_documents(ping, "missing_required")}
    assert gone
    assert all(each & REQUIRED[ping] for each in gone), gone


def test_a_legacy_ping_may_lack_its_payload() -> None:
    for after in broken_documents("event_ping", "missing_required"):
        assert {"payload", "clientId"} <= set(after)
        assert set(after["payload"]) == set(subject("event_ping", "wire").document["payload"])


def test_two_identities_are_forbidden_in_two_document_types_only() -> None:
    rows = ping_types().values()
    forbid = {
        row.routes["wire"]
        for row in rows
        if "wire" in row.routes and any(broken_documents(row.name, "both_identities"))
    }
    assert forbid == {"messaging-system/cfr/1", "messaging-system/moments/1"}


@pytest.mark.parametrize("ping", ["topsite_click", "onboarding_click", "cfr_impression_release"])
def test_the_name_of_an_event_is_free(ping: str) -> None:
    named = subject(ping, "wire").document["event"]
    assert all(after["event"] == named for after in broken_documents(ping, "unknown_enum"))


@pytest.mark.parametrize("ping", ["topsite_click", "newtab_session", "sponsored_topsite_click"])
def test_numbers_of_structured_pings_have_no_limits(ping: str) -> None:
    assert list(broken_documents(ping, "out_of_range")) == []


def test_the_id_of_a_browser_session_is_any_text() -> None:
    named = subject("onboarding_click", "wire").document["browser_session_id"]
    for after in broken_documents("onboarding_click", "extra_braces"):
        assert after["browser_session_id"] == named


def test_the_documented_dialect_is_held_against_its_own_schemas() -> None:
    broken = FAULTS["both_identities"].make(subject("cfr_impression_release", "documented"))
    assert broken is not None
    found = FAULTS["missing_required"].make(subject("topsite_click", "documented", draws=[0.99] * DRAWS))
    assert found is not None
