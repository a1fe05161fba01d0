"""What the legacy senders of one installation share: addresses, identity, sessions and subsessions.

Source: TelemetrySession. A session is a browser run; a subsession ends with every main ping.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from simulator.client.annotations import Annotations
from simulator.client.installation import Installation
from simulator.client.outbox import Outbox
from simulator.pings.containers.application import application_object, environment_object
from simulator.pings.containers.event_ping import Telemetry
from simulator.pings.firefox.basic_metadata import Application
from simulator.randomness import Stream

#: Calls a function at a moment of the simulation: (milliseconds since the Unix epoch, what to call with it).
Later = Callable[[int, Callable[[int], None]], None]


Build = tuple[str, str, str, str, str, str]


class ApplicationTexts:
    """What all cohorts share: the application and environment blocks of every build that was met."""

    def __init__(self) -> None:
        self._builds: dict[Build, tuple[str, str]] = {}

    def of(self, build: Build) -> tuple[str, str]:
        """The blocks of a build: (build id, version, channel, locale, operating system, its version)."""
        known = self._builds.get(build)
        if known is None:
            build_id, version, channel, locale, os, os_version = build
            known = self._builds[build] = (
                application_object(build_id=build_id, version=version, channel=channel, os=os),
                environment_object(
                    build_id=build_id,
                    version=version,
                    channel=channel,
                    locale=locale,
                    os=os,
                    os_version=os_version,
                ),
            )
        return known


class TelemetryTexts:
    """What a cohort shares: kind codes and application blocks, by build.

    Args:
        outbox: the cohort's.
        applications: shared by all cohorts.
    """

    def __init__(self, outbox: Outbox, applications: ApplicationTexts) -> None:
        self.outbox = outbox
        self._applications = applications
        self._codes: dict[tuple[str, str, str], tuple[int, int]] = {}

    def build(self, installation: Installation) -> tuple[int, int, str, str]:
        """An installation's build: kind codes of its event and main pings, application, environment."""
        profile = installation.profile
        build_id, version, channel = key = (profile.build_id, profile.version, profile.channel)
        codes = self._codes.get(key)
        if codes is None:
            event, main = (
                self.outbox.telemetry(ping, doctype, version=version, channel=channel, build_id=build_id)
                for ping, doctype in (("event_ping", "event"), ("main_ping", "main"))
            )
            codes = self._codes[key] = (event, main)
        build = (*key, profile.locale, profile.os, profile.os_version)
        return (*codes, *self._applications.of(build))


class TelemetrySession:
    """One installation's legacy telemetry. What is never asked for is never made.

    Args:
        installation: whose.
        texts: shared by the cohort.
        annotations: the experiments that the client is in.
        random: the client's stream of telemetry ids.
        later: the simulation's alarm clock.
    """

    __slots__ = (
        "_app",
        "_build",
        "_run",
        "_subsession_id",
        "_telemetry",
        "_texts",
        "annotations",
        "installation",
        "later",
        "send",
        "uuid",
    )

    def __init__(
        self,
        installation: Installation,
        texts: TelemetryTexts,
        annotations: Annotations,
        *,
        random: Stream,
        later: Later,
    ) -> None:
        self.installation = installation
        self.annotations = annotations
        self.later = later
        self.send = installation.send
        self._texts = texts
        #: A fresh id: of a document, a subsession or an enrolment.
        self.uuid = random.uuid
        self._app: Application | None = None
        self._build = (0, 0, "", "")
        self._telemetry: Telemetry | None = None
        self._run = 0
        self._subsession_id = ""

    @property
    def subsession_id(self) -> str:
        """The current subsession, new in every run."""
        if self._run != self.installation.runs:
            self.next_subsession()
        return self._subsession_id

    def next_subsession(self) -> None:
        """A main ping closed the subsession."""
        self._run = self.installation.runs
        self._subsession_id = self.uuid()

    def kind(self, doctype: Literal["event", "main"]) -> int:
        """The kind code of event or main pings of the build that runs now."""
        self._refresh()
        return self._build[1] if doctype == "main" else self._build[0]

    @property
    def telemetry(self) -> Telemetry:
        """The fragments that all legacy pings of the build share."""
        return self._refresh()

    def _refresh(self) -> Telemetry:
        """Make the build's fragments, the first time and after each update of the application."""
        installation = self.installation
        if self._telemetry is None or self._app is not installation.app:
            self._app = installation.app
            self._build = self._texts.build(installation)
            _, _, application, environment = self._build
            self._telemetry = Telemetry(installation.profile.client_id, application, environment)
        return self._telemetry
