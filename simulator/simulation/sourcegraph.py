"""Sourcegraph's people: who of a cohort reads code, with which senders watching."""

from __future__ import annotations

from itertools import chain

import simpy

from simulator.behaviour.sourcegraph.developer import Developer
from simulator.behaviour.sourcegraph.file_reading import cohort_readings
from simulator.behaviour.sourcegraph.reading import live
from simulator.behaviour.sourcegraph.reading_habits import ReadingHabits
from simulator.client.outbox import Outbox
from simulator.client.sourcegraph_extension import ExtensionSender, ExtensionTexts
from simulator.client.sourcegraph_web import WebSender, WebTexts
from simulator.population import Profile
from simulator.population.code import CodeContent
from simulator.population.developer import developer_profiles
from simulator.randomness import cohort_streams
from simulator.simulation.plan import Plan


class SourcegraphCast:
    """What all cohorts share, made once in each process: repositories and habits."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.habits = ReadingHabits(plan.scenario.sourcegraph, CodeContent(plan.seed))

    def enter(self, env: simpy.Environment, outbox: Outbox, clients: range, profiles: list[Profile]) -> None:  # noqa: ARG002 - only the developers among the clients draw numbers
        """Put the developers of a cohort into its environment."""
        plan, habits = self.plan, self.habits
        settings = plan.scenario.sourcegraph
        developers = developer_profiles(plan.scenario, plan.seed, profiles)
        if not developers:
            return
        numbers = [profile.number for profile in developers]
        days_random = cohort_streams(plan.seed, "reading days", numbers, width=16)
        reading_random = cohort_streams(plan.seed, "reading", numbers, width=256)
        files = cohort_readings(habits, plan.seed, numbers)
        ids_random = cohort_streams(plan.seed, "sourcegraph ids", numbers, width=1)
        extension_texts = ExtensionTexts(outbox, later_clients=settings.later_clients)
        web_texts = WebTexts(
            outbox,
            later_clients=settings.later_clients,
            answers_after_ms=settings.web_answers_after,
            arguments_opted_in=settings.arguments_opted_in,
        )
        for i, profile in enumerate(developers):
            sessions = habits.days.sessions(
                profile, days_random[i], start_ms=plan.start_ms, end_ms=plan.end_ms
            )
            first = next(sessions, None)
            if first is None:
                continue  # somebody on holiday costs nothing more
            developer = Developer(
                env,
                profile,
                extension=ExtensionSender(profile, extension_texts, ids_random[i])
                if profile.extension
                else None,
                web=WebSender(profile, web_texts, ids_random[i]) if profile.web else None,
                repositories=habits.content.repositories[profile.code_host],
                random=reading_random[i],
                files=files[i],
            )
            env.process(live(developer, habits, chain((first,), sessions)))
