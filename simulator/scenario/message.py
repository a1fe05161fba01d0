"""A message of the messaging system, as data: where it shows, what triggers it, whom it is for, how often."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from simulator.scenario.fields import DurationMs, Probability, Section
from simulator.scenario.targeting import check_expression

Surface = Literal["cfr", "spotlight"]
Trigger = Literal["startup", "new_tab", "site_visit", "toolbar"]


class Cap(Section):
    """At most `cap` impressions in any `period`."""

    cap: Annotated[int, Field(ge=1)]
    period: DurationMs


class Frequency(Section):
    """How often one client may see a message: over its lifetime, and in each custom period."""

    lifetime: Annotated[int, Field(ge=1, le=100)] | None = None
    custom: list[Cap] = []


class Reactions(Section):
    """What people do with the message, as probabilities once it is on screen (what remains is ignoring it)."""

    primary: Probability = 0.18
    secondary: Probability = 0.30
    block: Probability = 0.05
    manage: Probability = 0.01
    rationale: Probability = 0.03
    learn_more: Probability = 0.03


class Message(Section):
    """One message. `bucket` is what release-channel CFR pings carry instead of the id."""

    id: Annotated[str, Field(min_length=1, max_length=100)]
    surface: Surface
    trigger: Trigger
    bucket: str = ""
    targeting: str = "true"
    weight: Annotated[float, Field(gt=0)] = 100
    category: Literal["addons", "features"] = "features"
    primary_action: Literal["INSTALL", "ENABLE", "PIN", "CLICK_BUTTON", "CLICK"] = "CLICK_BUTTON"
    frequency: Frequency = Frequency(lifetime=3)
    reactions: Reactions = Reactions()
    experiment: str | None = None
    branch: str | None = None

    @field_validator("targeting")
    @classmethod
    def _targeting_is_an_expression(cls, value: str) -> str:
        check_expression(value)
        return value
