"""The web application: windows of a second, sends in a row, ids, cookies, arguments."""

from __future__ import annotations

import json
from itertools import accumulate, groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sourcegraph_kit import DOTCOM, INSTANCE, PROFILE, sent, web

from simulator.client.sourcegraph_web import WebCookies, monday
from simulator.clock import MS_PER_DAY
from simulator.randomness import stream

T0 = 1_638_777_600_123


@given(
    gaps=st.lists(st.one_of(st.integers(0, 40), st.integers(0, 2_500), st.just(1_000)), max_size=60),
    answers_after_ms=st.one_of(st.integers(0, 300), st.integers(0, 4_000)),
)
def test_events_of_a_window_go_in_one_batch_in_order_and_none_is_lost(
    gaps: list[int], answers_after_ms: int
) -> None:
    sender, outbox = web("wire", instance_url=DOTCOM, answers_after_ms=answers_after_ms)
    sender.load_page(T0, "/search", "Home")
    times = [T0 + passed for passed in accumulate(gaps)]
    for n, at in enumerate(times):
        sender.action(at, f"action.n{n}", "{}")
    left_ms = sender.leave()

    names = [(T0, "ViewHome"), *((at, f"action.n{n}") for n, at in enumerate(times))]
    windows = [
        (window, [name for _, name in events])
        for window, events in groupby(names, lambda event: (event[0] - T0) // 1_000)
    ]
    batches = [(ping.due_ms, ping.body["variables"]["events"]) for ping in sent(outbox)]
    assert [[event["event"] for event in events] for _, events in batches] == [names for _, names in windows]
    answered = T0
    for (due_ms, _), (window, _) in zip(batches, windows, strict=True):
        closes = T0 + (window + 1) * 1_000
        assert due_ms == max(closes, answered)  # a batch waits for its window and for the answer before
        answered = due_ms + answers_after_ms
    assert [event["eventID"] for _, events in batches for event in events] == list(range(1, len(names) + 1))
    assert left_ms == batches[-1][0]


def _logged(dialect: str, **changes: Any) -> list[dict[str, Any]]:
    sender, outbox = web(dialect, **changes)  # type: ignore[arg-type]
    sender.load_page(T0, "/search", "Home", referrer="https://github.example.com/a/b")
    sender.action(T0 + 10, "goToPermalink", '{"path":"a b.md"}')
    sender.leave()
    (ping,) = sent(outbox)
    return ping.body.get("variables", ping.body)["events"]  # type: ignore[no-any-return]


WIRE_KEYS = {
    "event", "userCookieID", "cohortID", "firstSourceURL", "lastSourceURL", "referrer", "url", "source",
    "argument", "publicArgument",
}  # fmt: skip
ID_KEYS = {"deviceID", "eventID", "insertID"}


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({}, WIRE_KEYS),
        ({"instance_url": DOTCOM}, WIRE_KEYS | ID_KEYS),
        ({"later": True}, WIRE_KEYS | ID_KEYS),
    ],
)
def test_the_keys_of_an_event_on_the_wire(changes: dict[str, Any], keys: set[str]) -> None:
    assert [set(event) for event in _logged("wire", **changes)] == [keys, keys]


def test_the_keys_of_an_event_in_the_document() -> None:
    view, action = _logged("documented", opted_in=("goToPermalink",))
    named = {"event", "source", "anonymizedUserId", "sourcegraphURL"}
    assert set(view) == named | {"url", "firstSourceURL", "lastSourceURL"}
    assert set(action) == named | {"argument"}


def test_arguments_are_logged_only_where_the_caller_opted_in(dialect: str) -> None:
    _, without = _logged(dialect)
    _, with_argument = _logged(dialect, opted_in=("goToPermalink",))
    assert without.get("argument") is None
    assert json.loads(with_argument["argument"]) == {"path": "a b.md"}


def test_device_and_insert_ids() -> None:
    events = _logged("wire", later=True)
    assert {event["deviceID"] for event in events} == {PROFILE.web_user_id}
    assert len({event["insertID"] for event in events}) == len(events)


def test_loading_a_page_starts_event_ids_and_windows_anew() -> None:
    sender, outbox = web("wire", later=True)
    for at in (T0, T0 + 2_345):
        sender.load_page(at, "/search", "Home")
        sender.navigate(at + 5, "/a/b", "Repository")
        sender.leave()
    pings = sent(outbox)
    assert [[e["eventID"] for e in ping.body["variables"]["events"]] for ping in pings] == [[1, 2], [1, 2]]
    assert [ping.due_ms for ping in pings] == [T0 + 1_000, T0 + 3_345]


def test_a_followed_link_is_in_the_page_view_that_follows_it_and_nowhere_later() -> None:
    link = "/search?utm_source=chrome-extension&utm_campaign=global-search&q=x"
    sender, outbox = web("wire", is_new_to_web=True)
    sender.load_page(T0, "/search?q=x", "SearchResults", link=link)
    sender.navigate(T0 + 20, "/search?q=y", "SearchResults")
    sender.leave()
    view, after = sent(outbox)[0].body["variables"]["events"]
    assert view["url"] == view["firstSourceURL"] == view["lastSourceURL"] == INSTANCE + link
    assert after["url"] == INSTANCE + "/search?q=y"
    assert after["firstSourceURL"] == after["lastSourceURL"] == INSTANCE + link


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (0, "1969-12-29"),  # the epoch was a Thursday
        (18_966, "2021-11-29"),  # a Sunday
        (18_967, "2021-12-06"),  # a Monday
        (18_973, "2021-12-06"),  # a Sunday
    ],
)
def test_a_cohort_is_named_by_its_monday(day: int, expected: str) -> None:
    assert monday(day) == expected


def test_cookies_keep_who_came_first_and_where() -> None:
    cookies = WebCookies(PROFILE, stream(1, 1, "test"))
    cookies.visit(T0, f"{INSTANCE}/b")
    assert (cookies.user_id, cookies.first_source_url) == (PROFILE.web_user_id, PROFILE.first_source_url)
    assert cookies.cohort_id == "2021-12-06"
    cookies.visit(T0 + 365 * MS_PER_DAY, f"{INSTANCE}/c")
    assert cookies.user_id == PROFILE.web_user_id


def test_cookies_are_gone_a_year_after_the_last_visit() -> None:
    cookies = WebCookies(PROFILE, stream(1, 1, "test"))
    cookies.visit(T0, f"{INSTANCE}/b")
    cookies.visit(T0 + 366 * MS_PER_DAY, f"{INSTANCE}/c")
    assert cookies.user_id != PROFILE.web_user_id
    assert cookies.first_source_url == f"{INSTANCE}/c"
    assert cookies.cohort_id == "2022-12-05"
