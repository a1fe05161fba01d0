"""The main ping's sender: one ping for every subsession, when it ends (TelemetrySession.sys.mjs).

A subsession ends with the browser run, at local midnight, and when the environment changes, but for changes in its
first five minutes, which the real code folds into it. Runs that crash, and what is sent of them, are not simulated.
"""

from __future__ import annotations

from typing import Final

from simulator.client.telemetry_session import TelemetrySession
from simulator.clock import MS_PER_DAY, MS_PER_MINUTE
from simulator.pings.containers.event_ping import legacy_ping
from simulator.pings.containers.main_ping import Subsession, main_payload

SHORTEST_SUBSESSION_MS: Final = 5 * MS_PER_MINUTE


class MainPingSender:
    """One installation's main pings.

    Args:
        session: of the installation.
    """

    __slots__ = ("_counter", "_previous_id", "_profile_counter", "_session", "_start_ms")

    def __init__(self, session: TelemetrySession) -> None:
        self._session = session
        self._counter = 0
        self._profile_counter = 0
        self._previous_id: str | None = None
        self._start_ms = 0

    def start(self, now_ms: int) -> None:
        """The browser was started."""
        self._counter = 1
        self._profile_counter += 1
        self._start_ms = now_ms
        self._expect_midnight(now_ms)

    def environment_changes(self, now_ms: int) -> None:
        """Experiments, add-ons or settings are about to change: the subsession so far was under the old ones."""
        if now_ms - self._start_ms >= SHORTEST_SUBSESSION_MS:
            self._split(now_ms, "environment-change")

    def shutdown(self, now_ms: int) -> None:
        """The browser closes."""
        self._send(now_ms, "shutdown")

    def _expect_midnight(self, now_ms: int) -> None:
        installation = self._session.installation
        offset_ms = installation.profile.utc_offset_ms
        midnight = ((now_ms + offset_ms) // MS_PER_DAY + 1) * MS_PER_DAY - offset_ms
        if midnight < installation.run_ends_ms:
            self._session.later(midnight, self._daily)

    def _daily(self, now_ms: int) -> None:
        self._split(now_ms, "daily")
        self._expect_midnight(now_ms)

    def _split(self, now_ms: int, reason: str) -> None:
        self._send(now_ms, reason)
        self._session.next_subsession()
        self._counter += 1
        self._profile_counter += 1
        self._start_ms = now_ms

    def _send(self, now_ms: int, reason: str) -> None:
        session = self._session
        installation = session.installation
        document_id, skew_ms = session.uuid(), installation.profile.clock_skew_ms
        subsession = Subsession(
            session_id=installation.browser_session_id,
            subsession_id=session.subsession_id,
            previous_subsession_id=self._previous_id,
            counter=self._counter,
            profile_counter=self._profile_counter,
            session_start_ms=installation.run_started_ms + skew_ms,
            start_ms=self._start_ms + skew_ms,
        )
        payload = main_payload(
            subsession,
            reason=reason,
            now_ms=now_ms + skew_ms,
            offset_ms=installation.profile.utc_offset_ms,
        )
        body = legacy_ping(
            "main",
            session.telemetry,
            document_id=document_id,
            now_ms=now_ms + skew_ms,
            payload=payload,
            experiments=session.annotations.environment,
        )
        session.send((now_ms, installation.number, session.kind("main"), body, document_id))
        self._previous_id = subsession.subsession_id
