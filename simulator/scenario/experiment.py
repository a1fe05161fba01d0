"""A Nimbus experiment or rollout, as data: the recipe that a client is bucketed by."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from simulator.scenario.fields import Moment, Probability, Section
from simulator.scenario.targeting import check_expression

Application = Literal["firefox", "fenix"]


class Branch(Section):
    """One branch of an experiment; branches are drawn in proportion to their ratios."""

    slug: Annotated[str, Field(min_length=1, max_length=100)]
    ratio: Annotated[int, Field(ge=1)] = 1


class Bucketing(Section):
    """Which slice of a namespace's hash space is enrolled: `count` of `total` buckets from `start`."""

    namespace: str
    start: Annotated[int, Field(ge=0)] = 0
    count: Annotated[int, Field(ge=0)] = 10_000
    total: Annotated[int, Field(ge=1)] = 10_000

    @model_validator(mode="after")
    def _count_fits(self) -> Bucketing:
        if self.count > self.total:
            raise ValueError(f"{self.count} of {self.total} buckets: a slice cannot be larger than the whole")
        return self


class Experiment(Section):
    """One recipe. Without `start` and `end` it runs as long as the simulation.

    Args:
        application: whose clients it is for: firefox on desktops, fenix on phones.
        randomization_unit: the id that buckets and branches are drawn from.
        used_in_run: how likely the feature is used, which exposes, in a browser run; messages expose by themselves.
        invalid: makes it a bad recipe: clients do not enrol, they report that validation failed.
    """

    slug: Annotated[str, Field(min_length=1, max_length=80)]
    feature: str
    branches: Annotated[list[Branch], Field(min_length=1)]
    bucketing: Bucketing
    channels: list[str] = []
    targeting: str = "true"
    start: Moment | None = None
    end: Moment | None = None
    rollout: bool = False
    application: Application = "firefox"
    randomization_unit: Literal["normandy_id"] = "normandy_id"
    used_in_run: Probability = 0.0
    invalid: Literal["invalid-recipe", "invalid-branch", "invalid-feature"] | None = None

    @field_validator("targeting")
    @classmethod
    def _targeting_is_an_expression(cls, value: str) -> str:
        check_expression(value)
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> Experiment:
        if len({branch.slug for branch in self.branches}) < len(self.branches):
            raise ValueError(f"experiment {self.slug!r} names a branch twice")
        if self.start and self.end and self.end <= self.start:
            raise ValueError(f"experiment {self.slug!r} ends before it starts")
        return self


class Nimbus(Section):
    """How often what rarely happens to enrolments happens, as probabilities for each browser run.

    Args:
        opt_out: an enrolled person leaves one experiment by hand.
        studies_off: an enrolled person switches studies off, which leaves all of them.
        telemetry_off: an enrolled person switches telemetry off: experiments end, and nothing is sent after that.
        opt_in_again: an opt-in link is followed for an experiment that the client knows already.
        stale_removal: an experiment is removed on a page that still shows it after it has ended.
        attribute_error: evaluating a recipe's targeting fails for one of its attributes.
        attribute_timeout: an attribute takes longer than the targeting waits for it.
    """

    opt_out: Probability = 0.004
    studies_off: Probability = 0.001
    telemetry_off: Probability = 0.0005
    opt_in_again: Probability = 0.002
    stale_removal: Probability = 0.002
    attribute_error: Probability = 0.002
    attribute_timeout: Probability = 0.004

    @model_validator(mode="after")
    def _chances_fit(self) -> Nimbus:
        total = sum(self.model_dump().values())
        if total > 1:
            raise ValueError(f"the chances add up to {total:.3f}; they exclude each other, so at most 1")
        return self
