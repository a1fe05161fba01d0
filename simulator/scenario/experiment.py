"""A Nimbus experiment or rollout, as data: the recipe that a client is bucketed by."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from simulator.scenario.fields import Moment, Section
from simulator.scenario.targeting import check_expression


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


class Experiment(Section):
    """One recipe. Without `start` and `end` it runs as long as the simulation."""

    slug: Annotated[str, Field(min_length=1, max_length=80)]
    feature: str
    branches: Annotated[list[Branch], Field(min_length=1)]
    bucketing: Bucketing
    channels: list[str] = []
    targeting: str = "true"
    start: Moment | None = None
    end: Moment | None = None
    rollout: bool = False

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
