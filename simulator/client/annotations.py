"""What pings say about the experiments that a client is in, kept as text and made again only when that changes."""

from __future__ import annotations

from typing import Protocol

from simulator.pings.text import quoted


class Annotated(Protocol):
    """Whose structured pings are annotated too."""

    def enrol(self, slug: str, branch: str) -> None:
        """Annotate with an experiment from now on."""

    def unenrol(self, slug: str) -> None:
        """Annotate with it no longer."""


class Annotations:
    """One client's experiments as containers print them. Both texts are empty while there is none.

    Limits: slug and branch 100 characters (the environment and Glean alike), type 20, enrolment id 40.

    Args:
        installation: annotated in step, for its structured pings; None where there are none.
    """

    __slots__ = ("_active", "_installation", "environment", "glean")

    def __init__(self, installation: Annotated | None = None) -> None:
        self._installation = installation
        self._active: dict[str, dict[str, str]] = {}
        self.environment = ""
        self.glean = ""

    def enrol(self, slug: str, branch: str, *, experiment_type: str, enrollment_id: str) -> None:
        """Say from now on that the client is in an experiment.

        Args:
            slug: the experiment.
            branch: its branch.
            experiment_type: nimbus or rollout; printed as nimbus-nimbus or nimbus-rollout.
            enrollment_id: this enrolment's UUID.
        """
        self._active[slug] = {
            "branch": branch[:100],
            "type": f"nimbus-{experiment_type}"[:20],
            "enrollmentId": enrollment_id[:40],
        }
        if self._installation is not None:
            self._installation.enrol(slug, branch)
        self._print()

    def unenrol(self, slug: str) -> None:
        """Say no longer that the client is in an experiment."""
        self._active.pop(slug, None)
        if self._installation is not None:
            self._installation.unenrol(slug)
        self._print()

    def _print(self) -> None:
        if not self._active:
            self.environment = self.glean = ""
            return
        # By hand: three texts of each enrolment are all that varies, and two of them are met again and again.
        by_slug = {slug[:100]: experiment for slug, experiment in self._active.items()}
        environment, glean = [], []
        for slug, experiment in by_slug.items():
            branch, kind, id_ = (quoted(experiment[key]) for key in ("branch", "type", "enrollmentId"))
            environment.append(f'{quoted(slug)}:{{"branch":{branch},"type":{kind},"enrollmentId":{id_}}}')
            extra = f'{{"enrollmentId":{id_},"type":{kind}}}'
            glean.append(f'{quoted(slug)}:{{"branch":{branch},"extra":{extra}}}')
        self.environment = f',"experiments":{{{",".join(environment)}}}'
        self.glean = f',"experiments":{{{",".join(glean)}}}'
