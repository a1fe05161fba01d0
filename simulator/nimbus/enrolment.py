"""The life of one client's enrolments: decided at each evaluation of the recipes (ExperimentManager.sys.mjs).

A client has at most one experiment and one rollout for each feature; a branch is drawn once and kept; who left an
experiment never comes back, who left a rollout may, unless it was by opting out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.nimbus.recipe import Attributes, Recipe
from simulator.pings.nimbus.change import Change


@dataclass(slots=True)
class Enrolment:
    """One experiment that a client is or was in. `left` is why it left; None while it is in."""

    recipe: Recipe
    branch: str
    enrollment_id: str
    left: str | None = None


class Enrolments:
    """What one client is and was enrolled in.

    Args:
        unit_id: the randomization unit's id.
        recipes: those that concern the client (`Recipe.concerns`), in the scenario's order.
        new_id: gives enrolment ids.
    """

    __slots__ = ("_new_id", "_unit_id", "by_slug", "recipes", "studies_on")

    def __init__(self, unit_id: str, recipes: Sequence[Recipe], *, new_id: Callable[[], str]) -> None:
        self._unit_id = unit_id
        self._new_id = new_id
        self.recipes = tuple(recipes)
        self.by_slug: dict[str, Enrolment] = {}
        self.studies_on = True

    def active(self) -> list[Enrolment]:
        """The current enrolments, oldest first."""
        return [enrolment for enrolment in self.by_slug.values() if enrolment.left is None]

    def on_feature(self, feature: str) -> Enrolment | None:
        """The enrolment that decides a feature: an experiment goes before a rollout."""
        found: Enrolment | None = None
        for enrolment in self.by_slug.values():
            if enrolment.left is None and enrolment.recipe.feature == feature:
                if not enrolment.recipe.is_rollout:
                    return enrolment
                found = enrolment
        return found

    def evaluate(self, now_ms: int, attributes: Callable[[], Attributes]) -> list[Change]:
        """Look at all recipes: first those that are published, then what is enrolled and no longer seen.

        Args:
            now_ms: when.
            attributes: for targeting; asked only if some recipe asks.
        """
        changes: list[Change] = []
        for recipe in self.recipes:
            if recipe.is_live(now_ms):
                change = self._update(recipe, attributes)
                if change is not None:
                    changes.append(change)
        changes += [
            self.leave(enrolment.recipe.slug, "recipe-not-seen")
            for enrolment in self.active()
            if not enrolment.recipe.is_live(now_ms)
        ]
        return changes

    def _update(self, recipe: Recipe, attributes: Callable[[], Attributes]) -> Change | None:
        enrolment = self.by_slug.get(recipe.slug)
        if enrolment is not None and enrolment.left is None:
            return None if recipe.targets(attributes) else self.leave(recipe.slug, "targeting-mismatch")
        if enrolment is not None and not (recipe.is_rollout and enrolment.left != "individual-opt-out"):
            return None
        if not self.studies_on:
            return None
        if recipe.invalid == "invalid-recipe":
            return Change("validation_failed", recipe.slug, reason=recipe.invalid)
        if not recipe.targets(attributes):
            return None
        if recipe.invalid is not None:
            return self._invalid(recipe, recipe.invalid)
        return self._enrol(recipe)

    def _invalid(self, recipe: Recipe, reason: str) -> Change:
        if reason == "invalid-feature":
            return Change("validation_failed", recipe.slug, reason=reason, feature=recipe.feature)
        return Change("validation_failed", recipe.slug, reason=reason, branch=self._branch(recipe))

    def _branch(self, recipe: Recipe) -> str:
        return recipe.branch_of(self._unit_id)

    def _enrol(self, recipe: Recipe) -> Change:
        branch = self._branch(recipe)
        if any(
            other.left is None
            and other.recipe.feature == recipe.feature
            and other.recipe.is_rollout == recipe.is_rollout
            for other in self.by_slug.values()
        ):
            return Change("enroll_failed", recipe.slug, branch=branch, reason="feature-conflict")
        enrolment = self.by_slug[recipe.slug] = Enrolment(recipe, branch, self._new_id())
        return Change(
            "enroll",
            recipe.slug,
            branch=branch,
            feature=recipe.feature,
            experiment_type=recipe.experiment_type,
            enrollment_id=enrolment.enrollment_id,
        )

    def enrol_again(self, slug: str) -> Change:
        """A second enrolment under a name that is taken, as an opt-in link of a known experiment asks for."""
        return Change("enroll_failed", slug, branch=self.by_slug[slug].branch, reason="name-conflict")

    def leave(self, slug: str, reason: str) -> Change:
        """End an enrolment, or fail to.

        Args:
            slug: which; need not be one that the client is or was in.
            reason: why, such as recipe-not-seen.
        """
        enrolment = self.by_slug.get(slug)
        if enrolment is None:
            return Change("unenroll_failed", slug, reason="does-not-exist")
        if enrolment.left is not None:
            return Change("unenroll_failed", slug, reason="already-unenrolled")
        enrolment.left = reason
        recipe = enrolment.recipe
        return Change(
            "unenroll",
            slug,
            branch=enrolment.branch,
            reason=reason,
            feature=recipe.feature,
            experiment_type=recipe.experiment_type,
            enrollment_id=enrolment.enrollment_id,
        )

    def leave_all(self, reason: str) -> list[Change]:
        """End all enrolments, and make none any more: studies or telemetry were switched off."""
        self.studies_on = False
        return [self.leave(enrolment.recipe.slug, reason) for enrolment in self.active()]
