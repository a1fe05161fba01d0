"""A message of the messaging system, as data: where it shows, what triggers it, whom it is for, how often."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, field_validator, model_validator

from simulator.scenario.fields import DurationMs, Probability, Rate, Section
from simulator.scenario.targeting import check_expression

Surface = Literal[
    "cfr",
    "spotlight",
    "infobar",
    "snippets",
    "whats_new_panel",
    "moments_page",
    "toolbar_badge",
    "onboarding",
]
Trigger = Literal[
    "startup", "new_tab", "site_visit", "toolbar", "newtab_page", "panel", "moments", "first_run"
]
Screen = Literal["AW_GET_STARTED", "AW_IMPORT_SETTINGS", "AW_CHOOSE_THEME"]

#: What can trigger a message on each surface, and the feature that an experiment on the surface is about.
TRIGGERS: Final[dict[str, frozenset[str]]] = {
    "cfr": frozenset({"startup", "new_tab", "site_visit", "toolbar"}),
    "spotlight": frozenset({"startup", "new_tab", "toolbar"}),
    "infobar": frozenset({"startup", "new_tab", "toolbar"}),
    "toolbar_badge": frozenset({"startup", "new_tab", "toolbar"}),
    "snippets": frozenset({"newtab_page"}),
    "whats_new_panel": frozenset({"panel"}),
    "moments_page": frozenset({"moments"}),
    "onboarding": frozenset({"first_run"}),
}
FEATURES: Final[dict[str, str]] = {
    "cfr": "cfr",
    "spotlight": "spotlight",
    "infobar": "infobar",
    "toolbar_badge": "cfr-fxa",
    "snippets": "snippets",
    "whats_new_panel": "whats-new-panel",
    "moments_page": "moments-page",
    "onboarding": "aboutwelcome",
}
_BADGE = "BADGE"


class Cap(Section):
    """At most `cap` impressions in any `period`."""

    cap: Annotated[int, Field(ge=1)]
    period: DurationMs


class Frequency(Section):
    """How often one client may see a message, or all messages of a group: over its lifetime, and in each period."""

    lifetime: Annotated[int, Field(ge=1, le=100)] | None = None
    custom: list[Cap] = []


class Reactions(Section):
    """What people do with the message, as probabilities once it is on screen (what remains is ignoring it).

    `primary`, `secondary`, `dismiss`, `block` and `manage` exclude each other; a surface that lacks one of them
    ignores it. `rationale` and `learn_more` come before them, on a doorhanger.
    """

    primary: Probability = 0.18
    secondary: Probability = 0.30
    dismiss: Probability = 0.10
    block: Probability = 0.05
    manage: Probability = 0.01
    rationale: Probability = 0.03
    learn_more: Probability = 0.03

    @model_validator(mode="after")
    def _closing_ways_fit(self) -> Reactions:
        total = self.primary + self.secondary + self.dismiss + self.block + self.manage
        if total > 1 + 1e-9:
            raise ValueError(f"the ways a message is closed add up to {total:.3f}; they must stay within 1")
        return self


class Message(Section):
    """One message.

    Args:
        bucket: what release-channel pings of recommendations and moments pages carry instead of the id.
        targeting: for whom; an expression over what a client knows of itself.
        weight: how likely it wins against others that may be shown.
        category: which of the two CFR preferences switches it off.
        primary_action: what following a recommendation is called in its ping.
        provider: where it is loaded from; a provider that fails takes its messages with it for a browser run.
        group: its caps, in `messaging.groups`, hold for all of its messages together.
        experiment: slug of the experiment whose members alone see it; `branch` narrows that down.
        model_version: of a machine-learning experiment; its members report it.
        screens: of about:welcome, in order.
    """

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
    provider: str = ""
    group: str = ""
    experiment: str | None = None
    branch: str | None = None
    model_version: str = ""
    screens: list[Screen] = []

    @field_validator("targeting")
    @classmethod
    def _targeting_is_an_expression(cls, value: str) -> str:
        check_expression(value)
        return value

    @model_validator(mode="after")
    def _fits_its_surface(self) -> Message:
        if self.trigger not in TRIGGERS[self.surface]:
            raise ValueError(
                f"message {self.id!r}: {self.surface} is triggered by {', '.join(sorted(TRIGGERS[self.surface]))}, "
                f"not by {self.trigger}"
            )
        if self.surface == "cfr" and not self.bucket:
            raise ValueError(
                f"message {self.id!r} needs a bucket: on the release channel its pings carry that and not the id"
            )
        if (_BADGE in self.id) != (self.surface == "toolbar_badge") and self.surface in {
            "toolbar_badge",
            "whats_new_panel",
        }:
            raise ValueError(
                f"message {self.id!r}: ids of badges contain {_BADGE}, and those of the What's New panel do not; "
                "nothing else tells their pings apart"
            )
        if self.surface == "onboarding" and self.id not in {"DEFAULT_ABOUTWELCOME", "RTAMO_DEFAULT_WELCOME"}:
            raise ValueError(
                f"message {self.id!r}: onboarding knows DEFAULT_ABOUTWELCOME and RTAMO_DEFAULT_WELCOME"
            )
        return self

    @property
    def feature(self) -> str:
        """The feature that an experiment on this message's surface is about."""
        return FEATURES[self.surface]


class Messaging(Section):
    """The messaging system: which sets are shown, how often triggers fire, how often something fails.

    Rates are for each hour that the browser is open, beside what fires anyway (start-up, new tabs).

    Args:
        sets: shipped message sets to show.
        groups: frequency caps that messages of a group share, by its name.
        spotlight_in_experiments_only: whether spotlights without an experiment are never shown.
        targeting_error: how likely it is at each trigger that the targeting of a waiting message fails.
        attribute_timeout: how likely it is there that one of its attributes takes too long.
        provider_failure: how likely loading from a provider fails at a start of the browser.
        pref_toggle: how likely somebody who opens the What's New panel changes its checkbox.
    """

    sets: list[str] = []
    groups: dict[str, Frequency] = {}
    site_visits_an_hour: Rate = 4.0
    toolbar_uses_an_hour: Rate = 0.2
    panel_uses_an_hour: Rate = 0.05
    spotlight_in_experiments_only: bool = False
    targeting_error: Probability = 0.0005
    attribute_timeout: Probability = 0.0003
    provider_failure: Probability = 0.001
    pref_toggle: Probability = 0.02
