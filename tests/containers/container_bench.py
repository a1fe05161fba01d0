from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.catalogue import load_schemas, ping_types
from simulator.client.annotations import Annotations
from simulator.client.glean import GleanSender
from simulator.client.installation import Installation
from simulator.client.outbox import Outbox
from simulator.client.telemetry_session import ApplicationTexts, TelemetrySession, TelemetryTexts
from simulator.corpus import Kinds
from simulator.pings.containers.glean_info import client_info_object
from simulator.pings.firefox.basic_metadata import Application
from simulator.population import Profile
from simulator.randomness import Stream


@dataclass
class Alarm:
    """An alarm clock that a test moves by hand."""

    pending: list[tuple[int, Callable[[int], None]]] = field(default_factory=list)

    def later(self, at_ms: int, act: Callable[[int], None]) -> None:
        self.pending.append((at_ms, act))

    def until(self, now_ms: int) -> None:
        while due := sorted((entry for entry in self.pending if entry[0] <= now_ms), key=lambda e: e[0]):
            self.pending.remove(due[0])
            due[0][1](due[0][0])


class Bench:
    """One installation with legacy telemetry, on a hand-driven clock, and the pings that came out of it."""

    def __init__(self, profile: Profile, dialect: str = "wire") -> None:
        self.outbox = Outbox(dialect, Kinds(list(ping_types()), ["valid"]))
        self.alarm = Alarm()
        app = Application(profile.build_id, profile.version, profile.channel, profile.locale)
        self.installation = Installation(profile, app, self.outbox.rows.append)
        self.annotations = Annotations(self.installation)
        self.session = TelemetrySession(
            self.installation,
            TelemetryTexts(self.outbox, ApplicationTexts()),
            self.annotations,
            random=Stream(17),
            later=self.alarm.later,
        )
        self.schemas = load_schemas(dialect)

    def start(self, now_ms: int, ends_ms: int) -> None:
        run = self.installation.runs + 1
        self.installation.start_run(now_ms, ends_ms, f"00000000-0000-4000-8000-{run:012d}")

    def glean(self, offset_ms: int = 3_600_000, skew_ms: int = 0) -> GleanSender:
        profile = self.installation.profile
        codes = [
            self.outbox.glean(ping, name, application_id="firefox-desktop", product="firefox")
            for ping, name in (("glean_events_ping", "events"), ("glean_baseline_ping", "baseline"))
        ]
        return GleanSender(
            self.outbox.rows.append,
            number=profile.number,
            codes=(codes[0], codes[1]),
            client_info=client_info_object(
                client_id=profile.client_id,
                build_id=profile.build_id,
                version=profile.version,
                channel=profile.channel,
                locale=profile.locale,
                os=profile.os,
                os_version=profile.os_version,
                created_ms=profile.created_day * 86_400_000,
                offset_ms=offset_ms,
            ),
            annotations=self.annotations,
            offset_ms=offset_ms,
            skew_ms=skew_ms,
        )

    def pings(self) -> list[tuple[int, str, dict[str, Any]]]:
        """(due, ping type, payload) of everything sent, each checked against its schema and its own id."""
        sent = []
        for due_ms, _, code, body, document_id in self.outbox.rows:
            kind = self.outbox.kinds.kinds[code]
            document = json.loads(body)
            assert self.schemas.check(kind.route, document) == ()
            if kind.route.startswith("telemetry/"):
                assert document["id"] == document_id
            sent.append((due_ms, kind.ping, document))
        return sent
