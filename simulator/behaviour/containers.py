"""What a browser run means to the containers: Glean wakes up and goes idle, subsessions open and end."""

from __future__ import annotations

from collections.abc import Callable

from simulator.behaviour.person import BrowserPerson
from simulator.client.event_ping import EventPingSender
from simulator.client.glean import GleanSender
from simulator.client.installation import Installation
from simulator.client.main_ping import MainPingSender
from simulator.pings.firefox.basic_metadata import Application


class Containers:
    """One browser's containers, told when it starts and closes. Those that a scenario does not have are None.

    Args:
        events: legacy events.
        main: main pings.
        glean: Glean.
        describe: gives Glean's `client_info` of an installation.
        least_active_ms: a shorter run never counts as active, so Glean keeps its events for the next start.
    """

    __slots__ = ("_app", "_describe", "_events", "_glean", "_least_active_ms", "_main")

    def __init__(
        self,
        events: EventPingSender | None,
        main: MainPingSender | None,
        glean: GleanSender | None,
        *,
        describe: Callable[[Installation], str],
        least_active_ms: int,
    ) -> None:
        self._events = events
        self._main = main
        self._glean = glean
        self._app: Application | None = None
        self._describe = describe
        self._least_active_ms = least_active_ms

    def started(self, person: BrowserPerson) -> None:
        """The browser was started."""
        now_ms = int(person.env.now)
        if self._main is not None:
            self._main.start(now_ms)
        if self._glean is not None:
            if self._app is not person.installation.app:  # the first run of a version describes it anew
                self._app = person.installation.app
                self._glean.client_info = self._describe(person.installation)
            self._glean.start(now_ms)
            self._glean.active(now_ms)

    def closing(self, person: BrowserPerson) -> None:
        """The browser closes: what waits is sent now, or kept for the next start."""
        now_ms = int(person.env.now)
        if self._glean is not None and now_ms - person.installation.run_started_ms >= self._least_active_ms:
            self._glean.inactive(now_ms)
        if self._main is not None:
            self._main.shutdown(now_ms)
        if self._events is not None:
            self._events.shutdown(now_ms)
