"""Firefox's people: who of a cohort browses, with which senders watching."""

from __future__ import annotations

from itertools import chain

import simpy

from simulator.behaviour.browser import BrowserHabits, browser_runs, live
from simulator.behaviour.person import BrowserPerson
from simulator.client.installation import Installation
from simulator.client.messaging import MessagingCodes, MessagingSender
from simulator.client.newtab import NewTabSender, NewTabTexts
from simulator.client.outbox import Outbox
from simulator.messaging import MessageRouter, Messages
from simulator.pings.firefox.basic_metadata import Application
from simulator.population import PageContent, Profile
from simulator.randomness import cohort_streams
from simulator.simulation.plan import Plan
from simulator.simulation.telemetry import TelemetryCast


class FirefoxCast:
    """What all cohorts share, made once in each process: pools, habits, compiled messages."""

    def __init__(self, plan: Plan) -> None:
        scenario = plan.scenario
        self.plan = plan
        self.content = PageContent(plan.seed, sponsored_tiles=scenario.newtab.sponsored_tiles)
        self.browser = BrowserHabits(scenario)
        self.telemetry = TelemetryCast(plan)
        self.messages = Messages(scenario.messages)
        self.cfr_experiments = frozenset(e.slug for e in scenario.experiments if e.feature == "cfr")

    def enter(self, env: simpy.Environment, outbox: Outbox, clients: range, profiles: list[Profile]) -> None:
        """Put the Firefox users of a cohort into its environment."""
        plan = self.plan
        runs_random = cohort_streams(plan.seed, "browser runs", clients, width=24)
        person_random = cohort_streams(plan.seed, "browsing", clients, width=64, uuids=4)
        newtab_random = cohort_streams(plan.seed, "new tab", clients, width=32, uuids=12)
        messages_random = cohort_streams(plan.seed, "messages", clients, width=8)
        texts = NewTabTexts(outbox, self.content)
        codes = MessagingCodes(outbox)
        telemetry = self.telemetry.cohort(env, outbox, clients)
        apps: dict[tuple[str, str, str, str], Application] = {}
        for i, profile in enumerate(profiles):
            if not (profile.firefox and profile.telemetry_on):
                continue
            runs = browser_runs(
                self.browser, profile, runs_random[i], start_ms=plan.start_ms, end_ms=plan.end_ms
            )
            first = next(runs, None)
            if first is None:
                continue  # somebody who never starts the browser costs nothing more
            key = (profile.build_id, profile.version, profile.channel, profile.locale)
            app = apps.get(key) or apps.setdefault(key, Application(*key))
            installation = Installation(profile, app)
            equipment = telemetry.equip(installation)
            person = BrowserPerson(
                env,
                installation,
                newtab=NewTabSender(installation, texts, newtab_random[i]),
                messaging=MessagingSender(installation, codes, self.cfr_experiments),
                router=MessageRouter(self.messages),
                random=person_random[i],
                messages_random=messages_random[i],
                events=equipment.events,
                experiments=equipment.experiments,
                companions=equipment.companions,
            )
            env.process(live(person, self.browser, chain((first,), runs)))
