"""Glean's sender: the store of events, when it becomes an events ping, and the baseline ping (glean-core).

Rules, from its code and from running version 52: an events ping at 500 events, when the application stops being
used, and at the next start for what was left; the first event of a ping is at 0; `seq` counts each ping name's
pings; a ping begins where the last one of its name ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simulator.client.annotations import Annotations
from simulator.clock import MS_PER_MINUTE
from simulator.corpus.rows import Row
from simulator.pings.containers.glean_info import (
    glean_baseline_ping,
    glean_events_ping,
    ping_info_member,
)
from simulator.pings.containers.moments import local_minute_text

MOST_EVENTS: Final = 500


class GleanSender:
    """One installation's Glean.

    Args:
        send: takes finished rows.
        number: the client's number.
        codes: kind codes of its events and baseline pings.
        client_info: from `client_info_object`; set anew when the application is updated.
        annotations: the experiments that the client is in.
        offset_ms: milliseconds east of UTC.
        skew_ms: what the machine's clock is ahead.
    """

    __slots__ = (
        "_active_since_ms",
        "_annotations",
        "_baseline_seq",
        "_baseline_start",
        "_codes",
        "_dirty",
        "_events",
        "_events_seq",
        "_events_start",
        "_first_ms",
        "_minute",
        "_minute_text",
        "_number",
        "_offset_ms",
        "_send",
        "_skew_ms",
        "_submitted_baseline",
        "_submitted_events",
        "client_info",
    )

    def __init__(
        self,
        send: Callable[[Row], None],
        *,
        number: int,
        codes: tuple[int, int],
        client_info: str,
        annotations: Annotations,
        offset_ms: int,
        skew_ms: int = 0,
    ) -> None:
        self._send = send
        self._number = number
        self._codes = codes
        self.client_info = client_info
        self._annotations = annotations
        self._offset_ms = offset_ms
        self._skew_ms = skew_ms
        self._events: list[str] = []
        self._first_ms = 0
        self._events_seq = self._baseline_seq = 0
        self._events_start = self._baseline_start = ""
        self._submitted_baseline = self._submitted_events = 0
        self._active_since_ms = 0
        self._dirty = False
        self._minute = 0
        self._minute_text = ""

    def start(self, now_ms: int) -> None:
        """The application was started: what the last run left behind goes first."""
        now = self._time(now_ms)
        if not self._events_seq:
            self._events_start = now
        if not self._baseline_seq:
            self._baseline_start = now
        if self._events:
            self._send_events(now_ms, "startup")
        if self._dirty:
            self._send_baseline(now_ms, "dirty_startup")
        self._dirty = True

    def active(self, now_ms: int) -> None:
        """The application began to be used."""
        self._active_since_ms = now_ms
        self._dirty = True
        self._send_baseline(now_ms, "active")

    def inactive(self, now_ms: int) -> None:
        """The application stopped being used."""
        seconds = (now_ms - self._active_since_ms) // 1_000
        self._send_baseline(now_ms, "inactive", duration_s=seconds)
        if self._events:
            self._send_events(now_ms, "inactive")
        self._dirty = False

    def record(self, now_ms: int, fragment: str) -> None:
        """Record an event.

        Args:
            now_ms: when.
            fragment: from `glean_event_fragment`.
        """
        events = self._events
        if not events:
            self._first_ms = now_ms
        events.append(f"{fragment}{now_ms - self._first_ms}}}")
        if len(events) == MOST_EVENTS:
            self._send_events(now_ms, "max_capacity")

    def _time(self, now_ms: int) -> str:
        own_ms = now_ms + self._skew_ms
        # The minute of the clock that is printed: a wrong one need not be off by whole minutes.
        minute = own_ms // MS_PER_MINUTE
        if minute != self._minute:
            self._minute = minute
            self._minute_text = local_minute_text(own_ms, self._offset_ms)
        return self._minute_text

    def _send_events(self, now_ms: int, reason: str) -> None:
        end = self._time(now_ms)
        info = ping_info_member(
            reason=reason,
            seq=self._events_seq,
            start=self._events_start,
            end=end,
            experiments=self._annotations.glean,
        )
        body = glean_events_ping(self.client_info, info, ",".join(self._events))
        self._send((now_ms, self._number, self._codes[0], body, None))
        self._events.clear()
        self._events_start = end
        self._events_seq += 1
        self._submitted_events += 1

    def _send_baseline(self, now_ms: int, reason: str, *, duration_s: int | None = None) -> None:
        end = self._time(now_ms)
        info = ping_info_member(
            reason=reason,
            seq=self._baseline_seq,
            start=self._baseline_start,
            end=end,
            experiments=self._annotations.glean,
        )
        body = glean_baseline_ping(
            self.client_info,
            info,
            submitted=(self._submitted_baseline, self._submitted_events),
            duration_s=duration_s,
        )
        self._send((now_ms, self._number, self._codes[1], body, None))
        self._baseline_start = end
        self._baseline_seq += 1
        self._submitted_baseline, self._submitted_events = 1, 0
