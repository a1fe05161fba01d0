"""When people use their browser: active days, browser runs in a day, the daily curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.clock import MS_PER_DAY, MS_PER_HOUR
from simulator.distributions import Choice, Floats, Quantiles, counts, lognormal
from simulator.population import Profile
from simulator.randomness import Stream
from simulator.scenario.browsing import Population

#: The mean offset of the people behind the daily curve, in hours: from each share of United States time zones.
_US_OFFSET_HOURS = -6
_FIRST_SUNDAY = 3  # 1970-01-04
_SHORTEST_RUN_MS = 5_000


def _time_of_day(us_curve_by_utc_hour: Sequence[float]) -> Quantiles:
    local = np.array([us_curve_by_utc_hour[(hour - _US_OFFSET_HOURS) % 24] for hour in range(24)])
    reached = np.cumsum(local)

    def inverse(q: Floats) -> Floats:
        begun = q * reached[-1]
        hour = np.minimum(np.searchsorted(reached, begun, side="right"), 23)
        before = reached[hour] - local[hour]
        moment: Floats = (hour + (begun - before) / np.where(local == 0, 1, local)[hour]) * MS_PER_HOUR
        return moment

    return Quantiles(inverse)


class Habits:
    """How a scenario's people spread their browsing over days and hours.

    Args:
        population: the scenario's figures.
    """

    def __init__(self, population: Population) -> None:
        self._time_of_day = _time_of_day(population.daily_curve)
        self._runs: Choice[int] = counts(population.runs_a_day)
        self._length = lognormal(population.run_median, population.run_sigma)
        mean_of_week = 1 - population.week_mean_below_thursday
        self._weekend = round((7 * mean_of_week - 5) / 2, 6)  # of a weekday, where all five are like Thursday
        self._active = {
            True: population.regular_days_a_week / 7 / mean_of_week,
            False: population.irregular_days_a_week / 7 / mean_of_week,
        }

    def runs_of_day(self, profile: Profile, day: int, random: Stream) -> list[tuple[int, int]]:
        """The browser runs that a person starts on a UTC day: (start, length) in milliseconds, sorted.

        Args:
            profile: whose day.
            day: days since the Unix epoch.
            random: the person's stream for this; the same number of draws is made whatever comes out of them.
        """
        uniform, time_of_day, length = random.uniform, self._time_of_day.at, self._length.at
        active = self._active[profile.regular]
        if (day - _FIRST_SUNDAY) % 7 in {0, 6}:
            active *= self._weekend
        if uniform() >= active:
            return []
        midnight, offset_ms = day * MS_PER_DAY, profile.utc_offset_ms
        runs = []
        for _ in range(self._runs.at(uniform()) or 1):
            start = midnight + (time_of_day(uniform()) - offset_ms) % MS_PER_DAY
            lasts = length(uniform())
            runs.append((start, lasts if lasts > _SHORTEST_RUN_MS else _SHORTEST_RUN_MS))
        runs.sort()
        return runs
