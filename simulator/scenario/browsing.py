"""The scenario's sections on people at browsers: who they are, and what they do on new tabs and around them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from simulator.scenario.fields import DurationMs, Probability, Rate, Section, Share
from simulator.scenario.figures import figure, figure_ms


class Population(Section):
    """Who the people are and how much they browse.

    Every default is a figure of `simulator/population/figures.toml`, which has its source, year and grade;
    `telsim describe` prints the simulated values beside them. `daily_curve` is how much people in the United States
    browse in each UTC hour; everybody else's day is that one in their own time zone.
    """

    telemetry_on: Share = Field(default_factory=figure("telemetry_on"))
    regular: Share = Field(default_factory=figure("regular"))
    regular_days_a_week: Annotated[float, Field(ge=0, le=7)] = Field(
        default_factory=figure("regular_days_a_week")
    )
    irregular_days_a_week: Annotated[float, Field(ge=0, le=7)] = Field(
        default_factory=figure("irregular_days_a_week")
    )
    runs_a_day: Annotated[float, Field(gt=0, le=200)] = Field(default_factory=figure("runs_a_day"))
    run_median: DurationMs = Field(default_factory=figure_ms("run_median_minutes", 60_000))
    run_sigma: Annotated[float, Field(ge=0, le=4)] = Field(default_factory=figure("run_sigma"))
    new_tabs_a_day: Rate = Field(default_factory=figure("new_tabs_a_day"))
    private_windows: Share = Field(default_factory=figure("private_windows"))
    new_profiles: Share = Field(default_factory=figure("new_profiles"))
    daily_curve: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=24, max_length=24)] = Field(
        default_factory=figure("daily_curve")
    )
    week_mean_below_thursday: Annotated[float, Field(ge=0, le=0.25)] = Field(
        default_factory=figure("week_mean_below_thursday")
    )
    page_takeover: Share = Field(default_factory=figure("page_takeover"))
    pocket_logged_in: Share = Field(default_factory=figure("pocket_logged_in"))

    @model_validator(mode="after")
    def _the_day_has_an_hour(self) -> Population:
        if not sum(self.daily_curve):
            raise ValueError("daily_curve has no hour in which anybody browses")
        return self


class NewTab(Section):
    """What people do on a new tab, as probabilities for each visit.

    A visit ends in one of the first seven ways (what remains is leaving by the URL bar). Before that, at most one of
    the rarer things from `tile_block` on happens, if what it needs is there: a preference that is on, a sponsored
    tile, a bookmark to remove. `prefs_close` is the probability that opening the preferences is followed by the
    closing event, which clients of version 75 and later never send.
    """

    search: Probability = 0.04
    search_handoff: Probability = 0.30
    topsite_click: Probability = 0.22
    story_click: Probability = 0.015
    popular_topic_click: Probability = 0.002
    refresh: Probability = 0.02
    close: Probability = 0.08
    tile_block: Probability = 0.004
    history_delete: Probability = 0.001
    open_new_window: Probability = 0.003
    open_private_window: Probability = 0.001
    search_shortcut_add: Probability = 0.0006
    search_shortcut_delete: Probability = 0.0004
    topsite_edit: Probability = 0.001
    privacy_info: Probability = 0.0004
    bookmark_add: Probability = 0.001
    bookmark_remove: Probability = 0.0006
    story_block: Probability = 0.0006
    story_save: Probability = 0.0012
    story_load_more: Probability = 0.002
    personalize: Probability = 0.0015
    prefs_open: Probability = 0.001
    prefs_close: Probability = 0.0
    sponsored_tiles: Annotated[int, Field(ge=0, le=2)] = 2
    position_decay: Annotated[float, Field(gt=0, le=1)] = 0.72
    preloaded: Probability = 0.75
    home_again: Probability = 0.05
    unasked: Probability = 0.02
    lost_at_shutdown: Probability = 0.25
    tile_ids: Literal["number", "text"] = "number"

    @property
    def endings(self) -> dict[str, float]:
        """The ways in which a visit ends, with the URL bar for what remains."""
        names = (
            "search",
            "search_handoff",
            "topsite_click",
            "story_click",
            "popular_topic_click",
            "refresh",
            "close",
        )
        endings: dict[str, float] = {name: getattr(self, name) for name in names}
        return {**endings, "navigate": max(0.0, 1 - sum(endings.values()))}

    @property
    def rarities(self) -> dict[str, float]:
        """What may happen once before the end of a visit."""
        names = (
            "tile_block",
            "history_delete",
            "open_new_window",
            "open_private_window",
            "search_shortcut_add",
            "search_shortcut_delete",
            "topsite_edit",
            "privacy_info",
            "bookmark_add",
            "bookmark_remove",
            "story_block",
            "story_save",
            "story_load_more",
            "personalize",
            "prefs_open",
        )
        return {name: getattr(self, name) for name in names}

    @model_validator(mode="after")
    def _probabilities_fit(self) -> NewTab:
        for what, parts in (
            ("the ways a visit ends", {**self.endings, "navigate": 0}),
            ("the things that happen during a visit", self.rarities),
        ):
            total = sum(parts.values())
            if total > 1 + 1e-9:
                raise ValueError(f"{what} add up to {total:.3f}; they must stay within 1")
        return self


class Browser(Section):
    """What people do with the browser away from new tabs. Rates are for each hour that it is open."""

    tab_pins_an_hour: Rate = 0.01
    pref_changes_an_hour: Rate = 0.004
    pocket_uses_an_hour: Rate = 0.03
    updates_a_week: Rate = 0.25


class Onboarding(Section):
    """What people do on about:welcome, which opens at the first start of a new profile.

    Args:
        attributed: share of new profiles whose download says where it came from.
        return_to_amo: share of those that come from an add-on's page.
        import_sites: share that has sites of another browser to import.
        primary: how likely each screen is left by its main button.
        secondary: how likely by the other one; what remains leaves about:welcome altogether.
        install: how likely the add-on of a return-to-AMO screen is installed.
    """

    attributed: Share = 0.5
    return_to_amo: Share = 0.08
    import_sites: Share = 0.4
    primary: Probability = 0.6
    secondary: Probability = 0.28
    install: Probability = 0.55

    @model_validator(mode="after")
    def _buttons_fit(self) -> Onboarding:
        if self.primary + self.secondary > 1:
            raise ValueError(
                f"primary and secondary add up to {self.primary + self.secondary:.3f}; they must stay within 1"
            )
        return self


class Clock(Section):
    """Clocks that are wrong: a share of clients, whose payloads then carry wrong times. Off by default."""

    wrong: Share = 0.0


class Delivery(Section):
    """When pings arrive: at once, at the browser's next start, or days later. By default all arrive at once.

    The published mixture is `next_start = 0.10, later = 0.05` (main pings, 2017). A ping that waits for a start that
    never comes within the simulation is never sent. Payloads keep the times of what they tell.
    """

    next_start: Probability = 0.0
    later: Probability = 0.0
    later_after: DurationMs = 2 * 86_400_000

    @model_validator(mode="after")
    def _parts_fit(self) -> Delivery:
        if self.next_start + self.later > 1:
            raise ValueError(
                f"next_start and later add up to {self.next_start + self.later:.3f}; they must stay within 1"
            )
        return self
