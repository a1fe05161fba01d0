"""Every way to spoil an example is rejected, with the code that names the damage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.catalogue import CODES, Schemas, example, load_schemas, ping_types
from simulator.records import DIALECTS, Dialect

SCHEMAS: dict[str, Schemas] = {dialect: load_schemas(dialect) for dialect in DIALECTS}
ROWS = ping_types()

# Keys of the examples that a valid ping may lack. Everything else in an example is required.
OPTIONAL_ON_THE_WIRE = {"experiments", "release_channel"}
OPTIONAL: dict[tuple[str, str], set[str]] = {
    ("documented", "newtab_session"): {"perf"},
    ("documented", "cfr_interaction_prerelease"): {"event_context"},
    ("documented", "sentry_event"): {"level", "environment", "sdk", "request"},
    ("wire", "sentry_event"): {"level", "environment", "sdk", "request"},
    ("wire", "sourcegraph_log_events"): {"variables"},
    ("documented", "event_ping"): {"environment"},
    ("wire", "event_ping"): {"environment"},
    ("wire", "story_impression_stats"): {"source", "version"},
    ("wire", "pocket_button"): {"model", "profile_creation_date"},
    ("wire", "cfr_impression_prerelease"): {"source", "bucket_id"},
    ("wire", "cfr_interaction_prerelease"): {"source", "bucket_id"},
    ("wire", "cfr_impression_release"): {"source"},
    ("wire", "cfr_interaction_release"): {"source"},
    ("wire", "bookmark_add"): {"value"},
    ("wire", "bookmark_remove"): {"value"},
}
OPTIONAL |= {("documented", name): {"attribution"} for name in ROWS if name.startswith("onboarding_")}
OPTIONAL |= {("wire", name): {"attribution"} for name in ROWS if name.startswith("onboarding_")}
OPTIONAL |= {
    ("wire", name): {"source", "position", "advertiser", "reporting_url", "locale"}
    for name in ("sponsored_topsite_impression", "sponsored_topsite_click")
}
# Without the key that says what was done with a story, what is left is a valid list of stories seen.
for kind in ("click", "block", "pocket"):
    OPTIONAL["documented", f"story_{kind}_stats"] = {kind}
    OPTIONAL["wire", f"story_{kind}_stats"] = {kind, "source", "version"}
OPTIONAL["documented", "story_loaded_content"] = {"loaded"}
OPTIONAL["wire", "story_loaded_content"] = {"loaded", "source", "version"}


def _optional(dialect: str, ping: str) -> set[str]:
    keys = OPTIONAL.get((dialect, ping), set())
    if dialect == "wire" and ROWS[ping].carrier == "structured":
        keys = keys | OPTIONAL_ON_THE_WIRE
        if ROWS[ping].routes["wire"] == "activity-stream/events/1":
            keys = keys | {"browser_session_id"}
    return keys


def _cases() -> Iterator[tuple[Dialect, str, str]]:
    for dialect in DIALECTS:
        for name, row in ROWS.items():
            if dialect in row.dialects:
                for key in example(name, dialect):
                    yield dialect, name, key


KEYS = list(_cases())


PINGS = sorted({case[:2] for case in KEYS})


def _code(dialect: Dialect, ping: str, changes: dict[str, Any], *, without: str = "") -> str:
    """The decision on an example with other values, or without a key."""
    document = {key: value for key, value in {**example(ping, dialect), **changes}.items() if key != without}
    return SCHEMAS[dialect].code(ROWS[ping].routes[dialect], document)


@pytest.mark.parametrize(("dialect", "ping"), PINGS)
def test_an_example_without_one_of_its_keys(dialect: Dialect, ping: str) -> None:
    keys, optional = example(ping, dialect), _optional(dialect, ping)
    decided = {key: _code(dialect, ping, {}, without=key) for key in keys}
    assert decided == {key: "ok" if key in optional else "missing_required" for key in keys}


@pytest.mark.parametrize(("dialect", "ping"), PINGS)
def test_a_key_of_the_wrong_type(dialect: Dialect, ping: str) -> None:
    for key, value in example(ping, dialect).items():
        other = 3.5 if isinstance(value, str | bool | dict | list) else "3"
        # Where a vocabulary decides, a value of another type is simply none of its words; Sentry takes text for times.
        codes = {"pattern_mismatch"} if key == "timestamp" else {"wrong_type", "unknown_enum"}
        assert _code(dialect, ping, {key: other}) in codes, key


UUID_KEYS = ("client_id", "impression_id", "session_id", "context_id", "clientId", "id", "anonymizedUserId")
BROKEN = [
    (dialect, ping, key)
    for dialect, ping, key in KEYS
    if key in UUID_KEYS and example(ping, dialect)[key] != "n/a"
]


@pytest.mark.parametrize(("dialect", "ping", "key"), BROKEN)
def test_a_broken_identifier(dialect: Dialect, ping: str, key: str) -> None:
    for damage in ("", "not-a-uuid", "005deed0-e3e4-4c02-a041-17405fd703fg"):
        assert _code(dialect, ping, {key: damage}) == "pattern_mismatch", damage


@pytest.mark.parametrize(("dialect", "ping", "key"), [case for case in KEYS if case[2] in ("event", "page")])
def test_an_unknown_event_or_page(dialect: Dialect, ping: str, key: str) -> None:
    document = example(ping, dialect)
    document[key] = "NO SUCH THING"
    expected = "pattern_mismatch" if ROWS[ping].carrier == "graphql" else "unknown_enum"
    assert SCHEMAS[dialect].code(ROWS[ping].routes[dialect], document) == expected


@pytest.mark.parametrize(("dialect", "ping"), PINGS)
def test_an_extra_key(dialect: Dialect, ping: str) -> None:
    document = {**example(ping, dialect), "surplus": 1}
    row = ROWS[ping]
    open_shapes = {"telemetry", "sentry"} | ({"structured"} if dialect == "wire" else set())
    expected = "ok" if row.carrier in open_shapes else "additional_property"
    assert SCHEMAS[dialect].code(row.routes[dialect], document) == expected


def _put(document: Any, path: str, value: Any) -> None:
    *parents, last = path.split("/")
    for step in parents:
        document = document[int(step) if step.isdigit() else step]
    document[int(last) if last.isdigit() else last] = value


D, W = "documented", "wire"
SPECIFIC = [
    (D, "topsite_click", "value/icon_type", "blurry", "unknown_enum"),
    (D, "topsite_click", "value/card_type", "organic", "unknown_enum"),
    (D, "topsite_click", "value", {"card_type": "search", "icon_type": "tippytop"}, "missing_required"),
    (
        D,
        "topsite_click",
        "value",
        {"card_type": "pinned", "icon_type": "tippytop", "search_vendor": "google"},
        "additional_property",
    ),
    (D, "topsite_click", "value", '{"card_type":"pinned","icon_type":"tippytop"}', "wrong_type"),
    (D, "topsite_click", "action_position", -1, "out_of_range"),
    (D, "topsite_click", "user_prefs", 512, "out_of_range"),
    (D, "topsite_click", "source", "NOWHERE", "unknown_enum"),
    (D, "topsite_click", "session_id", "{005deed0-e3e4-4c02-a041-17405fd703f6}", "pattern_mismatch"),
    (D, "topsite_edit", "source", "TOP_SITES", "unknown_enum"),
    (D, "popular_topic_click", "value/topic", "gossip", "unknown_enum"),
    (D, "page_takeover", "value", {}, "wrong_length"),
    (D, "newtab_pref_changed", "value", {"status": True}, "wrong_type"),
    (D, "newtab_pref_changed", "value", '{"status":"yes"}', "pattern_mismatch"),
    (D, "tab_pinned", "value", '{"total_pinned_tabs":0}', "pattern_mismatch"),
    (D, "newtab_session", "perf/load_trigger_type", "magic", "unknown_enum"),
    (D, "newtab_session", "perf/load_trigger_type", "first_window_opened", "unknown_enum"),
    (D, "newtab_session", "session_duration", -1, "out_of_range"),
    (D, "pocket_button", "events/0/action", "save", "unknown_enum"),
    (D, "snippets_interaction", "event", "CLICK_BUTTON", "unknown_enum"),
    (D, "snippets_impression", "source", "SNIPPETS", "unknown_enum"),
    (D, "cfr_impression_release", "impression_id", "n/a", "pattern_mismatch"),
    (D, "cfr_interaction_prerelease", "event_context", {"modelVersion": "m"}, "wrong_type"),
    (D, "whats_new_panel_event", "value/view", "sidebar", "unknown_enum"),
    (D, "targeting_error", "event_context", "HARD_LUCK", "unknown_enum"),
    (D, "onboarding_click", "event_context/source", "third_button", "unknown_enum"),
    (D, "onboarding_session_end", "event_context", '{"page":"about:welcome"}', "wrong_type"),
    (D, "sponsored_topsite_click", "position", 0, "out_of_range"),
    (D, "sponsored_topsite_click", "reporting_url", "ftp://x", "pattern_mismatch"),
    (D, "experiment_reach", "object", "spotlight", "unknown_enum"),
    (D, "attribute_error", "object", "attribute_timeout", "unknown_enum"),
    (W, "topsite_click", "value", {"icon_type": "tippytop"}, "wrong_type"),
    (W, "topsite_click", "value", '{"icon_type":"blurry"}', "pattern_mismatch"),
    (W, "topsite_click", "value", '{"card_type":"pinned"}', "pattern_mismatch"),
    (W, "topsite_click", "value", '{"card_type":"search","icon_type":"tippytop"}', "pattern_mismatch"),
    (W, "topsite_click", "source", "NOWHERE", "unknown_enum"),
    (W, "topsite_click", "page", "both", "unknown_enum"),
    (W, "topsite_click", "session_id", "005deed0-e3e4-4c02-a041-17405fd703f6", "pattern_mismatch"),
    (W, "newtab_pref_changed", "page", "about:newtab", "additional_property"),
    (
        W,
        "newtab_pref_changed",
        "value",
        '{"status":true,"menu_source":"CUSTOMIZE_MENU"}',
        "missing_required",
    ),
    (W, "page_takeover", "value", "{}", "pattern_mismatch"),
    (W, "page_takeover", "page", "about:welcome", "unknown_enum"),
    (W, "newtab_session", "perf/load_trigger_ts", 1.5, "wrong_type"),
    (W, "newtab_session", "perf/topsites_icon_stats/tippytop", -1, "out_of_range"),
    (W, "story_impression_stats", "tiles/0/id", "10000", "wrong_type"),
    (W, "story_impression_stats", "tiles", [], "wrong_length"),
    (W, "story_click_stats", "block", 0, "additional_property"),
    (W, "pocket_button", "events/0/action", "stroke", "unknown_enum"),
    (W, "cfr_impression_prerelease", "impression_id", "{005deed0-e3e4-4c02-a041-17405fd703f6}", None),
    (W, "cfr_impression_release", "message_id", "YOUTUBE_ENHANCE_3", "unknown_enum"),
    (W, "moments_page_set_release", "client_id", "26288a14-5cc4-d14f-ae0a-bb01ef45be9c", "wrong_shape"),
    (W, "targeting_error", "client_id", "n/a", "additional_property"),
    (W, "sponsored_topsite_impression", "client_id", "n/a", "additional_property"),
    (W, "onboarding_click", "event_context", {"page": "about:welcome"}, "wrong_type"),
    (W, "onboarding_click", "attribution", {}, "wrong_length"),
    (W, "onboarding_click", "attribution/mood", "good", "additional_property"),
    (W, "whats_new_panel_event", "event_context", '{"view":"sidebar"}', "pattern_mismatch"),
    (W, "sourcegraph_log_user_event", "variables/event", "DAYDREAM", "unknown_enum"),
    (W, "sourcegraph_log_user_event", "query", "query logUserEvent { x }", "pattern_mismatch"),
    (W, "sourcegraph_log_event", "variables/source", "CODY", "unknown_enum"),
    (W, "sourcegraph_log_event", "variables/platform", "chrome-extension", "additional_property"),
    (W, "sourcegraph_log_event", "variables/argument", {"platform": "chrome-extension"}, "wrong_type"),
    (W, "sourcegraph_log_event", "variables/argument", "not json", "pattern_mismatch"),
    (W, "sourcegraph_log_event", "variables/userCookieID", "", "wrong_length"),
    (W, "sourcegraph_log_events", "variables/events", {}, "wrong_type"),
    (W, "sourcegraph_log_events", "variables/events/0/eventID", 1.5, "wrong_type"),
    (W, "sourcegraph_log_events", "variables/events/0/source", "CODY", "unknown_enum"),
    (W, "sourcegraph_log_events", "variables/events/0/argument", "not json", "pattern_mismatch"),
    (W, "sentry_event", "event_id", "9F1C5F1C7A0E4A6F8A5F2D3C4B5A6978", "pattern_mismatch"),
    (W, "sentry_event", "tags/script", "popup", "unknown_enum"),
    (W, "sentry_event", "exception/values/0/stacktrace/frames/0/filename", "https://x/a.js", "wrong_shape"),
    (W, "glean_events_ping", "ping_info/start_time", "2021-12-01T10:00Z", "pattern_mismatch"),
    (W, "glean_events_ping", "ping_info/reason", "periodic", "unknown_enum"),
    (W, "glean_events_ping", "client_info/shoe_size", "44", "additional_property"),
    (W, "glean_events_ping", "events", [], "wrong_length"),
    (W, "glean_events_ping", "events/0/name", "enroll", "unknown_enum"),
    (W, "glean_events_ping", "events/1/extra", {"experiment": "exp-a", "branch": "b"}, "missing_required"),
    (W, "glean_events_ping", "events/0/extra/n", 1, "wrong_type"),
    (D, "glean_events_ping", "events/3/name", "unenroll_failed", "unknown_enum"),
    (W, "event_ping", "application/mood", "good", "additional_property"),
    (W, "event_ping", "creationDate", "2021-12-01T10:00:00Z", "pattern_mismatch"),
    (W, "event_ping", "payload/reason", "boredom", "unknown_enum"),
    (W, "event_ping", "environment", {"build": {}}, "missing_required"),
    (W, "main_ping", "type", "event", "unknown_enum"),
]


@pytest.mark.parametrize(("dialect", "ping", "path", "value", "code"), SPECIFIC)
def test_a_specific_damage(dialect: Dialect, ping: str, path: str, value: object, code: str | None) -> None:
    document = example(ping, dialect)
    _put(document, path, value)
    problems = SCHEMAS[dialect].check(ROWS[ping].routes[dialect], document)
    assert problems
    assert {problem.code for problem in problems} <= set(CODES)
    if code is not None:
        assert problems[0].code == code, problems


EVENTS: list[tuple[list[Any], str]] = [
    ([1, "secure.proxy", "general", "settingsShown"], "ok"),
    ([1, "secure.proxy", "general", "update", "1.0.2"], "ok"),
    ([1, "secure.proxy", "general", "update"], "ok"),
    ([1, "secure.proxy", "networking", "429"], "ok"),
    ([1, "secure.proxy", "settings_url_clicks", "termsAndConditions"], "ok"),
    ([1, "secure.proxy", "webRTC", "exemptTab"], "ok"),
    ([1, "secure.proxy", "general", "settingsShown", None], "wrong_length"),
    ([1, "secure.proxy", "general", "proxyEnabled"], "wrong_length"),
    ([1, "secure.proxy", "general", "proxyEnabled", "mainButton"], "unknown_enum"),
    ([1, "secure.proxy", "general", "proxyEnabled", "toggleButton", {"version": "9"}], "wrong_length"),
    ([1, "secure.proxy", "fxa", "authDoubted"], "unknown_enum"),
    ([1, "secure.proxy", "authentication", "authStarted"], "unknown_enum"),
    ([1, "normandy", "unenrollFailed", "nimbus_experiment", "s", {"reason": "does-not-exist"}], "ok"),
    (
        [1, "normandy", "unenroll_failed", "nimbus_experiment", "s", {"reason": "does-not-exist"}],
        "unknown_enum",
    ),
    ([1, "normandy", "expose", "nimbus_experiment", "s", {"branch": "b"}], "missing_required"),
    ([1, "messaging_experiments", "reach", "moments_page", "s", {"branches": "b"}], "ok"),
    ([1, "messaging_experiments", "reach", "toast", "s", {"branches": "b"}], "unknown_enum"),
    ([1, "messaging_experiments", "reach", "cfr", "s"], "wrong_length"),
    ([1, "messaging_experiments", "targeting", "attribute_error", "foo"], "ok"),
    ([1, "activity_stream", "end", "session", "4199", {"page": "about:newtab"}], "ok"),
    ([1, "activity_stream", "end"], "wrong_length"),
    ([1.5, "activity_stream", "end", "session"], "wrong_type"),
    ([1, "activity_stream", "end", "session", "v" * 81], "wrong_length"),
    ([1, "activity_stream", "end", "session", None, {"page": 1}], "wrong_type"),
]


@pytest.mark.parametrize(("event", "code"), EVENTS)
def test_an_event_of_the_legacy_ping(event: list[Any], code: str) -> None:
    document = example("event_ping", "wire")
    document["payload"]["events"] = {"dynamic": [event]}
    assert SCHEMAS["wire"].code("telemetry/event/4", document) == code


def test_the_documents_print_enroll_failed_for_the_legacy_ping() -> None:
    assert SCHEMAS["wire"].code("telemetry/event/4", example("event_ping", "documented")) == "unknown_enum"
    assert SCHEMAS["documented"].code("telemetry/event/4", example("event_ping", "wire")) == "unknown_enum"


OTHER_EVENTS = [
    "DELETE_CONFIRM",
    "PIN",
    "SAVE_TO_POCKET",
    "MENU_MOVE_UP",
    "SEARCH_EDIT_CLOSE",
    "SUBMIT_EMAIL",
]


@pytest.mark.parametrize("event", OTHER_EVENTS)
def test_other_events_of_real_clients_pass_on_the_wire_by_the_base_rule(event: str) -> None:
    document = {**example("newtab_search", "wire"), "event": event}
    assert SCHEMAS["wire"].code("activity-stream/events/1", document) == "ok"
    del document["version"]
    assert SCHEMAS["wire"].code("activity-stream/events/1", document) == "missing_required"


def test_a_story_of_the_second_version_has_a_text_for_id() -> None:
    document = example("story_impression_stats", "wire")
    assert SCHEMAS["wire"].code("activity-stream/impression-stats/2", document) == "wrong_type"
    document["tiles"] = [{"id": "10000", "pos": 0}]
    assert SCHEMAS["wire"].code("activity-stream/impression-stats/2", document) == "ok"


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.name)
@pytest.mark.parametrize("document", [None, True, 1, "text", [], {}])
def test_what_is_no_ping_at_all(row: Any, document: object) -> None:
    for dialect in row.dialects:
        expected = "missing_required" if document == {} else "wrong_type"
        assert SCHEMAS[dialect].code(row.routes[dialect], document) == expected


@pytest.mark.parametrize("ping", ["snippets_interaction", "onboarding_click"])
def test_the_misspelt_click_of_the_documents_counts_as_a_click_on_the_wire(ping: str) -> None:
    document = {**example(ping, "wire"), "event": "CLICK_BUTTION"}
    assert SCHEMAS["wire"].code(ROWS[ping].routes["wire"], document) == "ok"


# What real clients are known to send beside the examples: other sources, later keys, other screens.
REAL: list[tuple[str, dict[str, Any]]] = [
    ("topsite_click", {"value": '{"icon_type":"tippytop"}'}),
    ("topsite_click", {"source": "HIGHLIGHTS", "value": '{"card_type":"bookmark"}'}),
    ("topstory_click", {"value": '{"card_type":"spoc","pocket_logged_in_status":true}'}),
    ("tile_block", {"source": "CARDGRID", "value": '{"card_type":"spoc"}'}),
    ("search_shortcut_add", {"action_position": 2}),
    ("privacy_info_show", {"source": "CARDGRID"}),
    ("newtab_search", {"page": "https://newtab.firefoxchina.cn/newtab/as/activity-stream.html"}),
    (
        "newtab_pref_changed",
        {
            "value": '{"status":false,"menu_source":"CUSTOMIZE_MENU"}',
            "page": "about:home",
            "session_id": "{005deed0-e3e4-4c02-a041-17405fd703f6}",
        },
    ),
    ("story_click_stats", {"source": "HERO", "client_id": "n/a", "session_id": "n/a"}),
    ("cfr_interaction_release", {"event": "ENABLE"}),
    ("remote_settings_error", {"event_context": "ms-language-packs"}),
    ("onboarding_impression", {"event_context": '{"domComplete":676,"mountStart":193}'}),
    ("onboarding_click", {"event_context": '{"source":"secondary_button_top","page":"about:welcome"}'}),
    ("onboarding_session_end", {"id": "ABOUT_WELCOME"}),
    ("sponsored_topsite_click", {"source": "urlbar", "reporting_url": "https://a.example/?id=1 2"}),
]


@pytest.mark.parametrize(("ping", "changes"), REAL)
def test_what_real_clients_are_known_to_send_passes_on_the_wire(ping: str, changes: dict[str, Any]) -> None:
    document = {**example(ping, "wire"), **changes}
    assert SCHEMAS["wire"].check(ROWS[ping].routes["wire"], document) == ()


# What the server's own GraphQL schema leaves open, though no client of ours sends it.
OPEN: list[tuple[str, str, object]] = [
    ("sourcegraph_log_user_event", "variables/userCookieID", ""),
    ("sourcegraph_log_user_event", "variables/event", "STAGEDEPLOY"),
    ("sourcegraph_log_event", "variables/userCookieID", "{1d2f7b66-58d3-4f06-9a0b-6f3f1f6c2c11}"),
    ("sourcegraph_log_event", "variables/url", ""),
    ("sourcegraph_log_event", "variables/source", "BACKEND"),
    ("sourcegraph_log_event", "variables/argument", None),
    ("sourcegraph_log_event", "variables/argument", "{}"),
    ("sourcegraph_log_event", "variables/publicArgument", None),
    ("sourcegraph_log_events", "variables/events", []),
    ("sourcegraph_log_events", "variables/events", None),
    ("sourcegraph_log_events", "variables/events/0/url", ""),
    ("sourcegraph_log_events", "variables/events/0/userCookieID", "somebody"),
]


@pytest.mark.parametrize(("ping", "path", "value"), OPEN)
def test_what_the_server_takes_passes_on_the_wire(ping: str, path: str, value: object) -> None:
    document = example(ping, "wire")
    _put(document, path, value)
    assert SCHEMAS["wire"].check(ROWS[ping].routes["wire"], document) == ()


def test_a_log_event_needs_no_argument_on_the_wire() -> None:
    document = example("sourcegraph_log_event", "wire")
    del document["variables"]["argument"]
    assert SCHEMAS["wire"].check("sourcegraph/log-event/1", document) == ()


@pytest.mark.parametrize(
    ("page", "trigger", "code"),
    [
        ("about:home", "first_window_opened", "ok"),
        ("about:home", "unexpected", "ok"),
        ("about:home", "menu_plus_or_keyboard", "unknown_enum"),
        ("about:newtab", "menu_plus_or_keyboard", "ok"),
        ("about:welcome", "menu_plus_or_keyboard", "ok"),
        ("about:newtab", "first_window_opened", "unknown_enum"),
    ],
)
def test_what_triggers_a_session_depends_on_its_page(page: str, trigger: str, code: str) -> None:
    perf = {"load_trigger_type": trigger, "visibility_event_rcvd_ts": 1638352800120, "is_preloaded": True}
    document = {**example("newtab_session", "wire"), "page": page, "perf": perf}
    assert SCHEMAS["wire"].code("activity-stream/sessions/1", document) == code
    perf["load_trigger_ts"] = -1
    assert SCHEMAS["wire"].code("activity-stream/sessions/1", document) == code
