"""The secure proxy extension: how people come by it and what they do with it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from simulator.scenario.fields import DurationMs, Probability, Rate, Section, Share


class SecureProxy(Section):
    """Figures for those who have the extension. No public figure was found for any of them: they are assumptions.

    Args:
        versions: of the extension, oldest first; an update goes to the next one.
        installed_before: share of those who have it that installed it before the simulation starts.
        signed_in_before: share of those who had signed in by then.
        updates_a_week: how often a new version is found at a browser start.
        other_proxy: at a browser start, another proxy setting is found.
        panels_an_hour: how often the panel is opened.
        loading_error: the panel does not come up in time.
        settings: from the panel, the settings are opened.
        settings_clicks: relative weights of what is clicked there; `none` leaves them.
        sign_in: who is not signed in begins to when the panel is open.
        sign_in_failed: an attempt ends with an error.
        sign_in_median: how long an attempt takes.
        enable: from the panel of a signed-in person, a proxy that is off is switched on.
        disable: from the panel, a proxy that is on is switched off.
        toggle_button: share of switching done with the toggle button; the rest is the state button.
        connecting_failed: the test through the proxy fails while it connects.
        invalid_tokens_an_hour: 407 answers while the proxy is on.
        abuses_an_hour: 429 answers while the proxy is on.
        outages_an_hour: the proxy seems down while it is on; the extension looks at most once an hour of a session.
        web_rtc_dialogs_an_hour: pages that want WebRTC while the proxy is on.
        exempt_tab: share of those dialogs that end with the tab exempted; otherwise it is ignored.
    """

    versions: Annotated[list[str], Field(min_length=1)] = ["0.8", "0.9", "1.0", "1.1"]
    installed_before: Share = 0.7
    signed_in_before: Share = 0.85
    updates_a_week: Rate = 0.3
    other_proxy: Probability = 0.01
    panels_an_hour: Rate = 1.5
    loading_error: Probability = 0.01
    settings: Probability = 0.08
    settings_clicks: dict[str, Annotated[float, Field(ge=0)]] = {
        "manageAccount": 0.2,
        "helpAndSupport": 0.08,
        "cloudflare": 0.06,
        "privacyPolicy": 0.05,
        "termsAndConditions": 0.04,
        "giveUsFeedback": 0.07,
        "none": 0.5,
    }
    sign_in: Probability = 0.6
    sign_in_failed: Probability = 0.12
    sign_in_median: DurationMs = 25_000
    enable: Probability = 0.5
    disable: Probability = 0.3
    toggle_button: Share = 0.7
    connecting_failed: Probability = 0.03
    invalid_tokens_an_hour: Rate = 0.1
    abuses_an_hour: Rate = 0.01
    outages_an_hour: Rate = 0.03
    web_rtc_dialogs_an_hour: Rate = 0.15
    exempt_tab: Share = 0.35

    @model_validator(mode="after")
    def _settings_clicks_are_links(self) -> SecureProxy:
        known = {*type(self).model_fields["settings_clicks"].default}
        unknown = sorted(set(self.settings_clicks) - known)
        if unknown:
            raise ValueError(f"settings_clicks knows no {unknown[0]!r}; it knows {', '.join(sorted(known))}")
        if sum(self.settings_clicks.values()) <= 0:
            raise ValueError("settings_clicks: at least one weight must be above 0")
        return self
