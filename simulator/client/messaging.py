"""The messaging system's sender: CFR doorhangers and spotlight dialogs, under the policy for release channels.

Source: TelemetryFeed.applyCFRPolicy; special care is taken that a message shown for a site names nobody.
"""

from __future__ import annotations

from simulator.client.installation import Installation
from simulator.client.outbox import Outbox
from simulator.pings.firefox.activity_stream_router_pings.cfr_pings import (
    cfr_event,
    cfr_metadata_prerelease,
    cfr_metadata_release,
)
from simulator.pings.firefox.spotlight_pings import spotlight_event
from simulator.scenario.message import Message


class MessagingCodes:
    """The kind codes of messaging pings, shared by a cohort."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.dialect = outbox.dialect
        self.cfr_impression_prerelease = outbox.structured("cfr_impression_prerelease")
        self.cfr_impression_release = outbox.structured("cfr_impression_release")
        self.cfr_interaction_prerelease = outbox.structured("cfr_interaction_prerelease")
        self.cfr_interaction_release = outbox.structured("cfr_interaction_release")
        self.spotlight = outbox.structured("spotlight_event")


class MessagingSender:
    """One installation's messaging telemetry.

    Args:
        installation: whose.
        codes: shared by the cohort.
        cfr_experiments: slugs of the experiments on CFR; being in one lifts the release policy.
    """

    __slots__ = ("_append", "_cfr_experiments", "_codes", "_installation")

    def __init__(
        self, installation: Installation, codes: MessagingCodes, cfr_experiments: frozenset[str]
    ) -> None:
        self._installation = installation
        self._codes = codes
        self._cfr_experiments = cfr_experiments
        self._append = codes.outbox.rows.append

    def _is_anonymous(self) -> bool:
        """Whether the release policy applies: the release channel, outside experiments on CFR."""
        installation = self._installation
        return installation.profile.channel == "release" and not (
            self._cfr_experiments & installation.enrolled.keys()
        )

    def cfr(self, now_ms: int, message: Message, event: str) -> None:
        """A doorhanger was shown, or something was done with it.

        Args:
            now_ms: when.
            message: which.
            event: as the ping has it, IMPRESSION for showing.
        """
        installation, codes = self._installation, self._codes
        bucket = message.bucket or message.id
        if self._is_anonymous():
            metadata = cfr_metadata_release(
                codes.dialect,
                installation.app,
                impression_id=installation.profile.impression_id,
                bucket_id=bucket,
                experiments=installation.experiments,
            )
            code = codes.cfr_impression_release if event == "IMPRESSION" else codes.cfr_interaction_release
        else:
            metadata = cfr_metadata_prerelease(
                codes.dialect,
                installation.app,
                client_id=installation.profile.client_id,
                message_id=message.id,
                bucket_id=bucket,
                experiments=installation.experiments,
            )
            code = (
                codes.cfr_impression_prerelease if event == "IMPRESSION" else codes.cfr_interaction_prerelease
            )
        self._append((now_ms, installation.number, code, cfr_event(codes.dialect, metadata, event), None))

    def spotlight(self, now_ms: int, message: Message, event: str) -> None:
        """A spotlight dialog was shown (IMPRESSION), followed (CLICK) or closed (DISMISS)."""
        installation = self._installation
        body = spotlight_event(
            installation.app,
            client_id=installation.profile.client_id,
            browser_session_id=installation.browser_session_id,
            message_id=message.id,
            event=event,
            experiments=installation.experiments,
        )
        self._append((now_ms, installation.number, self._codes.spotlight, body, None))
