"""Faults in delivery: a ping in order that comes twice, late, early, out of order, or from a clock that is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date as calendar_date
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from simulator.clock import MS_PER_DAY, MS_PER_MINUTE, MS_PER_SECOND, utc
from simulator.faults.fault import Broken, Subject
from simulator.faults.sites import Path, changed, dump, rotated, sites

#: How far before its own time a ping may be sent; the writer waits so long before it closes a stretch.
LEAD_MS = 10 * MS_PER_MINUTE

_FIRST_COPY_MS, _LAST_COPY_MS = MS_PER_SECOND, 10 * MS_PER_MINUTE
_LEAST_LATE_MS = MS_PER_MINUTE
#: Clocks that lost a day, jumped one, or fell back to the year of their firmware.
_SKEWS_DAYS = (-1, 1, -30, 365, -3_652)
_EPOCH_MS = range(10**12, 4 * 10**12)
_DATE = re.compile(r"^(\d{4}-\d{2}-\d{2})(?=T)")
_KEPT = ("client_id", "impression_id", "id", "clientId", "session_id")


def duplicate(subject: Subject) -> Broken | None:
    """The same ping once more, one second to ten minutes later: a client that missed the answer."""
    return Broken(due_ms=_copy_due(subject), again=True)


def duplicate_id(subject: Subject) -> Broken | None:
    """Another document under the id of one that was sent: the first keeps its place."""

    def other(path: Path, value: Any) -> Iterator[Any]:
        if path[-1] in _KEPT:
            return
        if isinstance(value, int) and not isinstance(value, bool):
            yield value + 1
        elif isinstance(value, str):
            yield value + "0"

    for path, value in rotated(list(sites(subject.document)), subject.draws[0]):
        for candidate in other(path, value):
            document = changed(subject.document, path, candidate)
            if subject.schemas.is_valid(subject.route, document):
                return Broken(text=dump(document), due_ms=_copy_due(subject), again=True)
    return None


def late(subject: Subject) -> Broken | None:
    """Sent long after it was made: a laptop that was closed, a train in a tunnel."""
    longest = max(subject.late_ms, _LEAST_LATE_MS)
    return Broken(due_ms=subject.due_ms + _LEAST_LATE_MS + int(subject.draws[0] * (longest - _LEAST_LATE_MS)))


def early(subject: Subject) -> Broken | None:
    """Sent up to ten minutes before the time that its own content speaks of."""
    due_ms = subject.due_ms - 1 - int(subject.draws[0] * (LEAD_MS - 1))
    return Broken(due_ms=due_ms) if due_ms >= subject.start_ms else None


def out_of_order(subject: Subject) -> Broken | None:
    """Sent before the ping that the client made before it."""
    due_ms = subject.previous_ms - 1 - int(subject.draws[0] * MS_PER_SECOND)
    if due_ms < subject.start_ms or due_ms < subject.due_ms - LEAD_MS:
        return None
    return Broken(due_ms=due_ms)


def clock_skew(subject: Subject) -> Broken | None:
    """The client's clock is wrong by days: in the `Date` header, and in every date that the document holds."""
    days = _SKEWS_DAYS[int(subject.draws[0] * len(_SKEWS_DAYS))]
    date = format_datetime(utc(subject.due_ms // 1_000 * 1_000 + days * MS_PER_DAY), usegmt=True)
    document = _shifted(subject.document, days)
    if not subject.schemas.is_valid(subject.route, document):
        document = subject.document
    return Broken(text=dump(document), headers={"Date": date})


def _copy_due(subject: Subject) -> int:
    return subject.due_ms + _FIRST_COPY_MS + int(subject.draws[1] * (_LAST_COPY_MS - _FIRST_COPY_MS))


def _shifted(value: Any, days: int) -> Any:
    """A document whose times (milliseconds since the epoch, ISO dates with a time) are `days` off."""
    if isinstance(value, dict):
        return {key: _shifted(inner, days) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shifted(inner, days) for inner in value]
    if isinstance(value, int) and value in _EPOCH_MS:
        return value + days * MS_PER_DAY
    if isinstance(value, str) and (found := _DATE.match(value)):
        return _shifted_date(found[1], days) + value[10:]
    return value


def _shifted_date(date: str, days: int) -> str:
    try:
        return (calendar_date.fromisoformat(date) + timedelta(days=days)).isoformat()
    except (ValueError, OverflowError):
        return date
