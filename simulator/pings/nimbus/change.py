"""What the standard events tell of: something that became of an enrolment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ChangeKind = Literal["enroll", "enroll_failed", "unenroll", "unenroll_failed", "validation_failed"]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that became of an enrolment. What does not apply is empty.

    Args:
        kind: what.
        slug: the experiment.
        branch: the branch concerned.
        reason: why, for failures and departures.
        feature: the experiment's feature.
        experiment_type: nimbus or rollout.
        enrollment_id: the enrolment's UUID.
    """

    kind: ChangeKind
    slug: str
    branch: str = ""
    reason: str = ""
    feature: str = ""
    experiment_type: str = ""
    enrollment_id: str = ""
