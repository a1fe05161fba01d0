"""Firefox for Android's people: who of a cohort uses it, with Glean watching."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from simulator.behaviour.alarm import alarm
from simulator.behaviour.experiments import NimbusHabits, Participation
from simulator.behaviour.mobile import MobileHabits, MobilePerson, foreground_periods
from simulator.client.annotations import Annotations
from simulator.client.experiments import ExperimentCodes, ExperimentSender
from simulator.client.glean import GleanSender
from simulator.client.outbox import Outbox
from simulator.clock import MS_PER_DAY
from simulator.nimbus import Enrolments, compile_recipes
from simulator.pings.containers.glean_info import client_info_object
from simulator.population import Profile
from simulator.randomness import cohort_streams
from simulator.simulation.ahead import ahead
from simulator.simulation.environment import CohortClocks
from simulator.simulation.plan import Plan

APPLICATION_ID = "org-mozilla-fenix"

_IDS_AHEAD = 4


class FenixCast:
    """What all cohorts share: habits and compiled recipes.

    Args:
        plan: what is simulated.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.habits = MobileHabits(plan.scenario)
        self.nimbus = NimbusHabits(plan.scenario.nimbus)
        self.recipes = compile_recipes(plan.scenario.experiments, "fenix")

    def enter(self, clocks: CohortClocks, outbox: Outbox, clients: range, profiles: list[Profile]) -> None:  # noqa: ARG002 - only those who use it draw numbers
        """Put those of a cohort who use Firefox for Android into their environments."""
        seed = self.plan.seed
        using = self._who_uses_it(profiles)
        numbers = [profile.number for profile, _ in using]
        ids = cohort_streams(seed, "fenix ids", numbers, width=0, uuids=_IDS_AHEAD)
        random = cohort_streams(seed, "fenix", numbers, width=ahead(self.plan.scenario, 24, at_first=8))
        nimbus_random = cohort_streams(
            seed, "fenix nimbus", numbers, width=ahead(self.plan.scenario, 16, at_first=4)
        )
        events, baseline = (
            outbox.glean(ping, name, application_id=APPLICATION_ID, product="fenix")
            for ping, name in (("glean_events_ping", "events"), ("glean_baseline_ping", "baseline"))
        )
        experiment_codes = ExperimentCodes(outbox)
        for i, (profile, periods) in enumerate(using):
            own_ids = ids[i]
            env = clocks.of(profile.number)
            later = alarm(env)
            annotations = Annotations()
            glean = GleanSender(
                outbox.rows.append,
                number=profile.number,
                codes=(events, baseline),
                client_info=_client_info(profile, own_ids.uuid()),
                annotations=annotations,
                offset_ms=profile.utc_offset_ms,
                skew_ms=profile.clock_skew_ms,
            )
            nimbus_id = own_ids.uuid()
            concerning = [recipe for recipe in self.recipes if recipe.concerns(nimbus_id, profile.channel)]
            participation = None
            if concerning:
                enrolments = Enrolments(nimbus_id, concerning, new_id=own_ids.uuid)
                sender = ExperimentSender(
                    profile.number,
                    outbox.rows.append,
                    experiment_codes,
                    enrolments,
                    annotations,
                    events=None,
                    glean=glean,
                    mobile=True,
                )
                participation = Participation(sender, self.nimbus, nimbus_random[i], later=later)
            person = MobilePerson(env, profile, glean=glean, experiments=participation, random=random[i])
            env.process(person.live(periods))

    def _who_uses_it(self, profiles: list[Profile]) -> list[tuple[Profile, Iterator[tuple[int, int]]]]:
        """Those who take it out at all, with the periods in which they do; nobody else costs anything more."""
        start_ms, end_ms = self.plan.start_ms, self.plan.end_ms
        owners = [profile for profile in profiles if profile.fenix and profile.telemetry_on]
        random = cohort_streams(
            self.plan.seed,
            "fenix periods",
            [profile.number for profile in owners],
            width=ahead(self.plan.scenario, 24, at_first=12),
        )
        using: list[tuple[Profile, Iterator[tuple[int, int]]]] = []
        for profile, of_periods in zip(owners, random, strict=True):
            periods = foreground_periods(self.habits, profile, of_periods, start_ms=start_ms, end_ms=end_ms)
            first = next(periods, None)
            if first is not None:
                using.append((profile, chain((first,), periods)))
        return using


def _client_info(profile: Profile, client_id: str) -> str:
    return client_info_object(
        client_id=client_id,
        build_id=profile.build_id,
        version=profile.version,
        channel=profile.channel,
        locale=profile.locale,
        os="Android",
        os_version="11",
        created_ms=profile.created_day * MS_PER_DAY,
        offset_ms=profile.utc_offset_ms,
    )
