"""Times as containers print them, by arithmetic: a calendar date is made once a day, not once a ping."""

from __future__ import annotations

from functools import lru_cache

from simulator.clock import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, MS_PER_SECOND, utc


@lru_cache(maxsize=4_096)
def date_text(day: int) -> str:
    """The calendar date (YYYY-MM-DD) of a day counted from the Unix epoch."""
    return utc(day * MS_PER_DAY).strftime("%Y-%m-%d")


def utc_ms_text(ms: int) -> str:
    """A moment in UTC with milliseconds and Z, as `creationDate` has it.

    Args:
        ms: milliseconds since the Unix epoch.
    """
    day, rest = divmod(ms, MS_PER_DAY)
    hour, rest = divmod(rest, MS_PER_HOUR)
    minute, rest = divmod(rest, MS_PER_MINUTE)
    second, fraction = divmod(rest, MS_PER_SECOND)
    return f"{date_text(day)}T{hour:02d}:{minute:02d}:{second:02d}.{fraction:03d}Z"


@lru_cache(maxsize=64)
def offset_text(offset_ms: int) -> str:
    """An offset from UTC such as +01:00."""
    minutes = abs(offset_ms) // MS_PER_MINUTE
    return f"{'-' if offset_ms < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def local_minute_text(ms: int, offset_ms: int) -> str:
    """A local time to the minute with its offset: 2021-12-01T10:00+01:00 (Glean up to version 54).

    Args:
        ms: milliseconds since the Unix epoch.
        offset_ms: milliseconds east of UTC.
    """
    day, rest = divmod(ms + offset_ms, MS_PER_DAY)
    hour, rest = divmod(rest, MS_PER_HOUR)
    return f"{date_text(day)}T{hour:02d}:{rest // MS_PER_MINUTE:02d}{offset_text(offset_ms)}"


def local_hour_text(ms: int, offset_ms: int) -> str:
    """A local time cut to the hour: 2021-12-01T10:00:00.0+01:00 (the main ping's session dates)."""
    day, rest = divmod(ms + offset_ms, MS_PER_DAY)
    return f"{date_text(day)}T{rest // MS_PER_HOUR:02d}:00:00.0{offset_text(offset_ms)}"


def local_date_text(ms: int, offset_ms: int) -> str:
    """A local date with its offset: 2021-12-01+01:00 (Glean's `first_run_date`)."""
    return date_text((ms + offset_ms) // MS_PER_DAY) + offset_text(offset_ms)
