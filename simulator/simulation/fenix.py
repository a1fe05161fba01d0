"""Firefox for Android's people: who of a cohort uses it, with Glean watching."""

from __future__ import annotations

import numpy as np
import simpy

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
from simulator.randomness import Stream, client_keys, cohort_streams
from simulator.simulation.plan import Plan

APPLICATION_ID = "org-mozilla-fenix"


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

    def enter(self, env: simpy.Environment, outbox: Outbox, clients: range, profiles: list[Profile]) -> None:
        """Put those of a cohort who use Firefox for Android into its environment."""
        plan = self.plan
        numbers = np.arange(clients.start, clients.stop)
        ids, nimbus_keys = (
            client_keys(plan.seed, purpose, numbers).tolist() for purpose in ("fenix ids", "fenix nimbus")
        )
        periods_random = cohort_streams(plan.seed, "fenix periods", clients, width=24)
        random = cohort_streams(plan.seed, "fenix", clients)
        events, baseline = (
            outbox.glean(ping, name, application_id=APPLICATION_ID, product="fenix")
            for ping, name in (("glean_events_ping", "events"), ("glean_baseline_ping", "baseline"))
        )
        experiment_codes = ExperimentCodes(outbox)
        later = alarm(env)
        for i, profile in enumerate(profiles):
            if not (profile.fenix and profile.telemetry_on):
                continue
            own_ids = Stream(ids[i])
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
                participation = Participation(sender, self.nimbus, Stream(nimbus_keys[i]), later=later)
            person = MobilePerson(env, profile, glean=glean, experiments=participation, random=random[i])
            periods = foreground_periods(
                self.habits, profile, periods_random[i], start_ms=plan.start_ms, end_ms=plan.end_ms
            )
            env.process(person.live(periods))


def _client_info(profile: Profile, client_id: str) -> str:
    return client_info_object(
        client_id=client_id,
        build_id=profile.build_id,
        version=profile.version,
        channel=profile.channel,
        locale=profile.locale,
        os="Android",
        created_ms=profile.created_day * MS_PER_DAY,
        offset_ms=profile.utc_offset_ms,
    )
