"""What the senders of one Firefox installation share: who it is, which run of the browser this is, what it may send."""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application
from simulator.pings.text import experiments_object
from simulator.population import Profile


class Installation:
    """One profile of Firefox on one machine, through all its browser runs.

    Args:
        profile: the client as the simulation finds it.
        app: what its application says of itself.
    """

    __slots__ = (
        "app",
        "browser_session_id",
        "enrolled",
        "experiments",
        "new_tabs",
        "number",
        "pinned_tabs",
        "profile",
        "run_ends_ms",
        "run_started_ms",
        "runs",
        "silent",
        "user_prefs",
    )

    def __init__(self, profile: Profile, app: Application) -> None:
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

    def start_run(self, now_ms: int, ends_ms: int, browser_session_id: str) -> None:
        """The browser was started; it will be closed at `ends_ms`."""
        self.run_started_ms = now_ms
        self.run_ends_ms = ends_ms
        self.browser_session_id = browser_session_id
        self.runs += 1

    def silence(self) -> None:
        """Telemetry is being switched off: after this run nothing is sent any more."""
        self.silent = True

    def enrol(self, slug: str, branch: str) -> None:
        """Annotate pings with an experiment from now on."""
        self.enrolled[slug] = branch
        self.experiments = experiments_object(self.enrolled)

    def unenrol(self, slug: str) -> None:
        """Annotate pings with an experiment no longer."""
        self.enrolled.pop(slug, None)
        self.experiments = experiments_object(self.enrolled) if self.enrolled else None

    def targeting_attributes(self, now_ms: int) -> dict[str, object]:
        """What targeting expressions can ask about, at this moment."""
        profile = self.profile
        return {
            "channel": profile.channel,
            "locale": profile.locale,
            "language": profile.locale.split("-", 1)[0],
            "version": float(profile.version.split(".", 1)[0]),
            "profile_age_days": now_ms // 86_400_000 - profile.created_day,
            "first_run": profile.is_new and self.runs <= 1,
            "runs": self.runs,
            "new_tabs": self.new_tabs,
            "pinned_tabs": self.pinned_tabs,
            "user_prefs": self.user_prefs,
            "is_default_browser": profile.is_default_browser,
            "has_secure_proxy": profile.secure_proxy,
            "os": profile.os,
        }
