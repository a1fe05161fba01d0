"""A developer who reads code."""

from __future__ import annotations

from collections.abc import Generator

import simpy

from simulator.behaviour.sourcegraph.file_reading import FileReader
from simulator.client.sourcegraph_extension import ExtensionSender
from simulator.client.sourcegraph_web import WebSender
from simulator.population.code import CodeFile, Repository
from simulator.population.developer import DeveloperProfile
from simulator.randomness import Stream

Process = Generator[simpy.Event, None, None]


class Developer:
    """Somebody who reads code.

    Args:
        env: the client's clock.
        profile: who.
        extension: told what happens on code hosts; None without one.
        web: told what happens in the web application; None for somebody who does not use it.
        repositories: those on the developer's code host.
        random: for what the developer does.
        files: reads the files of the code host for the developer, one after the other.
    """

    __slots__ = ("env", "extension", "files", "profile", "random", "repositories", "web")

    def __init__(
        self,
        env: simpy.Environment,
        profile: DeveloperProfile,
        *,
        extension: ExtensionSender | None,
        web: WebSender | None,
        repositories: tuple[Repository, ...],
        random: Stream,
        files: FileReader,
    ) -> None:
        self.env = env
        self.profile = profile
        self.extension = extension
        self.web = web
        self.repositories = repositories
        self.random = random
        self.files = files

    def repository(self) -> Repository:
        """One of the repositories."""
        return self.repositories[int(self.random.uniform() * len(self.repositories))]

    def file(self, repository: Repository) -> CodeFile:
        """One of a repository's files."""
        return repository.files[int(self.random.uniform() * len(repository.files))]
