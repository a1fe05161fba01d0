"""The format of scenario files. Every key has a default that a reader can defend, or must be given."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field, model_validator

from simulator.records import Dialect
from simulator.scenario.browsing import Browser, Clock, Delivery, NewTab, Onboarding, Population
from simulator.scenario.experiment import Experiment, Nimbus
from simulator.scenario.faults import Faults
from simulator.scenario.fields import DurationMs, Moment, Section, Share, Weights
from simulator.scenario.message import Frequency, Message, Messaging
from simulator.scenario.message_sets import message_set
from simulator.scenario.secure_proxy import SecureProxy
from simulator.scenario.sourcegraph import Sourcegraph
from simulator.scenario.telemetry import Fenix, Telemetry

MOST_CLIENTS = 100_000_000


class Products(Section):
    """The shares of clients that run each product. One person can run several.

    `firefox` counts desktop browsers; `secure_proxy` is the share of those that have the extension;
    `fenix` counts mobile browsers; `sourcegraph_*` count developers who read code.
    """

    firefox: Share = 1.0
    secure_proxy: Share = 0.0
    fenix: Share = 0.0
    sourcegraph_extension: Share = 0.0
    sourcegraph_web: Share = 0.0


class Scenario(Section):
    """A scenario: the whole input of a simulation. Scenario and seed decide every byte of the corpus."""

    format: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    description: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    start: Moment
    duration: DurationMs
    clients: Annotated[int, Field(ge=1, le=MOST_CLIENTS)]
    cohort_clients: Annotated[int, Field(ge=1, le=100_000)] | None = None
    dialect: Dialect = "documented"
    products: Products = Products()
    channels: Weights = {"release": 0.86, "beta": 0.08, "nightly": 0.04, "esr": 0.02}
    locales: Weights = {
        "en-US": 0.40,
        "de": 0.11,
        "fr": 0.081,
        "zh-CN": 0.067,
        "es-ES": 0.05,
        "pl": 0.04,
        "ru": 0.04,
        "it": 0.035,
        "pt-BR": 0.035,
        "ja": 0.03,
        "en-GB": 0.03,
        "en-CA": 0.02,
        "nl": 0.015,
        "cs": 0.012,
        "hu": 0.012,
        "sv-SE": 0.01,
        "tr": 0.013,
    }
    versions: Weights = {"95.0": 0.55, "94.0.2": 0.25, "93.0": 0.1, "91.0.2": 0.1}
    population: Population = Field(default_factory=Population)
    newtab: NewTab = NewTab()
    browser: Browser = Browser()
    onboarding: Onboarding = Onboarding()
    messaging: Messaging = Messaging()
    clock: Clock = Clock()
    delivery: Delivery = Delivery()
    nimbus: Nimbus = Nimbus()
    telemetry: Telemetry = Telemetry()
    secure_proxy: SecureProxy = SecureProxy()
    fenix: Fenix = Fenix()
    sourcegraph: Sourcegraph = Sourcegraph()
    faults: Faults = Faults()
    messages: list[Message] = []
    experiments: list[Experiment] = []

    @model_validator(mode="after")
    def _names_are_unique(self) -> Scenario:
        for what, names in (
            ("message id", [message.id for message in self.all_messages]),
            ("experiment slug", [experiment.slug for experiment in self.experiments]),
        ):
            twice = {name for name, count in Counter(names).items() if count > 1}
            if twice:
                raise ValueError(f"{what} {sorted(twice)[0]!r} is used twice")
        return self

    @model_validator(mode="after")
    def _groups_are_known(self) -> Scenario:
        groups = self.message_groups
        for message in self.all_messages:
            if message.group and message.group not in groups:
                known = ", ".join(sorted(groups)) or "none"
                raise ValueError(
                    f"message {message.id!r} is in group {message.group!r}, which has no caps; known: {known}"
                )
        return self

    @property
    def all_messages(self) -> list[Message]:
        """The messages of the chosen sets, then the scenario's own."""
        sets = list(dict.fromkeys(self.messaging.sets))
        if "onboarding" not in sets and not any(m.surface == "onboarding" for m in self.messages):
            sets.append("onboarding")  # a browser has it whatever else it is sent
        return [message for name in sets for message in message_set(name).messages] + self.messages

    @property
    def message_groups(self) -> dict[str, Frequency]:
        """The frequency caps of groups: those of the chosen sets, overridden by the scenario's own."""
        groups: dict[str, Frequency] = {}
        for name in self.messaging.sets:
            groups |= message_set(name).groups
        return groups | self.messaging.groups

    @property
    def clients_in_a_cohort(self) -> int:
        """How many consecutive clients are simulated together and share one part of the corpus."""
        return self.cohort_clients or min(128, max(16, -(-self.clients // 16)))
