"""One person at a browser, with real senders, whose pings can be looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import simpy

from simulator.behaviour.person import BrowserPerson
from simulator.client.browser import BrowserSender
from simulator.client.installation import Installation
from simulator.client.messaging import MessagingSender
from simulator.client.newtab import NewTabSender
from simulator.client.newtab_texts import NewTabTexts
from simulator.client.onboarding import OnboardingSender
from simulator.client.outbox import Outbox
from simulator.messaging import MessageRouter, Messages
from simulator.pings.firefox.basic_metadata import Application
from simulator.population import PageContent, Profile, cohort_profiles
from simulator.randomness import stream
from simulator.records import Dialect
from simulator.scenario import parse_scenario
from simulator.scenario.message import Frequency, Message, Reactions
from simulator.simulation.cohort import new_kinds

HEAD = 'format = 1\nname = "bench"\nstart = 2021-12-15T00:00:00Z\nduration = "1d"\nclients = 20\n'
START = 1_639_526_400_000


@dataclass
class Log:
    """Stands in for the legacy events and the experiments of a client, and writes down what it is told."""

    told: list[tuple[object, ...]] = field(default_factory=list)

    def record(
        self,
        now_ms: int,
        process: str,
        category: str,
        method: str,
        object_: str,
        value: str | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self.told.append(("event", category, method, object_, value, dict(extra or {})))

    def exposed(self, now_ms: int, feature: str) -> None:
        self.told.append(("exposed", now_ms, feature))

    def reached(self, now_ms: int, message: Message) -> None:
        self.told.append(("reached", now_ms, message.id))


class BrowserBench:
    """A person whose browser has just been started.

    Args:
        messages: that may be shown.
        dialect: of the pings.
        run_ms: how long the browser stays open.
        new: whether the profile is new.
    """

    def __init__(
        self,
        messages: list[Message] | None = None,
        dialect: Dialect = "wire",
        *,
        run_ms: int = 3_600_000,
        new: bool = False,
        seed: int = 1,
    ) -> None:
        self.env = simpy.Environment(initial_time=START)
        self.kinds = new_kinds()
        self.outbox = Outbox(dialect, self.kinds)
        self.log = Log()
        content = PageContent(seed, sponsored_tiles=2)
        population = f"[population]\ntelemetry_on = 1.0\nnew_profiles = {float(new)}\n"
        profile = self._profile(parse_scenario(HEAD + population), seed)
        app = Application(profile.build_id, profile.version, profile.channel, profile.locale)
        self.installation = Installation(profile, app, self.outbox.rows.append)
        self.person = BrowserPerson(
            self.env,
            self.installation,
            newtab=NewTabSender(
                self.installation, NewTabTexts(self.outbox, content), stream(seed, 1, "new tab")
            ),
            messaging=MessagingSender(self.outbox, frozenset({"exp"})),
            browser=BrowserSender(self.outbox),
            onboarding=OnboardingSender(self.outbox, content.attributions, content.add_on_attributions),
            router=MessageRouter(Messages(messages or [])),
            random=stream(seed, 1, "browsing"),
            messages_random=stream(seed, 1, "messages"),
            events=self.log,  # type: ignore[arg-type]
            experiments=self.log,
        )
        self.installation.user_prefs = 511
        self.start(run_ms)

    @staticmethod
    def _profile(scenario: Any, seed: int) -> Profile:
        return next(p for p in cohort_profiles(scenario, seed, range(20)) if p.channel == "release")

    def start(self, run_ms: int = 3_600_000) -> None:
        """Start the browser (again)."""
        now = int(self.env.now)
        self.installation.start_run(now, now + run_ms, stream(1, now, "run").uuid())
        self.person.router.start_run(without=None)

    @property
    def sent(self) -> list[tuple[int, str, dict[str, Any]]]:
        """Time, ping and document of everything sent so far."""
        return [
            (due, self.kinds.kinds[code].ping, json.loads(body)) for due, _, code, body, _ in self.outbox.rows
        ]

    def events(self, *pings: str) -> list[str]:
        """The `event` of the named pings, in order."""
        return [document["event"] for _, ping, document in self.sent if ping in pings]


def message(name: str, surface: str, trigger: str, **fields: Any) -> Message:
    """A message that may be shown at any time."""
    defaults: dict[str, Any] = {"frequency": Frequency(), "bucket": "BUCKET"}
    return Message(id=name, surface=surface, trigger=trigger, **(defaults | fields))


def always(**ways: float) -> Reactions:
    """Reactions in which only the given ways ever happen."""
    nothing = dict.fromkeys(
        ("primary", "secondary", "dismiss", "block", "manage", "rationale", "learn_more"), 0.0
    )
    return Reactions(**(nothing | ways))
