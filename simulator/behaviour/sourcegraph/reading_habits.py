"""How a scenario's developers read code."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import Final

from simulator.behaviour.sourcegraph.working_day import WorkingDays
from simulator.distributions import Choice, Quantiles, counts, exponential, lognormal
from simulator.population.code import CodeContent
from simulator.population.developer import DeveloperProfile
from simulator.scenario.sourcegraph import Sourcegraph, UtmPlace

SCALE = 1_000_000
_FILE_DWELL_SIGMA: Final = 0.8


#: What is done around a file when it has been read, as bits.
PALETTE: Final = 1
TOOLBAR: Final = 2
ERROR: Final = 4
LINK: Final = 8


class ReadingHabits:
    """What a scenario's developers do while they read.

    Args:
        settings: the scenario's figures.
        content: what there is to read.
    """

    def __init__(self, settings: Sourcegraph, content: CodeContent) -> None:
        self.settings = settings
        self.content = content
        self.days = WorkingDays(settings)
        self.file_dwell = lognormal(settings.file_dwell_median, _FILE_DWELL_SIGMA)
        self.mean_file_dwell_ms = max(round(settings.file_dwell_median * exp(_FILE_DWELL_SIGMA**2 / 2)), 1)
        self.bursts: Choice[int] = counts(settings.hovers_a_file / settings.hovers_a_burst)
        self.more_hovers: Choice[int] = counts(settings.hovers_a_burst - 1)
        self.hover_gap = lognormal(1_400, 0.6)
        self.until_click = lognormal(900, 0.5)
        self.until_loaded = lognormal(350, 0.4)
        self.gap: Quantiles = exponential(SCALE)
        self.palette_action: Choice[str] = Choice(settings.palette_actions)
        self.toolbar_action: Choice[str] = Choice(settings.toolbar_actions)
        self.link: Choice[UtmPlace] = Choice(settings.links)
        self.web_dwell = lognormal(settings.web_page_dwell_median, 0.9)
        self.web_actions: Choice[int] = counts(settings.web_actions_a_page)
        self.web_action: Choice[str] = Choice(settings.web_actions)
        reached = settings.hover_is_empty
        self.empty_below = reached
        self.definition_below = reached + (1 - reached) * settings.go_to_definition
        self.references_below = self.definition_below + (1 - reached) * settings.find_references
        self.tools: dict[int, float] = {
            PALETTE: settings.palette_action,
            TOOLBAR: settings.toolbar_action,
            ERROR: settings.errors_a_file,
            LINK: settings.follow_link,
        }

    def on_web(self, profile: DeveloperProfile) -> float:
        """The share of a developer's sessions that begin in the web application."""
        if not profile.web:
            return 0.0
        return self.settings.web_sessions if profile.extension else 1.0

    def on_code_host_ms(self, profile: DeveloperProfile, sessions: Sequence[tuple[int, int]]) -> int:
        """About how long a developer reads on the code host in some sessions (start, end)."""
        return int(sum(ends - begins for begins, ends in sessions) * (1 - self.on_web(profile)))
