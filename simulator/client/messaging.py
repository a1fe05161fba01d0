"""The messaging system's sender: every surface, under the policy that a message shown for a site names nobody.

Sources: TelemetryFeed.applyCFRPolicy, ToolbarPanelHub, ToolbarBadgeHub, MomentsPageHub, InfoBar, Spotlight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from simulator.client.installation import Installation
from simulator.client.outbox import Outbox
from simulator.pings.firefox.activity_stream_router_pings import (
    cfr_impression_for_all_the_prerelease_channels_and_shield_experiment,
    cfr_impression_for_the_release_channel,
    cfr_interaction_pings_for_all_the_prerelease_channels_and_shield_experiment,
    cfr_interaction_pings_for_release_channel,
)
from simulator.pings.firefox.activity_stream_router_pings.cfr_metadata import (
    cfr_metadata_prerelease,
    cfr_metadata_release,
)
from simulator.pings.firefox.activity_stream_router_pings.remote_settings_error_pings import (
    remote_settings_error,
)
from simulator.pings.firefox.activity_stream_router_pings.snippets_impression import snippets_impression
from simulator.pings.firefox.activity_stream_router_pings.snippets_interaction_pings import (
    DOCUMENTED_EVENTS,
    snippets_interaction,
)
from simulator.pings.firefox.activity_stream_router_pings.snippets_metadata import snippets_metadata
from simulator.pings.firefox.activity_stream_router_pings.targeting_error_pings import targeting_error
from simulator.pings.firefox.feature_callouts_interaction_pings import toolbar_badge
from simulator.pings.firefox.infobar_pings import infobar_event
from simulator.pings.firefox.messaging_experiments_pings.experiment_attribute_errors import (
    attribute_error,
    attribute_timeout,
)
from simulator.pings.firefox.moments_page_pings import moments_page_set_prerelease, moments_page_set_release
from simulator.pings.firefox.panel_interaction_pings import whats_new_panel_event, whats_new_panel_pref_toggle
from simulator.pings.firefox.panel_metadata import panel_metadata
from simulator.pings.firefox.spotlight_pings import spotlight_event
from simulator.scenario.message import Message

_PINGS = (
    "cfr_impression_prerelease",
    "cfr_impression_release",
    "cfr_interaction_prerelease",
    "cfr_interaction_release",
    "spotlight_event",
    "infobar_event",
    "snippets_impression",
    "snippets_interaction",
    "toolbar_badge",
    "whats_new_panel_event",
    "whats_new_panel_pref_toggle",
    "moments_page_set_release",
    "moments_page_set_prerelease",
    "targeting_error",
    "remote_settings_error",
)
_DOCUMENTED_RECORDS = ("attribute_error", "attribute_timeout")


class MessagingSender:
    """Messaging telemetry for all installations of a cohort; nothing is remembered between pings.

    Args:
        outbox: the cohort's.
        cfr_experiments: slugs of the experiments on CFR; being in one lifts the release policy.
    """

    def __init__(self, outbox: Outbox, cfr_experiments: frozenset[str]) -> None:
        self._dialect = outbox.dialect
        self._cfr_experiments = cfr_experiments
        self._code = {ping: outbox.structured(ping) for ping in _PINGS}
        if outbox.dialect == "documented":
            self._code |= {ping: outbox.structured(ping) for ping in _DOCUMENTED_RECORDS}

    def _send(self, installation: Installation, now_ms: int, ping: str, body: str) -> None:
        installation.send((now_ms, installation.number, self._code[ping], body, None))

    def _is_anonymous(self, installation: Installation) -> bool:
        """Whether the release policy applies: the release channel, outside experiments on CFR."""
        return installation.profile.channel == "release" and not (
            self._cfr_experiments & installation.enrolled.keys()
        )

    def cfr(self, installation: Installation, now_ms: int, message: Message, event: str) -> None:
        """A doorhanger was shown, or something was done with it.

        Args:
            installation: whose.
            now_ms: when.
            message: which.
            event: as the ping has it, IMPRESSION for showing.
        """
        dialect, experiments = self._dialect, installation.experiments
        if self._is_anonymous(installation):
            metadata = cfr_metadata_release(
                dialect,
                installation.app,
                impression_id=installation.profile.impression_id,
                bucket_id=message.bucket,
                experiments=experiments,
            )
            if event == "IMPRESSION":
                ping = "cfr_impression_release"
                body = cfr_impression_for_the_release_channel.cfr_impression_release(metadata)
            else:
                ping = "cfr_interaction_release"
                body = cfr_interaction_pings_for_release_channel.cfr_interaction_release(
                    dialect, metadata, event=event
                )
            self._send(installation, now_ms, ping, body)
            return
        metadata = cfr_metadata_prerelease(
            dialect,
            installation.app,
            client_id=installation.profile.client_id,
            message_id=message.id,
            bucket_id=message.bucket,
            experiments=experiments,
        )
        if event == "IMPRESSION":
            ping = "cfr_impression_prerelease"
            form = cfr_impression_for_all_the_prerelease_channels_and_shield_experiment
            body = form.cfr_impression_prerelease(metadata)
        else:
            ping = "cfr_interaction_prerelease"
            model = message.model_version if message.experiment in installation.enrolled else ""
            interaction = cfr_interaction_pings_for_all_the_prerelease_channels_and_shield_experiment
            body = interaction.cfr_interaction_prerelease(dialect, metadata, event=event, model_version=model)
        self._send(installation, now_ms, ping, body)

    def _surface(
        self,
        installation: Installation,
        now_ms: int,
        ping: str,
        builder: Callable[..., str],
        message: Message,
        event: str,
    ) -> None:
        """An event on a surface that names the client on all channels."""
        body = builder(
            client_id=installation.profile.client_id,
            browser_session_id=installation.browser_session_id,
            message_id=message.id,
            event=event,
            experiments=installation.experiments,
        )
        self._send(installation, now_ms, ping, body)

    def spotlight(self, installation: Installation, now_ms: int, message: Message, event: str) -> None:
        """A spotlight dialog was shown (IMPRESSION), followed (CLICK) or closed (DISMISS)."""
        builder = partial(spotlight_event, installation.app)
        self._surface(installation, now_ms, "spotlight_event", builder, message, event)

    def infobar(self, installation: Installation, now_ms: int, message: Message, event: str) -> None:
        """The info bar was shown or used: IMPRESSION, CLICK_PRIMARY_BUTTON, CLICK_SECONDARY_BUTTON, DISMISSED."""
        builder = partial(infobar_event, installation.app)
        self._surface(installation, now_ms, "infobar_event", builder, message, event)

    def badge(self, installation: Installation, now_ms: int, message: Message, event: str) -> None:
        """A badge was seen (IMPRESSION) or clicked (CLICK)."""
        builder = partial(toolbar_badge, self._dialect, installation.app)
        self._surface(installation, now_ms, "toolbar_badge", builder, message, event)

    def snippet(self, installation: Installation, now_ms: int, message: Message, event: str) -> None:
        """A snippet was shown (IMPRESSION) or used: CLICK_BUTTON, DISMISS, BLOCK.

        The document has no dismissal of a snippet, so there it is not sent.
        """
        metadata = snippets_metadata(
            self._dialect,
            installation.app,
            client_id=installation.profile.client_id,
            message_id=message.id,
            experiments=installation.experiments,
        )
        if event == "IMPRESSION":
            self._send(installation, now_ms, "snippets_impression", snippets_impression(metadata))
        elif self._dialect == "wire" or event in DOCUMENTED_EVENTS:
            body = snippets_interaction(self._dialect, metadata, event=event)
            self._send(installation, now_ms, "snippets_interaction", body)

    def _panel(self, installation: Installation, message_id: str) -> str:
        return panel_metadata(
            self._dialect,
            installation.app,
            client_id=installation.profile.client_id,
            browser_session_id=installation.browser_session_id,
            message_id=message_id,
            experiments=installation.experiments,
        )

    def panel_opened(
        self, installation: Installation, now_ms: int, messages: Iterable[Message], view: str
    ) -> None:
        """The What's New panel was opened: one impression with all ids, sorted and comma-joined."""
        ids = ",".join(sorted(message.id for message in messages))
        body = whats_new_panel_event(
            self._dialect, self._panel(installation, ids), event="IMPRESSION", view=view
        )
        self._send(installation, now_ms, "whats_new_panel_event", body)

    def panel_clicked(self, installation: Installation, now_ms: int, message: Message, view: str) -> None:
        """A message of the panel was clicked."""
        body = whats_new_panel_event(
            self._dialect, self._panel(installation, message.id), event="CLICK", view=view
        )
        self._send(installation, now_ms, "whats_new_panel_event", body)

    def panel_preference(self, installation: Installation, now_ms: int, *, on: bool) -> None:
        """The panel's checkbox about notifications was changed."""
        body = whats_new_panel_pref_toggle(self._dialect, self._panel(installation, "n/a"), value=on)
        self._send(installation, now_ms, "whats_new_panel_pref_toggle", body)

    def moments_page_set(self, installation: Installation, now_ms: int, message: Message) -> None:
        """A page will open at the next start: the only thing that is ever told of a moments page."""
        bucket = message.bucket or message.id
        if self._is_anonymous(installation):
            body = moments_page_set_release(
                self._dialect,
                installation.app,
                impression_id=installation.profile.impression_id,
                bucket_id=bucket,
                experiments=installation.experiments,
            )
            self._send(installation, now_ms, "moments_page_set_release", body)
            return
        body = moments_page_set_prerelease(
            self._dialect,
            installation.app,
            client_id=installation.profile.client_id,
            message_id=message.id,
            bucket_id=bucket,
            experiments=installation.experiments,
        )
        self._send(installation, now_ms, "moments_page_set_prerelease", body)

    def targeting_error(self, installation: Installation, now_ms: int, message: Message, cause: str) -> None:
        """A message's targeting could not be evaluated: MALFORMED_EXPRESSION or OTHER_ERROR."""
        body = targeting_error(
            self._dialect,
            installation.app,
            impression_id=installation.profile.impression_id,
            message_id=message.id,
            cause=cause,
            experiments=installation.experiments,
        )
        self._send(installation, now_ms, "targeting_error", body)

    def attribute_failed(
        self, installation: Installation, now_ms: int, kind: str, *, about: str, source: str
    ) -> bool:
        """A targeting attribute failed or took too long: the document's own record of it.

        Args:
            installation: whose.
            now_ms: when.
            kind: attribute_error or attribute_timeout. On the wire these are events of the event ping.
            about: the attribute.
            source: the message's id.

        Returns:
            Whether the dialect has that record; otherwise it is for the event ping.
        """
        if self._dialect != "documented":
            return False
        builder = attribute_error if kind == "attribute_error" else attribute_timeout
        self._send(installation, now_ms, kind, builder(attribute=about, source=source))
        return True

    def provider_failed(self, installation: Installation, now_ms: int, event: str, provider: str) -> None:
        """Messages could not be loaded: ASR_RS_NO_MESSAGES or ASR_RS_ERROR, from this provider."""
        body = remote_settings_error(
            self._dialect,
            installation.app,
            impression_id=installation.profile.impression_id,
            event=event,
            provider=provider,
            experiments=installation.experiments,
            user_prefs=installation.user_prefs,
        )
        self._send(installation, now_ms, "remote_settings_error", body)
