"""Habits read from pings that were written by hand, so that every figure can be worked out on paper."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.clock import MS_PER_DAY, MS_PER_HOUR
from simulator.report.habits import Comparison, Habits, comparisons

MONDAY = 18_988 * MS_PER_DAY  # 2021-12-27
WEEK = 7 * MS_PER_DAY


def told(seen: Habits, *, span_ms: int = WEEK, senders: int = 3, clients: int = 4) -> dict[str, Comparison]:
    return {row.figure.name: row for row in comparisons(seen, span_ms, senders=senders, clients=clients)}


def session(
    seen: Habits,
    started_ms: int,
    client: int = 0,
    *,
    lasted_ms: int = 1_000,
    locale: str = "en-US",
    page: str = "about:newtab",
    trigger: str = "menu_plus_or_keyboard",
) -> None:
    body: dict[str, Any] = {
        "session_duration": lasted_ms,
        "locale": locale,
        "page": page,
        "perf": {"load_trigger_type": trigger},
    }
    seen.add("newtab_session", started_ms + lasted_ms, client, body)


def subsession(
    seen: Habits, ended_ms: int, client: int, *, seconds: int, run: int, reason: str, os: dict[str, str]
) -> None:
    info = {"subsessionLength": seconds, "sessionLength": run, "reason": reason}
    body = {"payload": {"info": info}, "environment": {"system": {"os": os}}}
    seen.add("main_ping", ended_ms, client, body)


def test_rates_are_per_client_and_day_on_which_it_was_active() -> None:
    seen = Habits()
    for client, day in ((1, 0), (1, 0), (1, 1), (2, 4)):
        session(seen, MONDAY + day * MS_PER_DAY, client)
    session(seen, MONDAY, 2, page="about:home", trigger="first_window_opened")
    seen.paid_tiles = 10
    found = told(seen)
    # Client 1 was there on two days, client 2 on Monday and on Friday.
    assert found["new_tabs_a_day"].simulated == 4 / 4
    assert found["runs_a_day"].simulated == 1 / 4
    assert found["sponsored_tiles"].simulated == 10 / 5
    assert found["days_a_week"].simulated == 4 / 2
    assert told(seen, span_ms=2 * WEEK)["days_a_week"].simulated == 1
    samples = [found[name].sample for name in ("new_tabs_a_day", "sponsored_tiles", "days_a_week")]
    assert samples == [4, 5, 2]
    assert found["telemetry_on"].simulated == 0.75
    assert found["telemetry_on"].sample == 4


def test_the_distance_is_relative_to_the_published_value() -> None:
    seen = Habits()
    session(seen, MONDAY, page="about:home", trigger="first_window_opened")
    row = told(seen)["runs_a_day"]
    assert row.published == row.figure.value
    assert row.distance == pytest.approx(abs(1 - row.figure.value) / row.figure.value, abs=1e-4)


def test_less_than_a_week_says_nothing_about_weeks() -> None:
    seen = Habits()
    session(seen, MONDAY)
    weekly = {"days_a_week", "week_mean_below_thursday", "telemetry_on"}
    assert weekly <= told(seen).keys() | {"week_mean_below_thursday"}
    assert not weekly & told(seen, span_ms=WEEK - 1).keys()


def test_the_daily_curve_has_the_starts_of_american_sessions_on_weekdays() -> None:
    seen = Habits()
    session(seen, MONDAY + 9 * MS_PER_HOUR - 1, lasted_ms=3 * MS_PER_HOUR)
    session(seen, MONDAY + 9 * MS_PER_HOUR)
    session(seen, MONDAY + 4 * MS_PER_DAY + 9 * MS_PER_HOUR)  # Friday
    session(seen, MONDAY + 5 * MS_PER_DAY + 10 * MS_PER_HOUR)  # Saturday
    session(seen, MONDAY + 6 * MS_PER_DAY + 10 * MS_PER_HOUR)  # Sunday
    session(seen, MONDAY + 11 * MS_PER_HOUR, locale="de")
    row = told(seen)["daily_curve"]
    assert row.sample == 3
    assert {hour: share for hour, share in enumerate(row.simulated) if share} == {8: 0.3333, 9: 0.6667}
    moved = sum(abs(a - b) for a, b in zip(row.simulated, row.published, strict=True)) / 2
    assert row.distance == pytest.approx(moved, abs=0.002)


def test_a_locale_counts_once_for_each_client() -> None:
    seen = Habits()
    for client, locale in ((1, "en-US"), (1, "en-US"), (2, "de"), (3, "de"), (4, "xx")):
        session(seen, MONDAY, client, locale=locale)
    row = told(seen)["locales"]
    assert (row.simulated["en-US"], row.simulated["de"], row.sample) == (0.25, 0.5, 4)
    # Half of all that differs has to move; what has no published share counts as well.
    theirs = row.figure.value
    named = sum(abs(row.simulated[name] - theirs[name]) for name in theirs)
    others = abs(0.75 - sum(theirs.values()))
    assert row.distance == pytest.approx((named + others) / 2, abs=1e-3)


def test_whole_weeks_are_held_against_their_thursdays() -> None:
    seen = Habits()
    for day in range(17):  # two weeks from a Monday on, and three days that make no week
        for client in range(10 if day % 7 == 3 else 5):
            session(seen, MONDAY + day * MS_PER_DAY, client)
    row = told(seen, span_ms=3 * WEEK)["week_mean_below_thursday"]
    assert row.simulated == pytest.approx(1 - (10 + 6 * 5) / 7 / 10, abs=1e-4)
    assert row.sample == 2 * 10 + 15 * 5


@pytest.mark.parametrize("days", [[0], [0, 6], [2, 4, 9]])
def test_a_week_whose_thursday_nobody_was_there_is_held_against_nothing(days: list[int]) -> None:
    seen = Habits()
    for day in days:
        session(seen, MONDAY + day * MS_PER_DAY)
    assert "week_mean_below_thursday" not in told(seen, span_ms=2 * WEEK)


def test_use_is_counted_by_client_and_day_and_runs_where_they_end() -> None:
    seen = Habits()
    new, old = {"name": "Windows_NT", "version": "10.0"}, {"name": "Windows_NT", "version": "6.1"}
    # What ends at midnight was of the day before.
    subsession(seen, MONDAY + MS_PER_DAY, 1, seconds=7_200, run=7_200, reason="daily", os=old)
    subsession(seen, MONDAY + MS_PER_HOUR, 1, seconds=3_600, run=600, reason="shutdown", os=new)
    subsession(seen, MONDAY + MS_PER_DAY + 1, 1, seconds=3_600, run=1_200, reason="shutdown", os=new)
    subsession(seen, MONDAY, 2, seconds=1_800, run=6_000, reason="shutdown", os=old)
    subsession(seen, MONDAY, 3, seconds=1_800, run=60, reason="daily", os=old)
    found = told(seen)
    assert found["daily_use_hours"].simulated == pytest.approx(5 / 4, abs=1e-4)
    assert found["daily_use_hours"].sample == 4
    assert found["run_median_minutes"].simulated == 20
    assert found["run_median_minutes"].sample == 3
    assert found["windows_10_or_11"].simulated == pytest.approx(1 / 3, abs=1e-4)
    assert found["windows_10_or_11"].sample == 3
    assert found["end_reasons"].simulated["shutdown"] == 0.6
    assert found["end_reasons"].simulated["daily"] == 0.4


def test_clicks_fall_from_one_position_to_the_next() -> None:
    seen = Habits()
    for position in range(8):
        for _ in range(round(4_000 * 0.5**position) if position > 1 else 9):  # the first two are adverts
            seen.add("topsite_click", MONDAY, 1, {"action_position": position})
    row = told(seen)["position_decay"]
    assert row.simulated == pytest.approx(0.5, abs=0.005)
    assert row.sample == sum(round(4_000 * 0.5**position) for position in range(2, 8))
    del seen.clicks[7]
    assert "position_decay" not in told(seen), "a position without a click has no logarithm"


def test_what_was_shown_and_what_came_of_it() -> None:
    seen = Habits()
    for tiles in (3, 1):
        seen.add("story_impression_stats", MONDAY, 1, {"tiles": [{}] * tiles})
    seen.add("story_click_stats", MONDAY, 1, {})
    for ping in ("cfr_impression_release", "cfr_impression_prerelease"):
        for _ in range(5):
            seen.add(ping, MONDAY, 1, {"event": "IMPRESSION"})
    for event in ("INSTALL", "PIN", "CLICK_BUTTON", "DISMISS", "RATIONALE", "BLOCK"):
        seen.add("cfr_interaction_release", MONDAY, 1, {"event": event})
    found = told(seen)
    assert (found["story_ctr"].simulated, found["story_ctr"].sample) == (0.25, 4)
    assert (found["message_acceptance"].simulated, found["message_acceptance"].sample) == (0.3, 10)


def test_nobody_has_no_habits() -> None:
    assert told(Habits()) == {}
