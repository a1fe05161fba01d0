"""Recipes made ready: a scenario's experiments with their bounds computed and their targeting compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from simulator.clock import epoch_ms
from simulator.nimbus.bucketing import branch_choice, bucket_ranges, in_ranges, ratio_bounds
from simulator.scenario.experiment import Experiment
from simulator.scenario.targeting import attributes_of, compile_expression

_LARGEST_CACHE = 50_000

Attributes = Mapping[str, object]


class Recipe:
    """One experiment or rollout, ready for many clients.

    Args:
        experiment: as the scenario has it.
    """

    __slots__ = (
        "_bounds",
        "_cache",
        "_channels",
        "_holds",
        "_ranges",
        "attributes",
        "branches",
        "end_ms",
        "experiment_type",
        "feature",
        "invalid",
        "is_rollout",
        "namespace",
        "slug",
        "start_ms",
        "used_in_run",
    )

    def __init__(self, experiment: Experiment) -> None:
        bucketing = experiment.bucketing
        self.slug = experiment.slug
        self.feature = experiment.feature
        self.is_rollout = experiment.rollout
        self.experiment_type = "rollout" if experiment.rollout else "nimbus"
        self.invalid = experiment.invalid
        self.used_in_run = experiment.used_in_run
        self.start_ms = epoch_ms(experiment.start) if experiment.start else 0
        self.end_ms = epoch_ms(experiment.end) if experiment.end else 2**62
        self.branches = tuple(branch.slug for branch in experiment.branches)
        self.namespace = bucketing.namespace
        self._bounds = ratio_bounds([branch.ratio for branch in experiment.branches])
        self._ranges = bucket_ranges(start=bucketing.start, count=bucketing.count, total=bucketing.total)
        self._channels = frozenset(channel.lower() for channel in experiment.channels)
        self.attributes = tuple(sorted(attributes_of(experiment.targeting)))
        self._holds = compile_expression(experiment.targeting)
        self._cache: dict[tuple[object, ...], bool] = {}

    def concerns(self, unit_id: str, channel: str) -> bool:
        """Whether a client could ever meet this recipe: its channel and its bucket never change.

        Args:
            unit_id: the randomization unit's id.
            channel: update channel; case does not matter.
        """
        if self._channels and channel.lower() not in self._channels:
            return False
        return self.invalid == "invalid-recipe" or in_ranges(unit_id, self.namespace, self._ranges)

    def is_live(self, now_ms: int) -> bool:
        """Whether the recipe is published at a moment."""
        return self.start_ms <= now_ms < self.end_ms

    def targets(self, attributes: Callable[[], Attributes]) -> bool:
        """Whether a client with these attributes is meant; they are asked for only if the targeting asks."""
        if not self.attributes:
            return self._holds({})
        known_attributes = attributes()
        key = tuple([known_attributes[name] for name in self.attributes])
        known = self._cache.get(key)
        if known is None:
            if len(self._cache) > _LARGEST_CACHE:
                self._cache.clear()
            known = self._cache[key] = self._holds(known_attributes)
        return known

    def branch_of(self, unit_id: str) -> str:
        """The branch that a unit gets: always the same one."""
        return self.branches[branch_choice(unit_id, self.slug, self._bounds)]


def compile_recipes(experiments: Sequence[Experiment], application: str) -> tuple[Recipe, ...]:
    """The recipes of one application, in the scenario's order.

    Args:
        experiments: of a scenario.
        application: firefox or fenix.
    """
    return tuple(Recipe(experiment) for experiment in experiments if experiment.application == application)
