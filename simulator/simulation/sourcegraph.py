"""Sourcegraph's people: who of a cohort reads code, with which senders watching."""

from __future__ import annotations

from math import ceil

from simulator.behaviour.sourcegraph.developer import Developer
from simulator.behaviour.sourcegraph.file_reading import cohort_readers
from simulator.behaviour.sourcegraph.reading import live
from simulator.behaviour.sourcegraph.reading_habits import ReadingHabits
from simulator.client.outbox import Outbox
from simulator.client.sourcegraph_extension import ExtensionSender, ExtensionTexts
from simulator.client.sourcegraph_web import WebSender, WebTexts
from simulator.population import Profile
from simulator.population.code import CodeContent
from simulator.population.developer import DeveloperProfile, developer_profiles
from simulator.randomness import Stream, cohort_streams
from simulator.simulation.ahead import ahead
from simulator.simulation.environment import CohortClocks
from simulator.simulation.plan import Plan


class SourcegraphCast:
    """What all cohorts share, made once in each process: repositories and habits."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.habits = ReadingHabits(plan.scenario.sourcegraph, CodeContent(plan.seed))

    def enter(self, clocks: CohortClocks, outbox: Outbox, clients: range, profiles: list[Profile]) -> None:  # noqa: ARG002 - only the developers among the clients draw numbers
        """Put the developers of a cohort into their environments."""
        plan, habits = self.plan, self.habits
        settings = plan.scenario.sourcegraph
        reading = self._who_reads(developer_profiles(plan.scenario, plan.seed, profiles))
        if not reading:
            return
        numbers = [profile.number for profile, _ in reading]
        random = self._reading_streams([profile for profile, _ in reading])
        ids_random = cohort_streams(plan.seed, "sourcegraph ids", numbers, width=1, uuids=2)
        planned_ms = [habits.on_code_host_ms(profile, sessions) for profile, sessions in reading]
        files = cohort_readers(habits, plan.seed, numbers, planned_ms)
        extension_texts = ExtensionTexts(outbox, later_clients=settings.later_clients)
        web_texts = WebTexts(
            outbox,
            later_clients=settings.later_clients,
            answers_after_ms=settings.web_answers_after,
            arguments_opted_in=settings.arguments_opted_in,
        )
        for i, (profile, sessions) in enumerate(reading):
            env = clocks.of(profile.number)
            developer = Developer(
                env,
                profile,
                extension=ExtensionSender(profile, extension_texts, ids_random[i])
                if profile.extension
                else None,
                web=WebSender(profile, web_texts, ids_random[i]) if profile.web else None,
                repositories=habits.content.repositories[profile.code_host],
                random=random[profile.number],
                files=files[i],
            )
            env.process(live(developer, habits, sessions))

    def _reading_streams(self, profiles: list[DeveloperProfile]) -> dict[int, Stream]:
        """The streams of developers: in the web application each action is drawn for itself."""
        scenario, found = self.plan.scenario, dict[int, Stream]()
        for has_web, a_day in ((False, 64), (True, 1_500)):
            numbers = [profile.number for profile in profiles if profile.web == has_web]
            width = ahead(scenario, a_day, at_first=24)
            streams = cohort_streams(self.plan.seed, "reading", numbers, width=width)
            found.update(zip(numbers, streams, strict=True))
        return found

    def _who_reads(
        self, developers: list[DeveloperProfile]
    ) -> list[tuple[DeveloperProfile, list[tuple[int, int]]]]:
        """Those who read at all, with their sessions; somebody on holiday costs nothing more."""
        plan, days = self.plan, self.habits.days
        if not developers:
            return []
        numbers = [profile.number for profile in developers]
        a_day = 2 + 3 * plan.scenario.sourcegraph.sessions_a_day
        width = ahead(plan.scenario, a_day, at_first=ceil(a_day))  # local days overlap one more
        found = []
        for profile, random in zip(
            developers, cohort_streams(plan.seed, "reading days", numbers, width=width), strict=True
        ):
            sessions = list(days.sessions(profile, random, start_ms=plan.start_ms, end_ms=plan.end_ms))
            if sessions:
                found.append((profile, sessions))
        return found
