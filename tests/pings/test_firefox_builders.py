"""Every Firefox builder against schemas and examples that were written without it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import simulator.pings.firefox
from simulator.catalogue import example, load_schemas, ping_types
from simulator.pings.firefox.activity_stream_router_pings.cfr_metadata import (
    cfr_metadata_prerelease,
    cfr_metadata_release,
)
from simulator.pings.firefox.activity_stream_router_pings.snippets_metadata import snippets_metadata
from simulator.pings.firefox.basic_metadata import Application, client_metadata, user_event_metadata
from simulator.pings.firefox.firefox_onboarding_about_welcome_pings.onboarding_metadata import (
    onboarding_metadata,
)
from simulator.pings.firefox.panel_metadata import panel_metadata
from simulator.pings.firefox.session_end_pings import performance, session_metadata, topsites_statistics
from simulator.pings.firefox.sponsored_topsites_pings.sponsored_metadata import (
    sponsored_metadata,
    sponsored_tile,
)
from simulator.pings.firefox.top_story_pings.impression_metadata import impression_metadata, tiles_list
from simulator.pings.firefox.user_event_pings.tile_value import tile_value
from simulator.records import DIALECTS, Dialect

ROOT = Path(simulator.pings.firefox.__file__).parent
APP = Application("20211129150630", "95.0", "release", "en-US")
UUID = "26288a14-5cc4-4d4f-ae0a-bb01ef45be9c"
OTHER = "e7e52665-7db3-4348-9918-e93160eb2ef3"
EXPERIMENTS = '{"experiment_1":{"branch":"control"},"experiment_2":{"branch":"treatment"}}'

#: Containers are built elsewhere, from many events each.
OURS = {
    name: row
    for name, row in ping_types().items()
    if row.product == "firefox" and row.seed == 1 and row.carrier == "structured"
}


def slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")


def builder_of(ping: str) -> Callable[..., str]:
    """The function named like the ping, in the one module named like its section."""
    (path,) = ROOT.rglob(slug(OURS[ping].section) + ".py")
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    builder: Callable[..., str] = getattr(importlib.import_module(f"simulator.pings.firefox.{module}"), ping)
    return builder


def build(
    ping: str, dialect: Dialect, *, text: str = "A_MESSAGE", position: int = 2, prefs: int = 255
) -> dict[str, Any]:
    on_page = client_metadata(
        dialect,
        APP,
        page="about:newtab",
        client_id=UUID,
        browser_session_id=OTHER,
        experiments=None if dialect == "documented" else EXPERIMENTS,
        user_prefs=prefs,
    )
    user = user_event_metadata(dialect, on_page, session_id=OTHER)
    session = session_metadata(
        dialect,
        APP,
        page="about:newtab",
        client_id=UUID,
        profile_creation_day=18_786,
        experiments=EXPERIMENTS,
        user_prefs=prefs,
    )
    impression = impression_metadata(
        dialect, APP, impression_id=UUID, page="about:home", experiments=EXPERIMENTS, user_prefs=prefs
    )
    cfr_named = cfr_metadata_prerelease(
        dialect, APP, client_id=UUID, message_id=text, bucket_id="BUCKET", experiments=EXPERIMENTS
    )
    cfr_unnamed = cfr_metadata_release(
        dialect, APP, impression_id=UUID, bucket_id="BUCKET", experiments=EXPERIMENTS
    )
    snippet = snippets_metadata(dialect, APP, client_id=UUID, message_id=text, experiments=EXPERIMENTS)
    sponsored = sponsored_metadata(APP, context_id=UUID, experiments=EXPERIMENTS)
    tile = sponsored_tile(
        advertiser="example", tile_id=42, position=1, reporting_url="https://example.test/?a=b%20c"
    )
    value = tile_value(dialect, icon_type="tippytop", card_type="search", search_vendor="google")
    plain_value = tile_value(dialect, icon_type="rich_icon", card_type="pinned")
    welcome = onboarding_metadata(
        APP,
        client_id=UUID,
        browser_session_id=OTHER,
        experiments=EXPERIMENTS,
        attribution=example("onboarding_click", dialect)["attribution"],
    )
    perf = performance(
        dialect,
        trigger_type="menu_plus_or_keyboard",
        trigger_us=1_638_352_800_000_000,
        visible_us=1_638_352_800_120_000,
        topsites_painted_us=1_638_352_800_188_000,
        topsites=topsites_statistics((0, 2, 1, 2, 1, 0), pinned=3, search_shortcuts=2),
        topsites_late_ms=35,
        highlights_late_ms=67,
        is_preloaded=False,
        origin_us=1_638_352_799_000_000,
    )
    client = {"client_id": UUID, "browser_session_id": OTHER}
    state = {"experiments": EXPERIMENTS, "user_prefs": prefs}
    panel = panel_metadata(dialect, APP, **client, message_id=text, experiments=EXPERIMENTS)
    toggled = panel_metadata(dialect, APP, **client, message_id="n/a", experiments=EXPERIMENTS)
    message = {"message_id": text, "experiments": EXPERIMENTS}
    arguments: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
        "page_takeover": (
            (dialect, APP),
            {
                "taken": {
                    "home_url_category": "search-engine",
                    "home_extension_id": UUID,
                    "newtab_url_category": "other",
                    "newtab_extension_id": UUID,
                },
                "session_id": OTHER,
                **client,
                **state,
            },
        ),
        "topsite_click": ((user,), {"position": position, "value": value}),
        "tile_block": ((user,), {"position": position, "value": value}),
        "history_delete": ((user,), {"position": position, "value": plain_value}),
        "open_new_window": ((user,), {"position": position, "value": plain_value}),
        "open_private_window": ((user,), {"position": position, "value": plain_value}),
        "topstory_click": ((dialect, user), {"position": position, "sponsored": True}),
        "popular_topic_click": ((dialect, user), {"topic": "finance"}),
        "search_shortcut_add": ((dialect, user), {"position": position, "vendor": "google"}),
        "search_shortcut_delete": ((dialect, user), {"position": position, "vendor": "google"}),
        "privacy_info_show": ((dialect, user), {"source": "CARDGRID", "position": position}),
        "bookmark_add": ((dialect, user), {"position": position}),
        "bookmark_remove": ((dialect, user), {"position": position}),
        "newtab_pref_changed": (
            (dialect, APP),
            {"source": "SNIPPETS", "status": False, "page": None, "session_id": None, **client, **state},
        ),
        "tab_pinned": ((dialect, APP), {"total_pinned_tabs": 2, **client, **state}),
        "topsite_edit": ((dialect, user), {"browser_session_id": OTHER, "position": -1}),
        "topsite_preview_request": ((dialect, user), {"browser_session_id": OTHER}),
        "newtab_session": (
            (dialect, session),
            {"session_id": OTHER, "duration_ms": 4199, "perf": perf},
        ),
        "story_impression_stats": (
            (impression, tiles_list(["1", "2"], positions=dialect == "wire")),
            {},
        ),
        "story_loaded_content": (
            (impression, tiles_list(["1", "2"], positions=dialect == "wire")),
            {"loaded": 2},
        ),
        **{
            f"story_{kind}_stats": ((impression,), {"story": "7", "position": position, "shim": "a/b,c+"})
            for kind in ("click", "block", "pocket")
        },
        "pocket_button": (
            (dialect, APP),
            {
                "action": "save",
                "source": "save_button",
                "position": 0,
                "logged_in": True,
                "impression_id": UUID,
                "profile_creation_day": 18_550,
                "experiments": EXPERIMENTS,
            },
        ),
        "snippets_impression": ((snippet,), {}),
        "snippets_interaction": ((dialect, snippet), {"event": "CLICK_BUTTON"}),
        "cfr_impression_prerelease": ((cfr_named,), {}),
        "cfr_impression_release": ((cfr_unnamed,), {}),
        "cfr_interaction_prerelease": (
            (dialect, cfr_named),
            {"event": "CLICK_DOORHANGER", "model_version": "m1" if dialect == "documented" else ""},
        ),
        "cfr_interaction_release": ((dialect, cfr_unnamed), {"event": "DISMISS"}),
        "targeting_error": (
            (dialect, APP),
            {"impression_id": UUID, "message_id": text, "cause": "OTHER_ERROR", "experiments": EXPERIMENTS},
        ),
        "remote_settings_error": (
            (dialect, APP),
            {"impression_id": UUID, "event": "ASR_RS_ERROR", "provider": "cfr-remote", **state},
        ),
        "toolbar_badge": ((dialect, APP), {**client, **message, "message_id": "A_BADGE", "event": "CLICK"}),
        "whats_new_panel_event": ((dialect, panel), {"event": "CLICK", "view": "application_menu"}),
        "whats_new_panel_pref_toggle": ((dialect, toggled), {"value": True}),
        "moments_page_set_release": (
            (dialect, APP),
            {"impression_id": UUID, "bucket_id": "WNP_THANK_YOU", "experiments": EXPERIMENTS},
        ),
        "moments_page_set_prerelease": ((dialect, APP), {"client_id": UUID, "bucket_id": text, **message}),
        "infobar_event": ((APP,), {**client, **message, "event": "DISMISSED"}),
        "spotlight_event": ((APP,), {**client, **message, "event": "DISMISS"}),
        "experiment_reach": ((), {"feature": "cfr", "slug": text, "branches": "treatment"}),
        "attribute_error": ((), {"attribute": "locale", "source": text}),
        "attribute_timeout": ((), {"attribute": "locale", "source": text}),
        "onboarding_impression": ((dialect, welcome), {"message_id": "DEFAULT_ABOUTWELCOME"}),
        "onboarding_click": (
            (dialect, welcome),
            {"message_id": "RTAMO_DEFAULT_WELCOME", "source": "secondary_button"},
        ),
        "onboarding_rtamo_install": ((dialect, welcome), {"message_id": "RTAMO_DEFAULT_WELCOME"}),
        "onboarding_session_end": (
            (dialect, welcome),
            {"message_id": "DEFAULT_ABOUTWELCOME", "reason": "app-shut-down"},
        ),
        "sponsored_topsite_impression": ((sponsored, tile), {}),
        "sponsored_topsite_click": ((sponsored, tile), {}),
    }
    given_arguments, named = arguments.get(ping, ((user,), {}))
    document: dict[str, Any] = orjson.loads(builder_of(ping)(*given_arguments, **named))
    return document


CASES: list[tuple[Dialect, str]] = [
    (dialect, ping) for dialect in DIALECTS for ping, row in OURS.items() if dialect in row.dialects
]


@pytest.mark.parametrize("ping", OURS)
def test_each_ping_has_one_builder_in_the_module_of_its_section(ping: str) -> None:
    assert builder_of(ping).__name__ == ping


@pytest.mark.parametrize(("dialect", "ping"), CASES)
def test_what_a_builder_makes_is_valid(dialect: Dialect, ping: str) -> None:
    assert load_schemas(dialect).check(OURS[ping].routes[dialect], build(ping, dialect)) == ()


@pytest.mark.parametrize(("dialect", "ping"), CASES)
def test_its_keys_are_those_of_the_hand_written_example(dialect: Dialect, ping: str) -> None:
    built, expected = build(ping, dialect), example(ping, dialect)
    assert built.keys() == expected.keys()
    for key in ("perf", "event_context", "value"):
        if isinstance(expected.get(key), dict) and ping != "topsite_click":
            assert built[key].keys() <= expected[key].keys() | {"search_vendor"}


@pytest.mark.slow
@given(text=st.text(min_size=1, max_size=40), position=st.integers(0, 100), prefs=st.integers(0, 511))
def test_any_text_in_a_message_stays_text(text: str, position: int, prefs: int) -> None:
    for dialect in DIALECTS:
        for ping in ("infobar_event", "spotlight_event", "targeting_error", "snippets_impression"):
            assert build(ping, dialect, text=text, position=position, prefs=prefs)["message_id"] == text
