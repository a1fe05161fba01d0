"""A team of developers simulated in memory, and senders to poke by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import orjson
from msgspec.structs import replace

from simulator.catalogue import ping_types
from simulator.client.outbox import Outbox
from simulator.client.sourcegraph_extension import ExtensionSender, ExtensionTexts
from simulator.client.sourcegraph_web import WebSender, WebTexts
from simulator.corpus.rows import Kind, Kinds
from simulator.population import cohort_profiles
from simulator.population.developer import DeveloperProfile
from simulator.randomness import stream
from simulator.records import Dialect
from simulator.scenario import Scenario, load_scenario
from simulator.simulation.environment import CohortClocks
from simulator.simulation.plan import Plan
from simulator.simulation.sourcegraph import SourcegraphCast

INSTANCE = "https://sourcegraph.example.com"
DOTCOM = "https://sourcegraph.com"

PROFILE = DeveloperProfile(
    number=7,
    utc_offset_ms=0,
    extension=True,
    web=True,
    platform="chrome-extension",
    code_host="github",
    instance_url=INSTANCE,
    send_telemetry=False,
    allow_error_reporting=True,
    extension_version="21.11.25.1422",
    extension_origin="chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    extension_user_id="1d2f7b66-58d3-4f06-9a0b-6f3f1f6c2c11",
    web_user_id="0b9b8ad3-1a30-4b42-8f3e-6f5d9d7b8d01",
    is_new_to_web=False,
    first_visit_day=18_970,  # Thursday 2021-12-09
    first_source_url=f"{INSTANCE}/",
)


class Sent(NamedTuple):
    """One request as a client hands it over."""

    due_ms: int
    client: int
    kind: Kind
    text: str
    id: str | None

    @property
    def ping(self) -> str:
        return self.kind.ping

    @property
    def body(self) -> Any:
        return orjson.loads(self.text)


def new_outbox(dialect: Dialect) -> Outbox:
    return Outbox(dialect, Kinds(list(ping_types()), ["valid"]))


def sent(outbox: Outbox) -> list[Sent]:
    """What waits in an outbox, in the order in which it was made. Nothing waits there afterwards."""
    return [
        Sent(due, client, outbox.kinds.kinds[code], body, own_id)
        for due, client, code, body, own_id in outbox.take()
    ]


def on_a_file(sender: ExtensionSender, *facts: int, from_ms: int = 1) -> None:
    """Things happen on a file, one a millisecond."""
    sender.read_files(from_ms, np.arange(len(facts)), np.array(facts))


def extension(dialect: Dialect, *, later: bool = False, **changes: Any) -> tuple[ExtensionSender, Outbox]:
    outbox = new_outbox(dialect)
    texts = ExtensionTexts(outbox, later_clients=later)
    return ExtensionSender(replace(PROFILE, **changes), texts, stream(1, 7, "test")), outbox


def web(
    dialect: Dialect,
    *,
    later: bool = False,
    answers_after_ms: int = 100,
    opted_in: tuple[str, ...] = (),
    **changes: Any,
) -> tuple[WebSender, Outbox]:
    outbox = new_outbox(dialect)
    texts = WebTexts(
        outbox, later_clients=later, answers_after_ms=answers_after_ms, arguments_opted_in=opted_in
    )
    return WebSender(replace(PROFILE, **changes), texts, stream(1, 7, "test")), outbox


def team(**settings: Any) -> Scenario:
    """The shipped scenario, with other figures in its `sourcegraph` section."""
    scenario, _ = load_scenario("sourcegraph-team")
    return scenario.model_copy(update={"sourcegraph": scenario.sourcegraph.model_copy(update=settings)})


def simulate(
    scenario: Scenario, dialect: Dialect, *, clients: range = range(60), seed: int = 3
) -> list[Sent]:
    """Everything that developers send, that of one after that of another, in the order in which it is made."""
    plan = Plan(scenario, seed, dialect)
    outbox = new_outbox(dialect)
    clocks = CohortClocks(plan.start_ms)
    SourcegraphCast(plan).enter(clocks, outbox, clients, cohort_profiles(scenario, seed, clients))
    assert not clocks.run_until(plan.end_ms + 1)
    return sent(outbox)


def web_events(pings: list[Sent]) -> Iterator[dict[str, Any]]:
    """The events inside every window."""
    for ping in pings:
        if ping.ping == "sourcegraph_log_events":
            body = ping.body
            yield from body.get("variables", body)["events"]
