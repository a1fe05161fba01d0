"""Section "Standard Events": what became of an enrolment, as legacy event and as Glean event.

Documented: the method names that the tables print, which name an unenrolment's failure `enroll_failed` in every
column, and know no validation failure. Wire: the code's names, camelCase in legacy events (conflict C39).
Extras are those of the code of 2022, when enrolment ids were part of them (facts C2, C4).
"""

from __future__ import annotations

from typing import Literal

from simulator.pings.containers.event_record import event_fragment
from simulator.pings.containers.glean_info import glean_event_fragment
from simulator.pings.nimbus.change import Change
from simulator.records import Dialect

Happening = Literal[
    "enroll", "enroll_failed", "expose", "unenroll", "unenroll_failed", "validation_failed", "disqualify"
]

_LEGACY_METHODS: dict[Dialect, dict[str, str]] = {
    "documented": {
        "enroll": "enroll",
        "enroll_failed": "enroll_failed",
        "expose": "expose",
        "unenroll": "unenroll",
        "unenroll_failed": "enroll_failed",
    },
    "wire": {
        "enroll": "enroll",
        "enroll_failed": "enrollFailed",
        "expose": "expose",
        "unenroll": "unenroll",
        "unenroll_failed": "unenrollFailed",
        "validation_failed": "validationFailed",
    },
}
_GLEAN_NAMES: dict[Dialect, dict[str, str]] = {
    "documented": {
        "enroll": "enrollment",
        "enroll_failed": "enroll_failed",
        "expose": "exposure",
        "unenroll": "unenrollment",
        "unenroll_failed": "enroll_failed",
        "disqualify": "disqualification",
    },
    "wire": {
        "enroll": "enrollment",
        "enroll_failed": "enroll_failed",
        "expose": "exposure",
        "unenroll": "unenrollment",
        "unenroll_failed": "unenroll_failed",
        "validation_failed": "validation_failed",
        "disqualify": "disqualification",
    },
}


def _filled(**extra: str) -> dict[str, str]:
    return {key: value for key, value in extra.items() if value}


def legacy_event(dialect: Dialect, happening: Happening, change: Change) -> str | None:
    """A record of category `normandy` without its time (desktop's legacy column).

    Args:
        dialect: the form to write.
        happening: what happened.
        change: to which enrolment.

    Returns:
        None where the dialect has no such record.
    """
    method = _LEGACY_METHODS[dialect].get(happening)
    if method is None:
        return None
    if happening == "enroll":
        extra = _filled(
            experimentType=change.experiment_type, branch=change.branch, enrollmentId=change.enrollment_id
        )
    elif happening == "expose":
        extra = _filled(branchSlug=change.branch, featureId=change.feature)
    elif happening == "unenroll":
        extra = _filled(reason=change.reason, branch=change.branch, enrollmentId=change.enrollment_id)
    elif happening == "validation_failed":
        extra = _filled(reason=change.reason, branch=change.branch, feature=change.feature)
    else:
        extra = _filled(reason=change.reason)
    return event_fragment("normandy", method, "nimbus_experiment", change.slug, extra)


def glean_event(dialect: Dialect, happening: Happening, change: Change, *, mobile: bool) -> str | None:
    """An event of category `nimbus_events` without its time (the Glean columns).

    Args:
        dialect: the form to write.
        happening: what happened; `disqualify` on mobile alone.
        change: to which enrolment.
        mobile: whether Android writes it, whose failed enrolments name their branch.

    Returns:
        None where the dialect, or the platform, has no such event.
    """
    name = _GLEAN_NAMES[dialect].get(happening)
    if name is None or (happening == "disqualify") > mobile or (happening == "validation_failed" and mobile):
        return None
    extra = {"experiment": change.slug}
    if happening == "enroll":
        extra |= _filled(
            branch=change.branch, enrollment_id=change.enrollment_id, experiment_type=change.experiment_type
        )
    elif happening == "expose":
        extra |= _filled(branch=change.branch, feature_id=change.feature)
    elif happening == "unenroll":
        extra |= _filled(branch=change.branch, enrollment_id=change.enrollment_id, reason=change.reason)
    elif happening == "disqualify":
        extra |= _filled(branch=change.branch, enrollment_id=change.enrollment_id)
    elif happening == "validation_failed":
        extra |= _filled(reason=change.reason, branch=change.branch, feature=change.feature)
    else:
        extra |= _filled(reason=change.reason, branch=change.branch if mobile else "")
    return glean_event_fragment("nimbus_events", name, extra)
