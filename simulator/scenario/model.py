"""The format of scenario files. Every key has a default that a reader can defend, or must be given."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from simulator.records import Dialect
from simulator.scenario.experiment import Experiment, Nimbus
from simulator.scenario.faults import Faults
from simulator.scenario.fields import DurationMs, Moment, Probability, Rate, Section, Share, Weights
from simulator.scenario.message import Message
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


class Population(Section):
    """Who the people are and how much they browse. `telsim describe` prints these beside published figures."""

    telemetry_on: Share = 0.93
    regular: Share = 0.67
    regular_days_a_week: Annotated[float, Field(ge=0, le=7)] = 5.5
    irregular_days_a_week: Annotated[float, Field(ge=0, le=7)] = 1.5
    runs_a_day: Annotated[float, Field(gt=0, le=200)] = 3.2
    run_median: DurationMs = 15 * 60_000
    run_sigma: Annotated[float, Field(ge=0, le=4)] = 1.6
    new_tabs_a_day: Rate = 11.0
    private_windows: Share = 0.06
    new_profiles: Share = 0.02


class NewTab(Section):
    """What people do on a new tab, as probabilities for each visit (what remains is leaving by the URL bar)."""

    search: Probability = 0.04
    search_handoff: Probability = 0.30
    topsite_click: Probability = 0.22
    story_click: Probability = 0.015
    refresh: Probability = 0.02
    close: Probability = 0.08
    tile_block: Probability = 0.004
    sponsored_tiles: Annotated[int, Field(ge=0, le=2)] = 2
    position_decay: Annotated[float, Field(gt=0, le=1)] = 0.72
    preloaded: Probability = 0.75
    lost_at_shutdown: Probability = 0.25

    @model_validator(mode="after")
    def _endings_fit(self) -> NewTab:
        endings = (
            self.search
            + self.search_handoff
            + self.topsite_click
            + self.story_click
            + self.refresh
            + self.close
        )
        if endings > 1:
            raise ValueError(f"the ways a visit ends add up to {endings:.3f}; they must stay within 1")
        return self


class Messaging(Section):
    """How often triggers fire beside start-up and new tabs, and how people react when a message says nothing else."""

    site_visits_an_hour: Rate = 4.0
    toolbar_uses_an_hour: Rate = 0.2
    sets: list[str] = []


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
    }
    versions: Weights = {"95.0": 0.55, "94.0.2": 0.25, "93.0": 0.1, "91.0.2": 0.1}
    population: Population = Population()
    newtab: NewTab = NewTab()
    messaging: Messaging = Messaging()
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
            ("message id", [message.id for message in self.messages]),
            ("experiment slug", [experiment.slug for experiment in self.experiments]),
        ):
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise ValueError(f"{what} {sorted(twice)[0]!r} is used twice")
        return self

    @property
    def clients_in_a_cohort(self) -> int:
        """How many consecutive clients share one SimPy environment and one part of the corpus."""
        return self.cohort_clients or min(1_000, max(16, -(-self.clients // 64)))
