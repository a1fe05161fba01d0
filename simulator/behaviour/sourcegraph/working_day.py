"""When developers read code: working days, reading sessions in a day, the curve of a working day."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulator.clock import MS_PER_DAY, MS_PER_HOUR
from simulator.distributions import Choice, Floats, Quantiles, counts, lognormal
from simulator.population.developer import DeveloperProfile
from simulator.randomness import Stream
from simulator.scenario.sourcegraph import Sourcegraph

#: Reading sessions begun by local hour, relative: office hours with a dip at noon. Assumption: no public figure.
SESSIONS_BY_LOCAL_HOUR = (
    0.2, 0.1, 0.0, 0.0, 0.0, 0.0, 0.2, 0.8, 3.0, 7.0, 9.0, 9.0,
    5.0, 7.0, 9.0, 9.0, 8.0, 6.0, 3.0, 1.5, 1.2, 1.2, 0.8, 0.4,
)  # fmt: skip
_FIRST_SUNDAY = 3  # 1970-01-04
_SHORTEST_SESSION_MS = 20_000
_BETWEEN_SESSIONS_MS = 60_000
#: What was begun in a session is finished within this time after it, so nothing is due after a simulation's end.
_LAST_WORDS_MS = 120_000


def _time_of_day() -> Quantiles:
    begun = np.array(SESSIONS_BY_LOCAL_HOUR)
    reached = np.cumsum(begun)

    def inverse(q: Floats) -> Floats:
        so_far = q * reached[-1]
        hour = np.minimum(np.searchsorted(reached, so_far, side="right"), 23)
        moment: Floats = (hour + (so_far - reached[hour] + begun[hour]) / begun[hour]) * MS_PER_HOUR
        return moment

    return Quantiles(inverse)


class WorkingDays:
    """How a scenario's developers spread their reading over days and hours.

    Args:
        settings: the scenario's figures.
    """

    def __init__(self, settings: Sourcegraph) -> None:
        self._works = (settings.works_on_weekday, settings.works_on_weekend_day)
        self._time_of_day = _time_of_day()
        self._sessions: Choice[int] = counts(settings.sessions_a_day)
        self._length = lognormal(settings.session_median, settings.session_sigma)

    def sessions(
        self, profile: DeveloperProfile, random: Stream, *, start_ms: int, end_ms: int
    ) -> Iterator[tuple[int, int]]:
        """The reading sessions of one developer within a span: (start, end), never overlapping.

        Args:
            profile: whose.
            random: the developer's stream for this alone.
            start_ms: beginning of the span, milliseconds since the Unix epoch.
            end_ms: its end; a session that would be longer is cut two minutes before.
        """
        offset = profile.utc_offset_ms
        free_at = start_ms
        last_ms = end_ms - _LAST_WORDS_MS
        for day in range((start_ms + offset) // MS_PER_DAY, (end_ms - 1 + offset) // MS_PER_DAY + 1):
            for planned, length in self._day(day, random):
                begins = planned - offset
                if begins < start_ms:
                    continue
                begins = max(begins, free_at)
                ends = min(begins + length, last_ms)
                if ends - begins >= _SHORTEST_SESSION_MS:
                    free_at = ends + _BETWEEN_SESSIONS_MS
                    yield begins, ends

    def _day(self, day: int, random: Stream) -> list[tuple[int, int]]:
        """Sessions of a local day in local time: (start, length), sorted."""
        is_weekend = (day - _FIRST_SUNDAY) % 7 in {0, 6}
        if random.uniform() >= self._works[is_weekend]:
            return []
        uniform, time_of_day, length = random.uniform, self._time_of_day.at, self._length.at
        midnight = day * MS_PER_DAY
        sessions = [
            (midnight + time_of_day(uniform()), length(uniform()))
            for _ in range(self._sessions.at(uniform()) or 1)
        ]
        sessions.sort()
        return sessions
