"""What no JSON Schema can say about a document: the record's own id in it, and times that run forwards.

The rules are for valid records whose document fits its shipped schema, so they need not ask for its shape again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from simulator.records import Ping

_Problems = Iterator[tuple[str, str]]
#: `+01:00`: how far a local time is from UTC.
_OFFSET_LENGTH = 6


def content_problems(ping: Ping, document: Any) -> _Problems:
    """Every rule that the document breaks: a place in it, and what is wrong there."""
    for rule in _RULES.get(ping.ping, ()):
        yield from rule(ping, document)


def _own_id(ping: Ping, document: Any) -> _Problems:
    if document["id"] != ping.id:
        yield "$.id", f"{document['id']!r} is not the record's id"


def _own_event_id(ping: Ping, document: Any) -> _Problems:
    if document["event_id"].replace("-", "") != ping.id.replace("-", ""):
        yield "$.event_id", f"{document['event_id']!r} is not the record's id without its hyphens"


def _legacy_events_in_order(_: Ping, document: Any) -> _Problems:
    """Each process records its events as they happen: milliseconds since the start of the process."""
    for process, events in document.get("payload", {}).get("events", {}).items():
        yield from _in_order([event[0] for event in events], f"$.payload.events.{process}")


def _glean_events_in_order(_: Ping, document: Any) -> _Problems:
    """Glean counts from the first event of the ping, which therefore is at 0."""
    times = [event["timestamp"] for event in document.get("events", ())]
    if times and times[0] != 0:
        yield "$.events[0].timestamp", f"the first event of a ping is at 0, this one at {times[0]}"
    yield from _in_order(times, "$.events")


def _started_before_it_ended(_: Ping, document: Any) -> _Problems:
    start, end = document["ping_info"]["start_time"], document["ping_info"]["end_time"]
    if _is_after(start, end):
        yield "$.ping_info.start_time", f"{start} is after end_time, {end}"


def _in_order(times: Sequence[int], place: str) -> _Problems:
    for position, (before, after) in enumerate(pairwise(times), 1):
        if after < before:
            yield f"{place}[{position}]", f"it happened at {after}, and the event before it at {before}"


def _is_after(one: str, other: str) -> bool:
    """Whether a local time with its offset is later than another; False where one is beyond the calendar."""
    if len(one) == len(other) and one[-_OFFSET_LENGTH:] == other[-_OFFSET_LENGTH:]:
        return one > other
    try:
        return datetime.fromisoformat(one) > datetime.fromisoformat(other)
    except (ValueError, TypeError):
        return False


_GLEAN = (_started_before_it_ended, _glean_events_in_order)
_RULES: Mapping[str, Sequence[Callable[[Ping, Any], _Problems]]] = {
    "event_ping": (_own_id, _legacy_events_in_order),
    "main_ping": (_own_id,),
    "glean_events_ping": _GLEAN,
    "glean_baseline_ping": _GLEAN,
    "sentry_event": (_own_event_id,),
}
