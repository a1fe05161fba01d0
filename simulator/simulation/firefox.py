"""Firefox's people: who of a cohort browses, with which senders watching."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from simulator.behaviour.browser import BrowserHabits, browser_runs, live
from simulator.behaviour.person import BrowserPerson
from simulator.client.browser import BrowserSender
from simulator.client.installation import Installation
from simulator.client.messaging import MessagingSender
from simulator.client.newtab import NewTabSender
from simulator.client.newtab_texts import NewTabTexts
from simulator.client.onboarding import OnboardingSender
from simulator.client.outbox import Outbox
from simulator.client.submission import Submission, more_days
from simulator.messaging import MessageRouter, Messages
from simulator.pings.firefox.basic_metadata import Application
from simulator.population import PageContent, Profile
from simulator.randomness import cohort_streams, stream
from simulator.scenario import Scenario
from simulator.scenario.message import Message
from simulator.simulation.ahead import ahead
from simulator.simulation.environment import CohortClocks
from simulator.simulation.plan import Plan
from simulator.simulation.telemetry import TelemetryCast


@dataclass(frozen=True, slots=True)
class _Ahead:
    """How many numbers and ids of each browsing client a cohort draws at once."""

    runs: int
    browsing: int
    browsing_ids: int
    newtab: int
    newtab_ids: int
    messages: int

    @classmethod
    def of(cls, scenario: Scenario) -> _Ahead:
        """For a scenario, by how many runs and new tabs it has."""
        runs, tabs = scenario.population.runs_a_day, scenario.population.new_tabs_a_day
        has_messages = bool(scenario.messaging.sets or scenario.messages)
        return cls(
            runs=ahead(scenario, 2.5 * runs, at_first=8),
            browsing=ahead(scenario, 10 * tabs, at_first=64),
            browsing_ids=ahead(scenario, 2 * runs, at_first=4),
            newtab=ahead(scenario, 2 * tabs, at_first=16),
            newtab_ids=ahead(scenario, 2 * tabs, at_first=16),
            messages=ahead(scenario, 10 * tabs if has_messages else 0, at_first=16),
        )


class FirefoxCast:
    """What all cohorts share, made once in each process: pools, habits, compiled messages."""

    def __init__(self, plan: Plan) -> None:
        scenario = plan.scenario
        self.plan = plan
        self.content = PageContent(plan.seed, sponsored_tiles=scenario.newtab.sponsored_tiles)
        self.browser = BrowserHabits(scenario)
        self.ahead = _Ahead.of(scenario)
        self.later = more_days()
        self.slate_texts: dict[tuple[int, int], str] = {}
        self.telemetry = TelemetryCast(plan)
        self.messages = Messages(_wanted(scenario), scenario.message_groups)
        self.cfr_experiments = frozenset(e.slug for e in scenario.experiments if e.feature == "cfr")

    def enter(self, clocks: CohortClocks, outbox: Outbox, clients: range, profiles: list[Profile]) -> None:  # noqa: ARG002 - only those who use Firefox draw numbers
        """Put the Firefox users of a cohort into their environments."""
        plan, drawn = self.plan, self.ahead
        browsing = self._who_browses(profiles)
        numbers = [profile.number for profile, _ in browsing]
        person_random = cohort_streams(
            plan.seed, "browsing", numbers, width=drawn.browsing, uuids=drawn.browsing_ids
        )
        newtab_random = cohort_streams(
            plan.seed, "new tab", numbers, width=drawn.newtab, uuids=drawn.newtab_ids
        )
        messages_random = cohort_streams(plan.seed, "messages", numbers, width=drawn.messages)
        content, scenario = self.content, plan.scenario
        delayed = bool(scenario.delivery.next_start or scenario.delivery.later)
        texts = NewTabTexts(
            outbox,
            content,
            text_tile_ids=scenario.newtab.tile_ids == "text",
            slate_texts=self.slate_texts,
        )
        messaging = MessagingSender(outbox, self.cfr_experiments)
        browser = BrowserSender(outbox)
        onboarding = OnboardingSender(outbox, content.attributions, content.add_on_attributions)
        send = outbox.rows.append
        telemetry = self.telemetry.cohort(clocks, outbox, [profile for profile, _ in browsing])
        apps: dict[tuple[str, str, str, str], Application] = {}
        for i, (profile, runs) in enumerate(browsing):
            key = (profile.build_id, profile.version, profile.channel, profile.locale)
            app = apps.get(key) or apps.setdefault(key, Application(*key))
            submission = None
            if delayed:
                random = stream(plan.seed, profile.number, "submission")
                submission = Submission(scenario.delivery, self.later, outbox.rows.append, random)
                send = submission.send
            env = clocks.of(profile.number)
            installation = Installation(profile, app, send, submission)
            equipment = telemetry.equip(installation)
            person = BrowserPerson(
                env,
                installation,
                newtab=NewTabSender(installation, texts, newtab_random[i]),
                messaging=messaging,
                browser=browser,
                onboarding=onboarding,
                router=MessageRouter(self.messages),
                random=person_random[i],
                messages_random=messages_random[i],
                events=equipment.events,
                experiments=equipment.experiments,
                companions=equipment.companions,
            )
            env.process(live(person, self.browser, runs))

    def _who_browses(self, profiles: list[Profile]) -> list[tuple[Profile, Iterator[tuple[int, int]]]]:
        """Those who start the browser at all, with their runs; nobody else costs anything more."""
        plan = self.plan
        users = [profile for profile in profiles if profile.firefox and profile.telemetry_on]
        numbers = [profile.number for profile in users]
        random = cohort_streams(plan.seed, "browser runs", numbers, width=self.ahead.runs)
        browsing: list[tuple[Profile, Iterator[tuple[int, int]]]] = []
        for profile, stream_of_runs in zip(users, random, strict=True):
            runs = browser_runs(
                self.browser, profile, stream_of_runs, start_ms=plan.start_ms, end_ms=plan.end_ms
            )
            first = next(runs, None)
            if first is not None:
                browsing.append((profile, chain((first,), runs)))
        return browsing


def _wanted(scenario: Scenario) -> list[Message]:
    """The scenario's messages, without spotlights outside experiments where it says so."""
    only = scenario.messaging.spotlight_in_experiments_only
    return [m for m in scenario.all_messages if not (only and m.surface == "spotlight" and not m.experiment)]
