"""When people browse: the curve of a day in each time zone, weekdays and weekends, days off."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.behaviour.daily import Habits
from simulator.population import Profile, cohort_profiles
from simulator.randomness import stream
from simulator.scenario import parse_scenario
from simulator.scenario.browsing import Population

HEAD = 'format = 1\nname = "x"\nstart = 2021-12-15T00:00:00Z\nduration = "1d"\nclients = 1\n'
THURSDAY, SATURDAY = 18_977, 18_979
DAY, HOUR = 86_400_000, 3_600_000


def somebody(**changes: object) -> Profile:
    return msgspec.structs.replace(cohort_profiles(parse_scenario(HEAD), 1, range(1))[0], **changes)


def starts(habits: Habits, profile: Profile, day: int, times: int) -> list[int]:
    random = stream(1, 1, "runs")
    return [begin for _ in range(times) for begin, _ in habits.runs_of_day(profile, day, random)]


def curve(hour: int) -> list[float]:
    return [float(at == hour) for at in range(24)]


@pytest.mark.parametrize(("offset_hours", "utc_hour"), [(-6, 18), (0, 12), (1, 11), (9, 3)])
def test_the_curve_of_the_united_states_is_everybodys_in_their_own_time(
    offset_hours: int, utc_hour: int
) -> None:
    habits = Habits(Population(daily_curve=curve(18)))  # noon in the middle of the United States
    person = somebody(utc_offset_ms=offset_hours * HOUR, regular=True)
    hours = Counter(begin % DAY // HOUR for begin in starts(habits, person, THURSDAY, 50))
    assert hours[utc_hour] / sum(hours.values()) > 0.99


def test_weekends_have_fewer_active_days_as_the_week_says() -> None:
    population = Population(regular_days_a_week=4.0, week_mean_below_thursday=0.1)
    habits, person = Habits(population), somebody(regular=True)
    active = {}
    for day in (THURSDAY, SATURDAY):
        random = stream(1, 1, "days")
        active[day] = sum(bool(habits.runs_of_day(person, day, random)) for _ in range(6_000)) / 6_000
    assert (5 * active[THURSDAY] + 2 * active[SATURDAY]) / 7 == pytest.approx(4 / 7, abs=0.02)
    assert active[SATURDAY] / active[THURSDAY] == pytest.approx((7 * 0.9 - 5) / 2, abs=0.03)


def test_who_never_browses_has_no_runs() -> None:
    habits = Habits(Population(irregular_days_a_week=0.0))
    assert starts(habits, somebody(regular=False), THURSDAY, 200) == []


@given(seed=st.integers(0, 2**32), day=st.integers(18_000, 19_000), offset=st.integers(-12, 14))
def test_runs_begin_in_their_day_and_last_a_while(seed: int, day: int, offset: int) -> None:
    habits = Habits(Population(regular_days_a_week=7.0, week_mean_below_thursday=0.0))
    person = somebody(utc_offset_ms=offset * HOUR, regular=True)
    runs = habits.runs_of_day(person, day, stream(seed, 1, "runs"))
    assert runs == sorted(runs)
    assert runs
    for begin, length in runs:
        assert day * DAY <= begin < (day + 1) * DAY
        assert length >= 5_000


def test_a_day_without_hours_is_refused() -> None:
    with pytest.raises(ValueError, match="no hour"):
        Population(daily_curve=[0.0] * 24)
