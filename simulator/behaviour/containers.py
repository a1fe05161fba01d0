"""What a browser run means to Glean and to the main ping: both wake up with it, and go idle or end with it."""

from __future__ import annotations

from collections.abc import Callable

from simulator.behaviour.person import BrowserPerson
from simulator.client.glean import GleanSender
from simulator.client.installation import Installation
from simulator.client.main_ping import MainPingSender
from simulator.client.telemetry_session import Later
from simulator.pings.firefox.basic_metadata import Application


class Containers:
    """One browser's containers that follow its runs. The event ping does not: it follows its events.

    Args:
        main: main pings; None where the scenario has none.
        glean: Glean; likewise.
        describe: gives Glean's `client_info` of an installation.
        least_active_ms: a shorter run never counts as active, so Glean keeps its events for the next start.
        later: the simulation's alarm clock.
        until_change: draws how long the environment that main pings describe stays as it is; None where nothing ever
            changes in it. What changes, such as an add-on, is in no part of the environment that is simulated.
    """

    __slots__ = (
        "_app",
        "_describe",
        "_ends_ms",
        "_glean",
        "_later",
        "_least_active_ms",
        "_main",
        "_started_ms",
        "_until_change",
    )

    def __init__(
        self,
        main: MainPingSender | None,
        glean: GleanSender | None,
        *,
        describe: Callable[[Installation], str],
        least_active_ms: int,
        later: Later,
        until_change: Callable[[], int] | None = None,
    ) -> None:
        self._main = main
        self._glean = glean
        self._app: Application | None = None
        self._describe = describe
        self._least_active_ms = least_active_ms
        self._later = later
        self._until_change = until_change
        self._started_ms = self._ends_ms = 0

    def started(self, person: BrowserPerson) -> None:
        """The browser was started."""
        installation = person.installation
        self._started_ms = now_ms = installation.run_started_ms
        if self._main is not None:
            self._main.start(now_ms)
            self._ends_ms = installation.run_ends_ms
            self._expect_change(now_ms)
        if self._glean is not None:
            if self._app is not installation.app:  # the first run of a version describes it anew
                self._app = installation.app
                self._glean.client_info = self._describe(installation)
            self._glean.start(now_ms)
            self._glean.active(now_ms)
        self._later(installation.run_ends_ms, self._closing)

    def _expect_change(self, now_ms: int) -> None:
        """The environment changes again, if the browser is open for so long."""
        if self._until_change is not None:
            at_ms = now_ms + self._until_change()
            if at_ms < self._ends_ms:
                self._later(at_ms, self._change)

    def _change(self, now_ms: int) -> None:
        """The environment changes."""
        if self._main is not None:
            self._main.environment_changes(now_ms)
        self._expect_change(now_ms)

    def _closing(self, now_ms: int) -> None:
        """The browser closes: what waits is sent now, or kept for the next start."""
        if self._glean is not None and now_ms - self._started_ms >= self._least_active_ms:
            self._glean.inactive(now_ms)
        if self._main is not None:
            self._main.shutdown(now_ms)
