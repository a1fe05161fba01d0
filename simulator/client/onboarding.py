"""The sender of about:welcome (AboutWelcomeTelemetry): screens, buttons, the end. Always with the client's id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulator.client.installation import Installation
from simulator.client.outbox import Outbox
from simulator.pings.firefox.firefox_onboarding_about_welcome_pings.onboarding_button_clicks import (
    onboarding_click,
)
from simulator.pings.firefox.firefox_onboarding_about_welcome_pings.onboarding_impressions import (
    onboarding_impression,
)
from simulator.pings.firefox.firefox_onboarding_about_welcome_pings.onboarding_metadata import (
    onboarding_metadata,
)
from simulator.pings.firefox.firefox_onboarding_about_welcome_pings.onboarding_return_to_amo_install_ping import (
    onboarding_rtamo_install,
)
from simulator.pings.firefox.firefox_onboarding_about_welcome_pings.onboarding_session_end_ping import (
    onboarding_session_end,
)


class OnboardingSender:
    """Onboarding pings for all installations of a cohort; nothing is remembered between them.

    Args:
        outbox: the cohort's.
        attributions: where downloads come from; a profile's number picks one.
        add_on_attributions: the same for those that come from an add-on's page.
    """

    def __init__(
        self,
        outbox: Outbox,
        attributions: Sequence[Mapping[str, str]],
        add_on_attributions: Sequence[Mapping[str, str]],
    ) -> None:
        self._dialect = outbox.dialect
        self._attributions = attributions
        self._add_on_attributions = add_on_attributions
        self._impression = outbox.structured("onboarding_impression")
        self._click = outbox.structured("onboarding_click")
        self._install = outbox.structured("onboarding_rtamo_install")
        self._session_end = outbox.structured("onboarding_session_end")

    def _metadata(self, installation: Installation) -> str:
        profile = installation.profile
        pool = self._add_on_attributions if profile.returns_to_amo else self._attributions
        return onboarding_metadata(
            installation.app,
            client_id=profile.client_id,
            browser_session_id=installation.browser_session_id,
            experiments=installation.experiments,
            attribution=pool[int(profile.attribution * len(pool))] if profile.attribution >= 0 else None,
        )

    def impression(self, installation: Installation, now_ms: int, shown: str) -> None:
        """The page (its bare id), a screen, or the importable sites were shown."""
        body = onboarding_impression(self._dialect, self._metadata(installation), message_id=shown)
        installation.send((now_ms, installation.number, self._impression, body, None))

    def click(self, installation: Installation, now_ms: int, screen: str, source: str) -> None:
        """A button was clicked: primary_button or secondary_button."""
        body = onboarding_click(self._dialect, self._metadata(installation), message_id=screen, source=source)
        installation.send((now_ms, installation.number, self._click, body, None))

    def install(self, installation: Installation, now_ms: int, screen: str) -> None:
        """The add-on that brought the user here was installed."""
        body = onboarding_rtamo_install(self._dialect, self._metadata(installation), message_id=screen)
        installation.send((now_ms, installation.number, self._install, body, None))

    def session_end(self, installation: Installation, now_ms: int, reason: str) -> None:
        """about:welcome went away; reasons as in `onboarding_session_end`."""
        body = onboarding_session_end(
            self._dialect,
            self._metadata(installation),
            message_id="DEFAULT_ABOUTWELCOME",
            reason=reason,
        )
        installation.send((now_ms, installation.number, self._session_end, body, None))
