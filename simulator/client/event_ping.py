"""The legacy event sender: buckets of events by process, and when they become an event ping (EventPing.sys.mjs).

A ping goes at least hourly while there are events, at once when a bucket is full, never twice within ten minutes,
and at shutdown. Without events there is no ping, and no cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simulator.client.telemetry_session import TelemetrySession
from simulator.clock import MS_PER_HOUR, MS_PER_MINUTE
from simulator.pings.containers.event_ping import event_payload, legacy_ping
from simulator.pings.containers.event_record import event_fragment

MOST_EVENTS: Final = 1_000
LEAST_BETWEEN_PINGS_MS: Final = 10 * MS_PER_MINUTE
MOST_BETWEEN_PINGS_MS: Final = MS_PER_HOUR


class EventPingSender:
    """One installation's legacy events.

    The facts say how the real code computes the wait after a full bucket: ten minutes minus the absolute uptime of
    the last ping, which is a slip. Here it is ten minutes minus the time that has passed, as its document says.

    Args:
        session: of the installation.
    """

    __slots__ = (
        "_buckets",
        "_due_ms",
        "_last_ping_ms",
        "_lost",
        "_origin_ms",
        "_run",
        "_session",
        "_timer_ms",
    )

    def __init__(self, session: TelemetrySession) -> None:
        self._session = session
        self._buckets: dict[str, list[str]] = {}
        self._run = 0
        self._lost = 0
        self._origin_ms = 0
        self._timer_ms = 0
        self._last_ping_ms: int | None = None
        self._due_ms = 0

    def record(  # noqa: PLR0913, RUF100 - the parts of a record, in the order of a record
        self,
        now_ms: int,
        process: str,
        category: str,
        method: str,
        object_: str,
        value: str | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """Record an event, `Telemetry.recordEvent`.

        Args:
            now_ms: when.
            process: parent, content or dynamic (add-ons' events, whoever records them).
            category: such as `normandy`.
            method: what happened.
            object_: to what.
            value: cut at 80 bytes of UTF-8.
            extra: likewise.
        """
        self.append(now_ms, process, event_fragment(category, method, object_, value, extra))

    def append(self, now_ms: int, process: str, fragment: str) -> None:
        """Record an event whose text is ready (`event_fragment`)."""
        if self._run != self._session.installation.runs:
            self._start_run()
        bucket = self._buckets.get(process)
        if bucket is None:
            if not self._buckets:
                passed = (now_ms - self._timer_ms) // MOST_BETWEEN_PINGS_MS
                self._wake(self._timer_ms + (passed + 1) * MOST_BETWEEN_PINGS_MS)
            bucket = self._buckets[process] = []
        elif len(bucket) >= MOST_EVENTS:
            self._lost += 1
            return
        bucket.append(f"[{now_ms - self._origin_ms},{fragment}")
        if len(bucket) == MOST_EVENTS:
            self._full(now_ms)

    def shutdown(self, now_ms: int) -> None:
        """The browser closes: what is left goes now. Happens by itself when the run ends."""
        if self._buckets:
            self._send(now_ms, "shutdown")

    def _start_run(self) -> None:
        installation = self._session.installation
        self._run = installation.runs
        self._origin_ms = self._timer_ms = installation.run_started_ms
        self._last_ping_ms = None
        self._lost = 0
        self._buckets.clear()

    def _full(self, now_ms: int) -> None:
        last_ms = self._last_ping_ms
        if last_ms is None or now_ms - last_ms >= LEAST_BETWEEN_PINGS_MS:
            self._send(now_ms, "max")
        else:
            self._wake(last_ms + LEAST_BETWEEN_PINGS_MS)

    def _wake(self, at_ms: int) -> None:
        """Set the one timer, or that of the shutdown, if this comes first."""
        self._due_ms = at_ms
        ends_ms = self._session.installation.run_ends_ms
        if at_ms < ends_ms:
            self._session.later(at_ms, self._timer)
        else:
            self._session.later(ends_ms, self.shutdown)

    def _timer(self, at_ms: int) -> None:
        if at_ms == self._due_ms and self._buckets:
            full = any(len(bucket) >= MOST_EVENTS for bucket in self._buckets.values())
            self._send(at_ms, "max" if full else "periodic")

    def _send(self, now_ms: int, reason: str) -> None:
        session = self._session
        installation = session.installation
        document_id, skew_ms = session.uuid(), installation.profile.clock_skew_ms
        payload = event_payload(
            reason=reason,
            process_start_ms=self._origin_ms + skew_ms,
            session_id=installation.browser_session_id,
            subsession_id=session.subsession_id,
            lost=self._lost,
            events=self._buckets,
        )
        body = legacy_ping(
            "event",
            session.telemetry,
            document_id=document_id,
            now_ms=now_ms + skew_ms,
            payload=payload,
            experiments=session.annotations.environment,
        )
        session.send((now_ms, installation.number, session.kind("event"), body, document_id))
        self._buckets.clear()
        self._lost = 0
        self._timer_ms = self._last_ping_ms = now_ms
        self._due_ms = 0
