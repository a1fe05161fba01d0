"""What the browser itself reports beside its new tabs: taken-over pages, pinned tabs, the Save to Pocket button."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.client.installation import Installation
from simulator.client.outbox import Outbox
from simulator.pings.firefox.page_takeover_ping import page_takeover
from simulator.pings.firefox.save_to_pocket_button_pings.click_impression_ping import pocket_button
from simulator.pings.firefox.user_event_pings.pinning_a_tab import tab_pinned


class BrowserSender:
    """These pings for all installations of a cohort; nothing is remembered between them.

    Args:
        outbox: the cohort's.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._dialect = outbox.dialect
        self._page_takeover = outbox.structured("page_takeover")
        self._tab_pinned = outbox.structured("tab_pinned")
        self._pocket_button = outbox.structured("pocket_button")

    def page_takeover(
        self, installation: Installation, now_ms: int, taken: Mapping[str, str], *, session_id: str
    ) -> None:
        """The browser started and found its own pages replaced.

        Args:
            installation: whose.
            now_ms: when.
            taken: what stands there instead.
            session_id: printed in the documented form only.
        """
        body = page_takeover(
            self._dialect,
            installation.app,
            taken=taken,
            client_id=installation.profile.client_id,
            session_id=session_id,
            browser_session_id=installation.browser_session_id,
            experiments=installation.experiments,
            user_prefs=installation.user_prefs,
        )
        installation.send((now_ms, installation.number, self._page_takeover, body, None))

    def tab_pinned(self, installation: Installation, now_ms: int) -> None:
        """A tab was pinned in a window that is not private."""
        installation.pin_tab()
        body = tab_pinned(
            self._dialect,
            installation.app,
            total_pinned_tabs=installation.pinned_tabs,
            client_id=installation.profile.client_id,
            browser_session_id=installation.browser_session_id,
            experiments=installation.experiments,
            user_prefs=installation.user_prefs,
        )
        installation.send((now_ms, installation.number, self._tab_pinned, body, None))

    def pocket_button(
        self, installation: Installation, now_ms: int, action: str, source: str, position: int
    ) -> None:
        """The Save to Pocket button was used, or its panel showed something.

        Args:
            installation: whose.
            now_ms: when.
            action: impression, click, save or unpin.
            source: what of the button or panel.
            position: 0-based place within it.
        """
        body = pocket_button(
            self._dialect,
            installation.app,
            action=action,
            source=source,
            position=position,
            logged_in=installation.profile.pocket_logged_in,
            impression_id=installation.profile.impression_id,
            profile_creation_day=installation.created_day,
            experiments=installation.experiments,
        )
        installation.send((now_ms, installation.number, self._pocket_button, body, None))
