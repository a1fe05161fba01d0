"""What must hold of every run of Firefox's people, whatever the scenario and the seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise

from firefox_run import Run, Sent

from simulator.catalogue import ping_types
from simulator.clock import utc
from simulator.population.preferences import (
    CFR_ADDONS,
    CFR_FEATURES,
    HIGHLIGHTS,
    SEARCH,
    SNIPPETS,
    SOURCE_OF_BIT,
    SPONSORED_STORIES,
    SPONSORED_TOP_SITES,
    TOP_SITES,
    TOP_STORIES,
)

STRUCTURED = {name for name, row in ping_types().items() if row.carrier == "structured"}
STORY_STATS = {f"story_{kind}_stats" for kind in ("impression", "click", "block", "pocket")}
CFR = {f"cfr_{kind}_{form}" for kind in ("impression", "interaction") for form in ("release", "prerelease")}
MESSAGING_KEYS = {
    *("action", "addon_version", "bucket_id", "browser_session_id", "client_id", "event", "event_context"),
    *("experiments", "impression_id", "locale", "message_id", "release_channel", "source", "user_prefs"),
    *("value", "version"),
}
MESSAGING = CFR | {
    *("snippets_impression", "snippets_interaction", "toolbar_badge", "whats_new_panel_event"),
    *("whats_new_panel_pref_toggle", "moments_page_set_release", "moments_page_set_prerelease"),
    *("infobar_event", "spotlight_event", "targeting_error", "remote_settings_error"),
}


def one_identity_in_each_ping(run: Run) -> None:
    """Exactly one of the three ids, the one of the catalogue; the documents leave it out of four samples."""
    for sent in run.sent:
        if sent.ping not in STRUCTURED:
            continue
        document = sent.document
        there = {
            key for key in ("client_id", "impression_id", "context_id") if document.get(key, "n/a") != "n/a"
        }
        expected = ping_types()[sent.ping].identity
        bare = {"topsite_edit", "topsite_preview_request", "remote_settings_error"}
        if expected == "none" or (run.dialect == "documented" and sent.ping in bare):
            assert not there, sent
        else:
            assert there == {expected}, sent
        if run.dialect == "wire":
            assert "n/a" not in {document.get("client_id"), document.get("impression_id")}, sent


def the_ids_of_a_person_never_meet(run: Run) -> None:
    """No ping has two of a person's three ids anywhere in it, nor anybody else's."""
    for client, pings in run.by_client.items():
        profile = run.profiles[client]
        ids = (profile.client_id, profile.impression_id, profile.context_id)
        assert len(set(ids)) == 3
        for sent in pings:
            if sent.ping in STRUCTURED:
                assert sum(found in sent.text for found in ids) <= 1, sent


def nobody_without_telemetry_sends(run: Run) -> None:
    """Opted-out clients are silent, and so is whoever has no Firefox."""
    for client in run.by_client:
        assert run.profiles[client].telemetry_on
        assert run.profiles[client].firefox


def sessions_end_after_everything_in_them(run: Run) -> None:
    """One session ping a session, the last with its id, and not shorter than nothing."""
    for pings in run.by_client.values():
        ended: set[str] = set()
        for sent in pings:
            session = sent.session
            if session in {"", "n/a"} or sent.ping == "page_takeover":
                continue
            assert session not in ended, sent
            if sent.ping == "newtab_session":
                ended.add(session)
                assert sent.document["session_duration"] >= 0


def times_never_go_back(run: Run) -> None:
    """A browser sends in the order of time, within the simulation.

    The Sourcegraph clients work out bursts ahead of their time; the corpus's writer puts those in order.
    """
    for pings in run.by_client.values():
        browsers = [sent for sent in pings if not sent.ping.startswith(("sourcegraph", "sentry"))]
        assert all(first.due_ms <= second.due_ms for first, second in pairwise(browsers))
        assert pings[0].due_ms >= run.plan.start_ms
        assert pings[-1].due_ms <= run.plan.end_ms


def performance_tells_a_possible_story(run: Run) -> None:
    """The rules of load triggers, the sums of icons, and times in their order."""
    for client, pings in run.by_client.items():
        first_windows: Counter[int] = Counter()
        skew = run.profiles[client].clock_skew_ms
        for sent in pings:
            if sent.ping != "newtab_session":
                continue
            perf, page = sent.document["perf"], sent.document["page"]
            trigger, at = perf["load_trigger_type"], perf.get("load_trigger_ts", -1)
            if page == "about:home":
                assert trigger in {"first_window_opened", "unexpected"}, sent
            if trigger == "menu_plus_or_keyboard":
                assert page == "about:newtab", sent
            if trigger == "unexpected":
                assert at == -1, sent
                assert ("load_trigger_ts" in perf) == (run.dialect == "wire")
            else:
                assert 0 <= at <= perf["visibility_event_rcvd_ts"], sent
            if trigger == "first_window_opened":
                assert page == "about:home", sent
                first_windows[int(at) if run.dialect == "wire" else len(first_windows)] += 1
            if perf["is_preloaded"]:
                assert page == "about:newtab", sent
            elif "topsites_icon_stats" in perf:
                assert perf["topsites_first_painted_ts"] >= perf["visibility_event_rcvd_ts"]
            _topsites(sent)
            gone_ms = perf["visibility_event_rcvd_ts"] + sent.document["session_duration"]
            assert perf.get("topsites_first_painted_ts", -1) <= gone_ms, sent
            for late in ("highlights_data_late_by_ms", "topsites_data_late_by_ms"):
                assert perf.get(late, 1) > 0
            if run.dialect == "wire":
                shown = sent.due_ms - sent.document["session_duration"] + skew
                assert abs(perf["visibility_event_rcvd_ts"] - shown) <= 1, sent
        assert all(count == 1 for count in first_windows.values())


def _topsites(sent: Sent) -> None:
    perf = sent.document["perf"]
    if "topsites_icon_stats" not in perf:
        assert "topsites_pinned" not in perf
        assert perf.get("topsites_first_painted_ts", -1) == -1
        return
    assert sent.document["user_prefs"] & TOP_SITES, sent
    tiles = sum(perf["topsites_icon_stats"].values())
    assert tiles == 8
    assert perf["topsites_pinned"] + perf["topsites_search_shortcuts"] <= tiles


def preferences_gate_and_follow(run: Run) -> None:
    """Every ping has the bits that the changes so far have left, and nothing that they switch off."""
    bit_of = {source: bit for bit, source in SOURCE_OF_BIT.items()}
    needs = {
        "topsite_click": TOP_SITES,
        "history_delete": TOP_SITES,
        "open_new_window": TOP_SITES,
        "open_private_window": TOP_SITES,
        "search_shortcut_add": TOP_SITES,
        "search_shortcut_delete": TOP_SITES,
        "newtab_search": SEARCH,
        "newtab_search_handoff": SEARCH,
        "topstory_click": TOP_STORIES,
        "popular_topic_click": TOP_STORIES,
        "story_load_more": TOP_STORIES,
        "story_loaded_content": TOP_STORIES,
        **dict.fromkeys(STORY_STATS, TOP_STORIES),
        "bookmark_add": HIGHLIGHTS,
        "bookmark_remove": HIGHLIGHTS,
        "sponsored_topsite_impression": TOP_SITES | SPONSORED_TOP_SITES,
        "sponsored_topsite_click": TOP_SITES | SPONSORED_TOP_SITES,
        "snippets_impression": SNIPPETS,
    }
    for client, pings in run.by_client.items():
        prefs = run.profiles[client].user_prefs
        for sent in pings:
            if sent.ping == "newtab_pref_changed":
                bit = bit_of[sent.document["source"]]
                prefs ^= bit
                assert sent.value["status"] == bool(prefs & bit), sent
            if sent.ping in STRUCTURED:
                assert sent.document.get("user_prefs", prefs) == prefs, sent
            needed = needs.get(sent.ping, 0)
            assert prefs & needed == needed, sent
            if sent.value.get("card_type") == "spoc" or '"shim"' in sent.text:
                story = sent.document.get("source") not in {"TOP_SITES"}
                assert prefs & (SPONSORED_STORIES if story else SPONSORED_TOP_SITES), sent
            if sent.ping == "tile_block":
                assert prefs & (TOP_SITES if sent.document["source"] == "TOP_SITES" else TOP_STORIES), sent
            if sent.ping.startswith("cfr_impression"):
                assert prefs & _category_bits(run, sent), sent


def _category_bits(run: Run, sent: Sent) -> int:
    named = {sent.document.get("message_id"), sent.document.get("bucket_id")}
    messages = [m for m in run.messages.values() if m.surface == "cfr" and named & {m.id, m.bucket}]
    assert messages, sent
    bits = {"addons": CFR_ADDONS, "features": CFR_FEATURES}
    return sum({bits[message.category] for message in messages})


def what_is_undone_was_done_before(run: Run) -> None:
    """Hide after show, remove after add, the privacy link after its notice, nothing twice."""
    for pings in run.by_client.values():
        shown: set[str] = set()
        noticed: set[str] = set()
        opened: set[str] = set()
        bookmarks: set[int] = set()
        shortcuts: Counter[str] = Counter()
        for sent in pings:
            match sent.ping:
                case "newtab_personalize_show":
                    assert sent.session not in shown
                    shown.add(sent.session)
                case "newtab_personalize_hide":
                    shown.remove(sent.session)
                case "privacy_info_show":
                    noticed.add(sent.session)
                case "privacy_info_click":
                    noticed.remove(sent.session)
                case "newtab_prefs_open":
                    opened.add(sent.session)
                case "newtab_prefs_close":
                    opened.remove(sent.session)
                case "bookmark_add":
                    assert sent.document["action_position"] not in bookmarks
                    bookmarks.add(sent.document["action_position"])
                case "bookmark_remove":
                    bookmarks.remove(sent.document["action_position"])
                case "search_shortcut_add":
                    shortcuts[sent.value["search_vendor"]] += 1
                case "search_shortcut_delete":
                    shortcuts[sent.value["search_vendor"]] -= 1
                    assert shortcuts[sent.value["search_vendor"]] >= 0


def clicks_on_stories_come_in_pairs(run: Run) -> None:
    """The event that names the client, then at once the statistics that do not."""
    for pings in run.by_client.values():
        for first, second in pairwise([*pings, pings[-1]]):
            if first.ping == "topstory_click":
                assert second.ping == "story_click_stats"
                assert second.due_ms == first.due_ms
                assert second.document["tiles"][0]["pos"] == first.document["action_position"]
                assert ("shim" in second.document["tiles"][0]) == (first.value["card_type"] == "spoc")


def story_statistics_have_one_outcome(run: Run) -> None:
    """One tile and index 0 for what was done; loaded counts its tiles; version and type of ids agree."""
    for sent in run.of("story_loaded_content", *STORY_STATS):
        tiles = sent.document["tiles"]
        done = [key for key in ("click", "block", "pocket") if key in sent.document]
        if done:
            assert len(tiles) == 1
            assert [sent.document[key] for key in done] == [0]
        if "loaded" in sent.document:
            assert sent.document["loaded"] == len(tiles)
        as_text = sent.route.endswith("/2")
        assert all(isinstance(tile["id"], str if as_text else int) for tile in tiles)


def pinned_tabs_are_counted(run: Run) -> None:
    """Each tab that is pinned makes one more."""
    for client, pings in run.by_client.items():
        counts = [sent.value["total_pinned_tabs"] for sent in pings if sent.ping == "tab_pinned"]
        start = run.profiles[client].pinned_tabs
        assert counts == list(range(start + 1, start + 1 + len(counts)))


def once_a_run(run: Run) -> None:
    """A taken-over page is told once a start; a removed Pocket button never again."""
    takeovers = Counter(sent.document["browser_session_id"] for sent in run.of("page_takeover"))
    assert all(count == 1 for count in takeovers.values())
    for pings in run.by_client.values():
        actions = [sent.document["events"][0]["action"] for sent in pings if sent.ping == "pocket_button"]
        assert "unpin" not in actions[:-1]


def messaging_pings_say_nothing_of_the_site(run: Run) -> None:
    """Only the known keys, and texts that the scenario itself holds."""
    for sent in run.sent:
        if sent.ping in MESSAGING:
            assert sent.document.keys() <= MESSAGING_KEYS, sent
            assert "://" not in sent.text, sent


def release_recommendations_name_nobody(run: Run) -> None:
    """On release, outside experiments on recommendations: no client id and no message id."""
    experiments = {e.slug for e in run.scenario.experiments if e.feature == "cfr"}
    recommendations = {m.id for m in run.messages.values() if m.surface == "cfr"}
    for sent in run.of(*CFR, "moments_page_set_release", "moments_page_set_prerelease"):
        profile = run.profiles[sent.client]
        annotated = set(sent.document.get("experiments", {}))
        anonymous = profile.channel == "release" and not annotated & experiments
        assert anonymous == sent.ping.endswith("_release"), sent
        if anonymous:
            assert profile.client_id not in sent.text
            if sent.ping in CFR:
                told = {sent.document.get("message_id"), sent.document.get("bucket_id")}
                assert not told & recommendations, sent


_CLOSING = {"INSTALL", "ENABLE", "PIN", "CLICK_BUTTON", "CLICK", "DISMISS", "BLOCK", "MANAGE"}


def doorhangers_keep_their_order(run: Run) -> None:
    """Impression, opened, perhaps explained, closed one way; one message at a time."""
    for pings in run.by_client.values():
        state, about = "closed", None
        for sent in pings:
            if sent.ping not in CFR:
                continue
            event = sent.document["event"]
            named = sent.document["message_id"], sent.document.get("bucket_id")
            if event == "IMPRESSION":
                state, about = "shown", named
                continue
            assert named == about, sent
            if event == "CLICK_DOORHANGER":
                assert state == "shown", sent
                state = "open"
            elif event in {"RATIONALE", "LEARN_MORE"}:
                assert state == "open", sent
            else:
                assert event in _CLOSING, sent
                assert state == "open", sent
                state = "closed"


def bars_and_dialogs_close_once(run: Run) -> None:
    """One impression, then at most one closing action, of the same message in the same browser run."""
    for ping in ("infobar_event", "spotlight_event"):
        for pings in run.by_client.values():
            open_one: tuple[str, str] | None = None
            for sent in pings:
                if sent.ping != ping:
                    continue
                named = sent.document["message_id"], sent.document["browser_session_id"]
                if sent.document["event"] == "IMPRESSION":
                    open_one = named
                else:
                    assert open_one == named, sent
                    open_one = None


def caps_hold_for_life(run: Run) -> None:
    """Lifetime, periods and groups, counted over what was really shown."""
    groups = run.scenario.message_groups
    surfaces = {"infobar_event", "spotlight_event", "snippets_impression", "toolbar_badge"}
    surfaces |= {"cfr_impression_prerelease", "moments_page_set_prerelease"}
    for pings in run.by_client.values():
        shown: dict[str, list[int]] = defaultdict(list)
        shown_of_group: dict[str, list[int]] = defaultdict(list)
        for sent in pings:
            if sent.ping in surfaces and sent.document["event"] in {"IMPRESSION", "MOMENTS_PAGE_SET"}:
                message = run.messages[sent.document["message_id"]]
                shown[message.id].append(sent.due_ms)
                if message.group:
                    shown_of_group[message.group].append(sent.due_ms)
        for name, times in shown.items():
            _within(run.messages[name].frequency, times)
        for name, times in shown_of_group.items():
            _within(groups[name], times)


def _within(frequency: object, times: list[int]) -> None:
    lifetime = getattr(frequency, "lifetime", None)
    assert lifetime is None or len(times) <= lifetime
    for cap in getattr(frequency, "custom", []):
        for number, at in enumerate(times):
            assert sum(at - cap.period < other <= at for other in times[: number + 1]) <= cap.cap


def blocked_is_blocked(run: Run) -> None:
    """After a block or a followed recommendation, nothing of that message ever again."""
    over = {"BLOCK", "CLICK", "CLICK_PRIMARY_BUTTON"}
    for pings in run.by_client.values():
        gone: set[tuple[str, str]] = set()
        for sent in pings:
            if sent.ping not in MESSAGING or sent.ping.startswith("whats_new"):
                continue
            name = sent.document.get("message_id", "n/a")
            if name == "n/a" or name not in run.messages:
                continue
            surface = run.messages[name].surface
            if sent.ping in {"targeting_error", "remote_settings_error"}:
                continue
            assert (surface, name) not in gone, sent
            event = sent.document["event"]
            primary = run.messages[name].primary_action if surface == "cfr" else ""
            if event in over or (surface == "cfr" and event == primary) or event == "MOMENTS_PAGE_SET":
                gone.add((surface, name))


def panels_list_before_they_are_clicked(run: Run) -> None:
    """The What's New panel's impression lists sorted ids; a click is of one that was listed."""
    for pings in run.by_client.values():
        listed: list[str] = []
        for sent in pings:
            if sent.ping == "whats_new_panel_event":
                ids = sent.document["message_id"].split(",")
                if sent.document["event"] == "IMPRESSION":
                    listed = ids
                    assert ids == sorted(ids)
                else:
                    assert len(ids) == 1
                    assert ids[0] in listed


def welcome_is_walked_once_in_order(run: Run) -> None:
    """about:welcome: bare impression, screens in order, clicks on the screen that is shown, one end, never again."""
    ours = {name for name in ping_types() if name.startswith("onboarding")}
    for client, everything in run.by_client.items():
        pings = [sent for sent in everything if sent.ping in ours]
        if not pings:
            continue
        profile = run.profiles[client]
        assert profile.is_new
        assert [sent.ping for sent in pings].count("onboarding_session_end") == 1
        assert pings[-1].ping == "onboarding_session_end"
        assert len({sent.document["browser_session_id"] for sent in pings}) == 1
        first = pings[0].document["message_id"]
        assert first == ("RTAMO_DEFAULT_WELCOME" if profile.returns_to_amo else "DEFAULT_ABOUTWELCOME")
        screens = [
            sent.document["message_id"]
            for sent in pings[1:]
            if sent.ping == "onboarding_impression" and not sent.document["message_id"].endswith("_SITES")
        ]
        order = [f"{first}_{name}" for name in run.messages[first].screens]
        assert screens == order[: len(screens)]
        shown = first
        for sent in pings[:-1]:
            if sent.ping == "onboarding_impression":
                shown = (
                    shown if sent.document["message_id"].endswith("_SITES") else sent.document["message_id"]
                )
            else:
                assert sent.document["message_id"] == shown
        if "onboarding_rtamo_install" in {sent.ping for sent in pings}:
            assert pings[0].document["attribution"]["source"] == "addons.mozilla.org"


def versions_only_grow(run: Run) -> None:
    """An update brings a later version and build; the two go together."""
    builds: dict[tuple[str, str], set[str]] = defaultdict(set)
    for pings in run.by_client.values():
        versions = [
            [int("".join(filter(str.isdigit, part)) or 0) for part in sent.document["version"].split(".")]
            for sent in pings
            if sent.ping in STRUCTURED and "version" in sent.document
        ]
        assert all(first <= second for first, second in pairwise(versions))
        for sent in pings:
            if (
                sent.ping in STRUCTURED
                and {"version", "addon_version", "release_channel"} <= sent.document.keys()
            ):
                key = sent.document["version"], sent.document["release_channel"]
                builds[key].add(sent.document["addon_version"])
    assert all(len(found) == 1 for found in builds.values())


def builds_are_older_than_their_pings(run: Run) -> None:
    """Nobody runs, or updates to, a build that is yet to be made, whatever their clock says."""
    for sent in run.sent:
        document = sent.document
        told = {
            document.get("addon_version"),
            document.get("application", {}).get("buildId"),
            document.get("client_info", {}).get("app_build"),
        }
        then = utc(sent.due_ms).strftime("%Y%m%d%H%M%S")
        assert all(build <= then for build in told if build), sent


INVARIANTS: tuple[Callable[[Run], None], ...] = (
    one_identity_in_each_ping,
    the_ids_of_a_person_never_meet,
    nobody_without_telemetry_sends,
    sessions_end_after_everything_in_them,
    times_never_go_back,
    performance_tells_a_possible_story,
    preferences_gate_and_follow,
    what_is_undone_was_done_before,
    clicks_on_stories_come_in_pairs,
    story_statistics_have_one_outcome,
    pinned_tabs_are_counted,
    once_a_run,
    messaging_pings_say_nothing_of_the_site,
    release_recommendations_name_nobody,
    doorhangers_keep_their_order,
    bars_and_dialogs_close_once,
    caps_hold_for_life,
    blocked_is_blocked,
    panels_list_before_they_are_clicked,
    welcome_is_walked_once_in_order,
    versions_only_grow,
    builds_are_older_than_their_pings,
)
