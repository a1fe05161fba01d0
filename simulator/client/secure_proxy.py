"""The secure proxy extension's sender: what the extension knows of itself, recorded as events.

Events without a value are made once; those with one, once for each value.
"""

from __future__ import annotations

from functools import cache

from simulator.client.event_ping import EventPingSender
from simulator.pings.secure_proxy.events import PROCESS, Button, secure_proxy_event

_fragment = cache(secure_proxy_event)


class SecureProxySender:
    """One installation of the extension.

    Args:
        events: the browser's legacy events.
        version: the extension's.
        installed: whether it is installed already.
        signed_in: whether its user has signed in.
    """

    __slots__ = ("_events", "enabled", "installed", "signed_in", "version")

    def __init__(self, events: EventPingSender, *, version: str, installed: bool, signed_in: bool) -> None:
        self._events = events
        self.version = version
        self.installed = installed
        self.signed_in = signed_in
        self.enabled = signed_in

    def _record(self, now_ms: int, method: str, object_: str, value: str | None = None) -> None:
        self._events.append(now_ms, PROCESS, _fragment(method, object_, value))

    def install(self, now_ms: int) -> None:
        """The extension was installed."""
        self.installed = True
        self._record(now_ms, "general", "install", self.version)

    def update(self, now_ms: int, version: str) -> None:
        """The extension was updated."""
        self.version = version
        self._record(now_ms, "general", "update", version)

    def general(self, now_ms: int, object_: str) -> None:
        """Another proxy is in use, the settings are shown, the panel did not load."""
        self._record(now_ms, "general", object_)

    def enable(self, now_ms: int, button: Button) -> None:
        """The user switched the proxy on."""
        self.enabled = True
        self._record(now_ms, "general", "proxyEnabled", button)

    def disable(self, now_ms: int, button: Button) -> None:
        """The user switched the proxy off."""
        self.enabled = False
        self._record(now_ms, "general", "proxyDisabled", button)

    def start_sign_in(self, now_ms: int) -> None:
        """The user began to sign in."""
        self._record(now_ms, "fxa", "authStarted")

    def end_sign_in(self, now_ms: int, *, completed: bool) -> None:
        """The attempt to sign in ended. A completed one switches the proxy on, which is no click and no event."""
        self._record(now_ms, "fxa", "authCompleted" if completed else "authFailed")
        if completed:
            self.signed_in = self.enabled = True

    def network_error(self, now_ms: int, object_: str) -> None:
        """The network failed: 407, 429, connecting or proxyDown."""
        self._record(now_ms, "networking", object_)

    def click_setting(self, now_ms: int, object_: str) -> None:
        """A link of the settings was followed."""
        self._record(now_ms, "settings_url_clicks", object_)

    def answer_web_rtc(self, now_ms: int, *, exempt: bool) -> None:
        """The dialog about WebRTC was answered."""
        self._record(now_ms, "webRTC", "exemptTab" if exempt else "ignoreTab")
