"""The wall clock's one door, and the arithmetic between simulated and written times."""

from __future__ import annotations

import time
from datetime import UTC, datetime

MS_PER_SECOND = 1_000
MS_PER_MINUTE = 60_000
MS_PER_HOUR = 3_600_000
MS_PER_DAY = 86_400_000


def wall_clock_ns() -> int:
    """Nanoseconds since the Unix epoch by this machine's clock. For the edges only, never for a simulation."""
    return time.time_ns()


def utc(ms: int) -> datetime:
    """The UTC date and time of `ms` milliseconds since the Unix epoch."""
    return datetime.fromtimestamp(ms / MS_PER_SECOND, UTC)


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since the Unix epoch of an aware `moment`."""
    whole = moment.astimezone(UTC)
    return int(whole.timestamp()) * MS_PER_SECOND + whole.microsecond // 1_000
