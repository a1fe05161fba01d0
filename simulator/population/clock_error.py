"""How wrong clocks are wrong: some minutes, whole hours, or absurdly.

Years such as 29634 are seen in the wild. The absurd clocks here stop short of year 10000, because the published
schemas take years of four digits: a date with five makes a malformed ping, and those are for `faults` to make.
"""

from __future__ import annotations

from typing import Final

from simulator.clock import MS_PER_DAY, MS_PER_HOUR

_MINUTES, _HOURS, _YEARS = 0.80, 0.95, 0.995
_FURTHEST_HOURS: Final = 14
_FURTHEST_YEARS: Final = 10
_ABSURD_YEARS: Final = 7_600


def clock_skew_ms(u: float) -> int:
    """What a wrong clock is ahead, in milliseconds; negative where it is behind.

    Of wrong clocks 80 % drift by up to two hours, 15 % stand in another time zone, the rest in another year, one in
    two hundred in one that no program expects. Assumption: only that all of these occur is published.

    Args:
        u: where among the wrong clocks, in [0, 1).
    """
    direction = 1 if int(u * 100_000) % 2 else -1
    if u < _MINUTES:
        return direction * (1_000 + int((u / _MINUTES) ** 3 * 2 * MS_PER_HOUR))
    if u < _HOURS:
        return direction * (1 + int((u - _MINUTES) / (_HOURS - _MINUTES) * _FURTHEST_HOURS)) * MS_PER_HOUR
    if u < _YEARS:
        return direction * int((u - _HOURS) / (_YEARS - _HOURS) * _FURTHEST_YEARS * 365 + 1) * MS_PER_DAY
    return _ABSURD_YEARS * 365 * MS_PER_DAY
