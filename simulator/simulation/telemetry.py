"""What a Firefox installation has beside new tabs and messages: containers, experiments, the secure proxy.

Whoever has none of them costs one call here and nothing afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import simpy

from simulator.behaviour.alarm import alarm
from simulator.behaviour.containers import Containers
from simulator.behaviour.experiments import NimbusHabits, Participation
from simulator.behaviour.person import Companion
from simulator.behaviour.secure_proxy import ProxyHabits, ProxyUser
from simulator.client.annotations import Annotations
from simulator.client.event_ping import EventPingSender
from simulator.client.experiments import ExperimentCodes, ExperimentSender
from simulator.client.glean import GleanSender
from simulator.client.installation import Installation
from simulator.client.main_ping import MainPingSender
from simulator.client.outbox import Outbox
from simulator.client.secure_proxy import SecureProxySender
from simulator.client.telemetry_session import TelemetrySession, TelemetryTexts
from simulator.clock import MS_PER_DAY
from simulator.nimbus import Enrolments, compile_recipes
from simulator.pings.containers.glean_info import client_info_object
from simulator.randomness import Stream, client_keys
from simulator.simulation.plan import Plan

DESKTOP_APPLICATION_ID = "firefox-desktop"


@dataclass(frozen=True, slots=True)
class Equipment:
    """What one browser has. `companions` are told of starts and, in reverse, of shutdowns."""

    events: EventPingSender | None = None
    experiments: Participation | None = None
    companions: tuple[Companion, ...] = ()


_NOTHING = Equipment()


class TelemetryCast:
    """What all cohorts share: compiled recipes and habits.

    Args:
        plan: what is simulated.
    """

    def __init__(self, plan: Plan) -> None:
        scenario = plan.scenario
        self.plan = plan
        self.telemetry = scenario.telemetry
        self.recipes = compile_recipes(scenario.experiments, "firefox")
        self.nimbus = NimbusHabits(scenario.nimbus)
        messaging = scenario.messaging
        fails = bool(messaging.targeting_error or messaging.attribute_timeout)
        #: Whether every client has something to send, not only those with experiments or the proxy.
        self.for_all = (
            scenario.telemetry.main_ping
            or scenario.telemetry.glean
            or (plan.dialect == "wire" and fails and bool(scenario.all_messages))
        )
        self.proxy = ProxyHabits(scenario.secure_proxy) if scenario.products.secure_proxy else None

    def cohort(self, env: simpy.Environment, outbox: Outbox, clients: range) -> TelemetryCohort:
        """The part that one cohort's environment and outbox belong to."""
        return TelemetryCohort(self, env, outbox, clients)


class TelemetryCohort:
    """Hands out equipment to one cohort's installations.

    Args:
        cast: what all cohorts share.
        env: the cohort's clock.
        outbox: where its pings go.
        clients: its client numbers.
    """

    def __init__(self, cast: TelemetryCast, env: simpy.Environment, outbox: Outbox, clients: range) -> None:
        self._cast = cast
        self._later = alarm(env)
        self._texts = TelemetryTexts(outbox)
        self._codes = ExperimentCodes(outbox)
        self._first = clients.start
        numbers, seed = np.arange(clients.start, clients.stop), cast.plan.seed
        self._id_keys, self._nimbus_keys, self._proxy_keys = (
            client_keys(seed, purpose, numbers).tolist()
            for purpose in ("telemetry ids", "nimbus", "secure proxy")
        )
        self._glean_codes = (
            tuple(
                outbox.glean(ping, name, application_id=DESKTOP_APPLICATION_ID, product="firefox")
                for ping, name in (("glean_events_ping", "events"), ("glean_baseline_ping", "baseline"))
            )
            if cast.telemetry.glean
            else ()
        )

    def equip(self, installation: Installation) -> Equipment:
        """What an installation has."""
        cast, profile = self._cast, installation.profile
        switches = cast.telemetry
        concerning = [
            recipe for recipe in cast.recipes if recipe.concerns(profile.normandy_id, profile.channel)
        ]
        uses_proxy = cast.proxy is not None and profile.secure_proxy
        if not (concerning or uses_proxy or cast.for_all):
            return _NOTHING
        i = profile.number - self._first
        annotations = Annotations(installation)
        session = TelemetrySession(
            installation, self._texts, annotations, key=self._id_keys[i], later=self._later
        )
        events = EventPingSender(session) if switches.event_ping else None
        main = MainPingSender(session) if switches.main_ping else None
        glean = self._glean(installation, annotations)
        containers = Containers(
            events, main, glean, describe=_describe, least_active_ms=switches.least_active
        )
        companions: list[Companion] = [containers]
        participation = None
        if concerning:
            enrolments = Enrolments(profile.normandy_id, concerning, new_id=session.uuid)
            sender = ExperimentSender(
                profile.number,
                installation.send,
                self._codes,
                enrolments,
                annotations,
                events=events,
                glean=glean,
                main=main,
            )
            participation = Participation(
                sender, cast.nimbus, Stream(self._nimbus_keys[i]), later=self._later
            )
            companions.append(participation)
        if uses_proxy and events is not None:
            companions.append(self._proxy(events, Stream(self._proxy_keys[i])))
        return Equipment(events, participation, tuple(companions))

    def _glean(self, installation: Installation, annotations: Annotations) -> GleanSender | None:
        if not self._glean_codes:
            return None
        profile = installation.profile
        return GleanSender(
            installation.send,
            number=profile.number,
            codes=(self._glean_codes[0], self._glean_codes[1]),
            client_info="",  # described at its first start
            annotations=annotations,
            offset_ms=profile.utc_offset_ms,
            skew_ms=profile.clock_skew_ms,
        )

    def _proxy(self, events: EventPingSender, random: Stream) -> ProxyUser:
        habits = self._cast.proxy
        assert habits is not None  # noqa: S101 - asked only for those who have the extension
        rates = habits.rates
        installed = random.uniform() < rates.installed_before
        signed_in = random.uniform() < rates.signed_in_before
        versions = rates.versions[:-1] or rates.versions
        version = versions[int(random.uniform() * len(versions))] if installed else rates.versions[-1]
        sender = SecureProxySender(
            events, version=version, installed=installed, signed_in=installed and signed_in
        )
        return ProxyUser(sender, habits, random)


def _describe(installation: Installation) -> str:
    """Glean's `client_info` of an installation as it is now."""
    profile = installation.profile
    return client_info_object(
        client_id=profile.client_id,
        build_id=profile.build_id,
        version=profile.version,
        channel=profile.channel,
        locale=profile.locale,
        os=profile.os,
        created_ms=profile.created_day * MS_PER_DAY,
        offset_ms=profile.utc_offset_ms,
    )
