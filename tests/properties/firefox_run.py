"""Runs a scenario in memory and reads its pings back, braces and text values taken off, for properties to look at."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import orjson

from simulator.client.outbox import Outbox
from simulator.corpus.rows import Kind
from simulator.population import Profile, cohort_profiles
from simulator.records import Dialect
from simulator.scenario import Scenario, load_scenario
from simulator.scenario.message import Message
from simulator.simulation import Plan, Stage, simulate_cohort
from simulator.simulation.cohort import new_kinds


@dataclass(frozen=True, slots=True)
class Sent:
    """One ping: when, by whom, which, where to, its document and its text."""

    due_ms: int
    client: int
    ping: str
    route: str
    document: dict[str, Any]
    text: str

    @property
    def value(self) -> dict[str, Any]:
        value = self.document.get("value", {})
        if isinstance(value, dict):
            return value
        return json.loads(value) if value.startswith("{") else {}

    @property
    def context(self) -> dict[str, Any]:
        context = self.document.get("event_context", {})
        return json.loads(context) if isinstance(context, str) else context

    @property
    def session(self) -> str:
        return str(self.document.get("session_id", "")).strip("{}")


class Run:
    """What a scenario's clients sent, in the order of each client."""

    def __init__(self, scenario: Scenario, dialect: Dialect) -> None:
        self.scenario = scenario
        self.dialect = dialect
        self.plan = Plan(scenario, scenario.seed, dialect)
        self._rows: list[tuple[Kind, int, int, str]] = []
        stage = Stage(self.plan)
        for clients in self.plan.cohorts():
            kinds = new_kinds()
            outbox = Outbox(dialect, kinds)
            for _ in simulate_cohort(stage, outbox, clients):
                pass
            for due_ms, client, code, body, _ in outbox.rows:
                self._rows.append((kinds.kinds[code], due_ms, client, body))

    def read(self) -> Iterator[Sent]:
        """Every ping, once: for runs so large that to keep all documents costs more than to read them."""
        for kind, due_ms, client, body in self._rows:
            yield Sent(due_ms, client, kind.ping, kind.route, orjson.loads(body), body)

    @cached_property
    def sent(self) -> list[Sent]:
        return list(self.read())

    @cached_property
    def counts(self) -> Counter[str]:
        """How many of each ping; nothing is parsed for that."""
        return Counter(kind.ping for kind, *_ in self._rows)

    @cached_property
    def by_client(self) -> dict[int, list[Sent]]:
        sent: dict[int, list[Sent]] = {}
        for ping in self.sent:
            sent.setdefault(ping.client, []).append(ping)
        return sent

    @cached_property
    def profiles(self) -> list[Profile]:
        return cohort_profiles(self.scenario, self.scenario.seed, range(self.scenario.clients))

    @cached_property
    def messages(self) -> dict[str, Message]:
        return {message.id: message for message in self.scenario.all_messages}

    def of(self, *pings: str) -> list[Sent]:
        return [sent for sent in self.sent if sent.ping in pings]


@lru_cache(maxsize=64)
def shipped_run(name: str, clients: int, dialect: Dialect) -> Run:
    scenario, _ = load_scenario(name)
    return Run(scenario.model_copy(update={"clients": clients}), dialect)
