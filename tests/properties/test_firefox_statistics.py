"""Simulated people against the figures that they come from, within stated tolerances.

Tolerances are three standard errors or more at these sizes, so that a change of seed does not fail them and a
change of the model by a tenth does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from statistics import median

import pytest
from firefox_run import Run

from simulator.behaviour.browser import BrowserHabits, browser_runs
from simulator.population import cohort_profiles
from simulator.randomness import cohort_streams
from simulator.scenario import Scenario, load_scenario
from simulator.scenario.figures import figures

pytestmark = pytest.mark.slow

DAY = 86_400_000
MONDAY = 18_974  # 2021-12-13


def scenario(**changes: object) -> Scenario:
    found, _ = load_scenario("newtab-day")
    return found.model_copy(update=changes)


@cache
def a_day() -> Run:
    return Run(scenario(clients=1_200), "wire")


@cache
def runs_of_four_weeks() -> list[list[tuple[int, int]]]:
    chosen = scenario(clients=1_500)
    clients = range(1_500)
    habits = BrowserHabits(chosen)
    profiles = cohort_profiles(chosen, 5, clients)
    random = cohort_streams(5, "browser runs", clients)
    start, end = MONDAY * DAY, (MONDAY + 28) * DAY
    return [
        list(browser_runs(habits, profile, random[i], start_ms=start, end_ms=end))
        for i, profile in enumerate(profiles)
    ]


def published(name: str) -> float:
    return float(figures()[name].value)


def test_every_figure_has_a_source_and_a_grade() -> None:
    for figure in figures().values():
        assert figure.grade in {"A", "B", "C", "assumption"}
        assert figure.source
        assert figure.unit
        assert (figure.year == 0) == (figure.grade == "assumption"), figure


def test_scenario_defaults_are_the_figures() -> None:
    population = scenario().population
    assert population.telemetry_on == published("telemetry_on")
    assert population.runs_a_day == published("runs_a_day")
    assert population.run_median == published("run_median_minutes") * 60_000
    assert population.run_sigma == published("run_sigma")
    assert scenario().newtab.position_decay == published("position_decay")
    locales = scenario().locales
    assert {name: locales[name] for name in figures()["locales"].value} == figures()["locales"].value


def test_telemetry_is_on_for_as_many_as_published() -> None:
    profiles = cohort_profiles(scenario(clients=20_000), 3, range(20_000))
    share = sum(profile.telemetry_on for profile in profiles) / 20_000
    assert share == pytest.approx(published("telemetry_on"), abs=0.006)


def test_locales_are_mixed_as_published() -> None:
    counted = Counter(profile.locale for profile in cohort_profiles(scenario(), 3, range(20_000)))
    for locale, share in figures()["locales"].value.items():
        assert counted[locale] / 20_000 == pytest.approx(share, abs=0.011), locale


def test_as_many_have_a_new_windows_as_published() -> None:
    profiles = cohort_profiles(scenario(), 3, range(20_000))
    counted = Counter((profile.os, profile.os_version) for profile in profiles)
    assert counted["Windows", "10.0"] / 20_000 == pytest.approx(published("windows_10_or_11"), abs=0.01)
    assert {version for os, version in counted if os == "Windows"} == {"10.0", "6.1", "6.3"}
    assert {os for os, _ in counted} == {"Windows", "Darwin", "Linux"}


def test_runs_on_an_active_day() -> None:
    days = Counter(
        (client, begin // DAY) for client, runs in enumerate(runs_of_four_weeks()) for begin, _ in runs
    )
    mean = sum(days.values()) / len(days)
    assert mean == pytest.approx(published("runs_a_day"), rel=0.06)  # overlapping runs fall together


def test_half_of_all_runs_are_shorter_than_the_published_median() -> None:
    lengths = [end - begin for runs in runs_of_four_weeks() for begin, end in runs]
    assert median(lengths) / 60_000 == pytest.approx(published("run_median_minutes"), rel=0.08)


def test_the_browser_is_open_as_long_on_an_active_day_as_published() -> None:
    open_ms, active = 0, 0
    for runs in runs_of_four_weeks():
        open_ms += sum(end - begin for begin, end in runs)
        active += len({day for begin, end in runs for day in range(begin // DAY, (end - 1) // DAY + 1)})
    # Few runs of days on end hold a good part of the hours, so that chance alone gives some 3 %.
    assert open_ms / 3_600_000 / active == pytest.approx(published("daily_use_hours"), rel=0.1)


def test_subsessions_end_for_the_published_reasons() -> None:
    telemetry = scenario().telemetry.model_copy(update={"main_ping": True})
    run = Run(scenario(clients=700, duration=7 * DAY, telemetry=telemetry), "wire")
    ended = Counter(
        sent.document["payload"]["info"]["reason"] for sent in run.read() if sent.ping == "main_ping"
    )
    shares = figures()["end_reasons"].value
    assert ended["environment-change"] / ended.total() == pytest.approx(
        shares["environment-change"], abs=0.02
    )
    # Aborted sessions are not simulated, and fewer runs cross a midnight than published; shutdowns take their place.
    assert ended["daily"] / ended.total() == pytest.approx(shares["daily"], abs=0.05)
    assert ended["shutdown"] / ended.total() == pytest.approx(shares["shutdown"], abs=0.08)
    assert set(ended) == set(shares) - {"aborted-session"}


def test_active_days_of_weekly_users_and_who_is_regular() -> None:
    weekly, regular_days, all_days = [], 0, 0
    for runs in runs_of_four_weeks():
        days = {begin // DAY for begin, _ in runs}
        weeks = Counter((day - MONDAY) // 7 for day in days)
        weekly += list(weeks.values())
        all_days += len(days)
        regular_days += len(days) if len(days) >= 14 else 0
    assert sum(weekly) / len(weekly) == pytest.approx(published("days_a_week"), rel=0.06)
    assert regular_days / all_days == pytest.approx(published("regular_of_daily"), abs=0.05)


def test_a_weeks_mean_is_below_its_thursday_as_published() -> None:
    users = Counter(
        (begin // DAY - MONDAY) % 7
        for runs in runs_of_four_weeks()
        for begin in {begin // DAY * DAY for begin, _ in runs}
    )
    weekdays = sum(users[day] for day in range(5)) / 5
    assert 1 - sum(users.values()) / 7 / weekdays == pytest.approx(
        published("week_mean_below_thursday"), abs=0.025
    )


def test_the_daily_curve_of_the_united_states() -> None:
    run = a_day()
    hours = Counter(
        sent.due_ms // 3_600_000 % 24
        for sent in run.of("newtab_session")
        if sent.document["locale"] == "en-US"
    )
    curve = figures()["daily_curve"].value
    total, expected = sum(hours.values()), sum(curve)
    distance = sum(abs(hours[hour] / total - curve[hour] / expected) for hour in range(24)) / 2
    assert distance < 0.12  # at some 3 000 sessions chance alone gives about 0.05


def test_new_tabs_on_an_active_day() -> None:
    tabs: Counter[int] = Counter()
    active = set()
    for sent in a_day().of("newtab_session"):
        active.add(sent.client)
        tabs[sent.client] += sent.document["page"] == "about:newtab"
    # Private windows, taken-over pages and lost sessions are missing from what telemetry sees.
    assert sum(tabs.values()) / len(active) == pytest.approx(published("new_tabs_a_day") * 0.85, rel=0.1)


def test_clicks_fall_by_position() -> None:
    clicks = Counter(sent.document["action_position"] for sent in a_day().of("topsite_click"))
    falls = [clicks[at + 1] / clicks[at] for at in range(4)]
    assert sum(falls) / 4 == pytest.approx(published("position_decay"), abs=0.06)
    assert clicks[0] == max(clicks.values())


def test_dwell_on_new_tabs_ages_negatively() -> None:
    """Weibull with a shape below 1: half of the sessions are short, and who has stayed long stays longer."""
    lengths = [sent.document["session_duration"] for sent in a_day().of("newtab_session")]
    middle = median(lengths)
    rest = [length - middle for length in lengths if length > middle]
    assert 3_000 < middle < 6_000
    assert median(rest) > middle


def test_page_takeovers_and_pocket_logins_have_their_shares() -> None:
    profiles = cohort_profiles(scenario(), 3, range(20_000))
    taken = sum(profile.takeover >= 0 for profile in profiles) / 20_000
    logged_in = sum(profile.pocket_logged_in for profile in profiles) / 20_000
    assert taken == pytest.approx(published("page_takeover"), abs=0.004)
    assert logged_in == pytest.approx(published("pocket_logged_in"), abs=0.008)


def test_messages_are_followed_as_often_as_they_say() -> None:
    found, _ = load_scenario("cfr-release-vs-beta")
    run = Run(found.model_copy(update={"clients": 250}), "wire")
    shown: Counter[str] = Counter()
    followed: Counter[str] = Counter()
    closings = defaultdict(int)
    for sent in run.of("cfr_impression_prerelease", "cfr_interaction_prerelease"):
        name = sent.document["message_id"]
        event = sent.document["event"]
        shown[name] += event == "IMPRESSION"
        followed[name] += event == run.messages[name].primary_action
        closings[event] += 1
    assert sum(followed.values()) / sum(shown.values()) == pytest.approx(
        published("message_acceptance"), abs=0.05
    )
    assert closings["DISMISS"] > closings["BLOCK"] > 0
