"""A developer who reads code, and how a scenario's developers do it."""

from __future__ import annotations

from collections.abc import Generator

import simpy

from simulator.behaviour.sourcegraph.working_day import WorkingDays
from simulator.client.sourcegraph_extension import ExtensionSender
from simulator.client.sourcegraph_web import WebSender
from simulator.distributions import Choice, Quantiles, counts, exponential, lognormal
from simulator.population.code import CodeContent, CodeFile, Repository
from simulator.population.developer import DeveloperProfile
from simulator.randomness import Stream
from simulator.scenario.sourcegraph import Sourcegraph, UtmPlace

Process = Generator[simpy.Event, None, None]

SCALE = 1_000_000


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
        self.file_dwell = lognormal(settings.file_dwell_median, 0.8)
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


class Developer:
    """Somebody who reads code.

    Args:
        env: the cohort's clock.
        profile: who.
        extension: told what happens on code hosts; None without one.
        web: told what happens in the web application; None for somebody who does not use it.
        repositories: those on the developer's code host.
        random: for what the developer does.
    """

    __slots__ = ("env", "extension", "profile", "random", "repositories", "web")

    def __init__(
        self,
        env: simpy.Environment,
        profile: DeveloperProfile,
        *,
        extension: ExtensionSender | None,
        web: WebSender | None,
        repositories: tuple[Repository, ...],
        random: Stream,
    ) -> None:
        self.env = env
        self.profile = profile
        self.extension = extension
        self.web = web
        self.repositories = repositories
        self.random = random

    def repository(self) -> Repository:
        """One of the repositories."""
        return self.repositories[int(self.random.uniform() * len(self.repositories))]

    def file(self, repository: Repository) -> CodeFile:
        """One of a repository's files."""
        return repository.files[int(self.random.uniform() * len(repository.files))]
