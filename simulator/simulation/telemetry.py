"""What a Firefox installation has beside new tabs and messages: containers, experiments, the secure proxy.

Whoever has none of them costs one call here and nothing afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
from simulator.client.telemetry_session import ApplicationTexts, TelemetrySession, TelemetryTexts
from simulator.clock import MS_PER_DAY, MS_PER_HOUR
from simulator.distributions import exponential
from simulator.nimbus import Enrolments, Recipe, compile_recipes
from simulator.pings.containers.glean_info import client_info_object
from simulator.population import Profile
from simulator.randomness import Stream, cohort_streams
from simulator.simulation.ahead import ahead
from simulator.simulation.environment import CohortClocks
from simulator.simulation.plan import Plan

DESKTOP_APPLICATION_ID = "firefox-desktop"


@dataclass(frozen=True, slots=True)
class Equipment:
    """What one browser has. `companions` are told of starts, in this order."""

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
        self.applications = ApplicationTexts()
        changes = scenario.telemetry.environment_changes_an_hour if scenario.telemetry.main_ping else 0
        #: How long an environment stays as it is; None where there is no main ping to tell.
        self.until_change = exponential(MS_PER_HOUR / changes) if changes else None
        self.ids_ahead = ahead(scenario, 4 * scenario.population.runs_a_day, at_first=4)
        messaging = scenario.messaging
        fails = bool(messaging.targeting_error or messaging.attribute_timeout)
        #: Whether every client has something to send, not only those with experiments or the proxy.
        self.for_all = (
            scenario.telemetry.main_ping
            or scenario.telemetry.glean
            or (plan.dialect == "wire" and fails and bool(scenario.all_messages))
        )
        self.proxy = ProxyHabits(scenario.secure_proxy) if scenario.products.secure_proxy else None

    def concerning(self, profiles: Sequence[Profile]) -> dict[int, list[Recipe]]:
        """The recipes that concern each of some clients; whom none concerns is not in it."""
        if not self.recipes:
            return {}
        found: dict[int, list[Recipe]] = {}
        for profile in profiles:
            recipes = [r for r in self.recipes if r.concerns(profile.normandy_id, profile.channel)]
            if recipes:
                found[profile.number] = recipes
        return found

    def cohort(self, clocks: CohortClocks, outbox: Outbox, profiles: Sequence[Profile]) -> TelemetryCohort:
        """The part that one cohort's clocks, outbox and people belong to."""
        return TelemetryCohort(self, clocks, outbox, profiles)


class TelemetryCohort:
    """Hands out equipment to one cohort's installations.

    Args:
        cast: what all cohorts share.
        clocks: the clients' environments.
        outbox: where its pings go.
        profiles: those of its clients who browse.
    """

    def __init__(
        self, cast: TelemetryCast, clocks: CohortClocks, outbox: Outbox, profiles: Sequence[Profile]
    ) -> None:
        self._cast = cast
        self._clocks = clocks
        self._texts = TelemetryTexts(outbox, cast.applications)
        self._codes = ExperimentCodes(outbox)
        self._concerning = cast.concerning(profiles)
        self._proxied = (
            {profile.number for profile in profiles if profile.secure_proxy} if cast.proxy else set[int]()
        )
        everybody = {profile.number for profile in profiles} if cast.for_all else set[int]()
        busy = self._proxied | self._concerning.keys()
        if cast.telemetry.main_ping:
            busy |= everybody
        self._ids = {
            **self._streams("telemetry ids", sorted(everybody - busy), width=0),
            **self._streams("telemetry ids", sorted(busy), width=0, uuids=cast.ids_ahead),
        }
        self._nimbus = self._streams(
            "nimbus", sorted(self._concerning), width=ahead(cast.plan.scenario, 16, at_first=8)
        )
        self._proxies = self._streams(
            "secure proxy", sorted(self._proxied), width=ahead(cast.plan.scenario, 128, at_first=16)
        )
        self._changes = self._streams(
            "environment changes",
            sorted(everybody) if cast.until_change else (),
            width=ahead(cast.plan.scenario, 8, at_first=8),
        )
        self._glean_codes = (
            tuple(
                outbox.glean(ping, name, application_id=DESKTOP_APPLICATION_ID, product="firefox")
                for ping, name in (("glean_events_ping", "events"), ("glean_baseline_ping", "baseline"))
            )
            if cast.telemetry.glean
            else ()
        )

    def _streams(
        self, purpose: str, numbers: Sequence[int], *, width: int, uuids: int = 0
    ) -> dict[int, Stream]:
        if not numbers:
            return {}
        streams = cohort_streams(self._cast.plan.seed, purpose, numbers, width=width, uuids=uuids)
        return dict(zip(numbers, streams, strict=True))

    def equip(self, installation: Installation) -> Equipment:
        """What an installation has."""
        number = installation.number
        random = self._ids.get(number)
        if random is None:
            return _NOTHING
        cast, profile = self._cast, installation.profile
        switches = cast.telemetry
        annotations = Annotations(installation)
        later = alarm(self._clocks.of(number))
        session = TelemetrySession(installation, self._texts, annotations, random=random, later=later)
        events = EventPingSender(session) if switches.event_ping else None
        main = MainPingSender(session) if switches.main_ping else None
        glean = self._glean(installation, annotations)
        companions: list[Companion] = []
        if main is not None or glean is not None:
            companions.append(
                Containers(
                    main,
                    glean,
                    describe=_describe,
                    least_active_ms=switches.least_active,
                    later=later,
                    until_change=self._until_change(number),
                )
            )
        participation = None
        concerning = self._concerning.get(number)
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
            participation = Participation(sender, cast.nimbus, self._nimbus[number], later=later)
            companions.append(participation)
        if number in self._proxied and events is not None:
            companions.append(self._proxy(events, self._proxies[number]))
        return Equipment(events, participation, tuple(companions))

    def _until_change(self, number: int) -> Callable[[], int] | None:
        """Draws how long a client's environment stays as it is; None where it never changes."""
        wait, random = self._cast.until_change, self._changes.get(number)
        if wait is None or random is None:
            return None
        at, uniform = wait.at, random.uniform
        return lambda: at(uniform())

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
        os_version=profile.os_version,
        created_ms=profile.created_day * MS_PER_DAY,
        offset_ms=profile.utc_offset_ms,
    )
