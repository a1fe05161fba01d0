"""When people use their browser: active days, browser runs in a day, the daily curve."""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate

from simulator.clock import MS_PER_DAY, MS_PER_HOUR
from simulator.distributions import Choice, Quantiles, counts, lognormal
from simulator.population import Profile
from simulator.randomness import Stream
from simulator.scenario.browsing import Population

#: New-tab impressions in the United States by UTC hour, relative (merino-py, engagement rescaler, 2026).
US_CURVE_BY_UTC_HOUR = (
    1.0, 1.0, 1.0, 0.9, 0.7, 0.6, 0.4, 0.3, 0.2, 0.2, 0.2, 0.3,
    0.5, 0.9, 1.3, 1.6, 1.7, 1.7, 1.7, 1.7, 1.7, 1.7, 1.5, 1.3,
)  # fmt: skip
#: The mean offset of the people behind that curve, in hours: from each share of United States time zones.
_US_OFFSET_HOURS = -6
#: Weekend days against weekdays, from "the mean of a week is 6.1 % below its Thursday" (2016).
_WEEKEND = 0.786
_FIRST_SUNDAY = 3  # 1970-01-04


def _time_of_day() -> Quantiles:
    local = [US_CURVE_BY_UTC_HOUR[(hour - _US_OFFSET_HOURS) % 24] for hour in range(24)]
    reached = list(accumulate(local))
    total = reached[-1]

    def inverse(q: float) -> float:
        hour = min(bisect(reached, q * total), 23)
        before = reached[hour] - local[hour]
        return (hour + (q * total - before) / local[hour]) * MS_PER_HOUR

    return Quantiles(inverse)


class Habits:
    """How a scenario's people spread their browsing over days and hours.

    Args:
        population: the scenario's figures.
    """

    def __init__(self, population: Population) -> None:
        self._time_of_day = _time_of_day()
        self._runs: Choice[int] = counts(population.runs_a_day)
        self._length = lognormal(population.run_median, population.run_sigma)
        self._active = {
            True: population.regular_days_a_week / 7 / ((5 + 2 * _WEEKEND) / 7),
            False: population.irregular_days_a_week / 7 / ((5 + 2 * _WEEKEND) / 7),
        }

    def runs_of_day(self, profile: Profile, day: int, random: Stream) -> list[tuple[int, int]]:
        """The browser runs that a person starts on a UTC day: (start, length) in milliseconds, sorted.

        Args:
            profile: whose day.
            day: days since the Unix epoch.
            random: the person's stream for this; the same number of draws is made whatever comes out of them.
        """
        active = self._active[profile.regular]
        if (day - _FIRST_SUNDAY) % 7 in {0, 6}:
            active *= _WEEKEND
        if random.uniform() >= active:
            return []
        count = max(1, self._runs(random.uniform()))
        midnight = day * MS_PER_DAY
        runs = []
        for _ in range(count):
            local = self._time_of_day(random.uniform())
            start = midnight + (local - profile.utc_offset_ms) % MS_PER_DAY
            runs.append((start, max(5_000, self._length(random.uniform()))))
        runs.sort()
        return runs
