"""What the senders of one Firefox installation share: who it is, which run of the browser this is, what it may send."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from simulator.client.submission import Submission
from simulator.clock import MS_PER_DAY
from simulator.corpus.rows import Row
from simulator.pings.firefox.basic_metadata import Application
from simulator.pings.text import experiments_object
from simulator.population import Profile


def _drop(row: Row) -> None:
    """Nobody listens."""


class Installation:
    """One profile of Firefox on one machine, through all its browser runs.

    `epoch` counts everything that fragments of pings depend on: runs, preferences, experiments, updates. A sender
    that keeps fragments makes them anew when it has changed. `changes` counts everything that targeting can ask
    about and that does not pass by itself: preferences, experiments, updates, pinned tabs, but no runs.

    Args:
        profile: the client as the simulation finds it.
        app: what its application says of itself.
        send: takes finished rows; None drops them.
        submission: holds rows back; None where all arrive at once. Then `send` is its own.
    """

    __slots__ = (
        "_submission",
        "_targeting",
        "app",
        "browser_session_id",
        "changes",
        "created_day",
        "enrolled",
        "epoch",
        "experiments",
        "new_tabs",
        "number",
        "pinned_tabs",
        "profile",
        "run_ends_ms",
        "run_started_ms",
        "runs",
        "send",
        "silent",
        "updated",
        "user_prefs",
    )

    def __init__(
        self,
        profile: Profile,
        app: Application,
        send: Callable[[Row], None] | None = None,
        submission: Submission | None = None,
    ) -> None:
        self.send = send or _drop
        self._submission = submission
        self.epoch = 0
        self.changes = 0
        self.created_day = profile.created_day
        self.updated = False
        self.profile = profile
        self.number = profile.number
        self.app = app
        self.user_prefs = profile.user_prefs
        self.pinned_tabs = profile.pinned_tabs
        self.browser_session_id = ""
        self.run_started_ms = 0
        self.run_ends_ms = 0
        self.runs = 0
        self.new_tabs = 0
        self.enrolled: dict[str, str] = {}
        self.experiments: str | None = None
        self.silent = False
        self._targeting: dict[str, object] | None = None

    def start_run(self, now_ms: int, ends_ms: int, browser_session_id: str) -> None:
        """The browser was started; it will be closed at `ends_ms`."""
        self.run_started_ms = now_ms
        self.run_ends_ms = ends_ms
        self.browser_session_id = browser_session_id
        self.runs += 1
        self.epoch += 1
        self.updated = False
        if self.runs == 1 and self.profile.is_new:  # a profile is made by its first start
            self.created_day = (now_ms + self.profile.clock_skew_ms) // MS_PER_DAY
        if self._submission is not None:
            self._submission.browser_started(now_ms)

    def update(self, app: Application) -> None:
        """A newer version was installed; this run is its first."""
        self.app = app
        self.profile = msgspec.structs.replace(self.profile, version=app.version, build_id=app.addon_version)
        self._targeting = None
        self.updated = True
        self._change()

    def set_preference(self, bit: int, *, on: bool) -> None:
        """A preference was switched; pings from now on say so."""
        self.user_prefs = self.user_prefs | bit if on else self.user_prefs & ~bit
        self._change()

    def pin_tab(self) -> None:
        """A tab was pinned; pings other than that of the pinning never tell."""
        self.pinned_tabs += 1
        self.changes += 1

    def silence(self) -> None:
        """Telemetry is being switched off: after this run nothing is sent any more."""
        self.silent = True

    def enrol(self, slug: str, branch: str) -> None:
        """Annotate pings with an experiment from now on."""
        self.enrolled[slug] = branch
        self.experiments = experiments_object(self.enrolled)
        self._change()

    def unenrol(self, slug: str) -> None:
        """Annotate pings with an experiment no longer."""
        self.enrolled.pop(slug, None)
        self.experiments = experiments_object(self.enrolled) if self.enrolled else None
        self._change()

    def _change(self) -> None:
        self.epoch += 1
        self.changes += 1

    def targeting_attributes(self, now_ms: int) -> Mapping[str, object]:
        """What targeting expressions can ask about, at this moment. The next call changes the same mapping."""
        known = self._targeting
        if known is None:
            known = self._targeting = self._lasting_attributes()
        known["profile_age_days"] = now_ms // MS_PER_DAY - self.created_day
        known["first_run"] = self.profile.is_new and self.runs <= 1
        known["runs"] = self.runs
        known["new_tabs"] = self.new_tabs
        known["pinned_tabs"] = self.pinned_tabs
        known["user_prefs"] = self.user_prefs
        known["updated"] = self.updated
        return known

    def _lasting_attributes(self) -> dict[str, object]:
        """Those that only an update can change."""
        profile = self.profile
        return {
            "channel": profile.channel,
            "locale": profile.locale,
            "language": profile.locale.split("-", 1)[0],
            "version": float(profile.version.split(".", 1)[0]),
            "is_default_browser": profile.is_default_browser,
            "has_secure_proxy": profile.secure_proxy,
            "os": profile.os,
            "return_to_amo": profile.returns_to_amo,
        }
