"""The experiments' sender: annotations and events of one client, in the order of its platform.

Desktop (ExperimentManager): an enrolment is annotated first, then recorded; a departure takes the annotation away
first. Android (Nimbus.kt): the event goes first both times. The order shows when an event completes a ping.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.client.annotations import Annotations
from simulator.client.event_ping import EventPingSender
from simulator.client.glean import GleanSender
from simulator.client.main_ping import MainPingSender
from simulator.client.outbox import Outbox
from simulator.corpus.rows import Row
from simulator.nimbus import Enrolments
from simulator.pings.firefox.messaging_experiments_pings.experiment_attribute_errors import (
    attribute_error,
    attribute_timeout,
)
from simulator.pings.firefox.messaging_experiments_pings.experiment_reach_ping import experiment_reach
from simulator.pings.nimbus.change import Change
from simulator.pings.nimbus.messaging_experiments import (
    REACH_OBJECTS,
    AttributeTrouble,
    attribute_event,
    reach_event,
)
from simulator.pings.nimbus.standard_events import Happening, glean_event, legacy_event

#: Why a mobile client is disqualified, not unenrolled: it became ineligible, or opted out of experiments.
_DISQUALIFYING = frozenset({"targeting-mismatch", "individual-opt-out", "studies-opt-out"})


class ExperimentCodes:
    """Kind codes of the records that the documented dialect sends on their own, shared by a cohort."""

    def __init__(self, outbox: Outbox) -> None:
        self.dialect = outbox.dialect
        self.reach_objects = REACH_OBJECTS[outbox.dialect]
        if outbox.dialect == "documented":
            self.reach = outbox.structured("experiment_reach")
            self.attribute_error = outbox.structured("attribute_error")
            self.attribute_timeout = outbox.structured("attribute_timeout")
        self._exposures: dict[tuple[str, str, str], tuple[str | None, str | None]] = {}

    def exposure(self, slug: str, branch: str, feature: str) -> tuple[str | None, str | None]:
        """An exposure as legacy and as Glean event. Both are the same for all clients of a branch."""
        key = (slug, branch, feature)
        texts = self._exposures.get(key)
        if texts is None:
            change = Change("enroll", slug, branch=branch, feature=feature)
            texts = self._exposures[key] = (
                legacy_event(self.dialect, "expose", change),
                glean_event(self.dialect, "expose", change, mobile=False),
            )
        return texts


class ExperimentSender:
    """What one client reports of its experiments.

    Args:
        number: the client's number.
        send: takes finished rows.
        codes: shared by the cohort.
        enrolments: what the client is in.
        annotations: what its pings say of that.
        events: takes legacy events; None on mobile, and where the scenario has no event ping.
        glean: takes Glean events; None where the scenario has none.
        main: has a subsession that ends when the experiments change; None where there is none.
        mobile: whether the client is Firefox for Android.
    """

    __slots__ = (
        "_annotations",
        "_codes",
        "_events",
        "_exposed",
        "_glean",
        "_main",
        "_mobile",
        "_number",
        "_reached",
        "_send",
        "enrolments",
    )

    def __init__(  # noqa: PLR0913, RUF100 - every sender that experiments show in
        self,
        number: int,
        send: Callable[[Row], None],
        codes: ExperimentCodes,
        enrolments: Enrolments,
        annotations: Annotations,
        *,
        events: EventPingSender | None,
        glean: GleanSender | None,
        main: MainPingSender | None = None,
        mobile: bool = False,
    ) -> None:
        self._number = number
        self._send = send
        self._codes = codes
        self.enrolments = enrolments
        self._annotations = annotations
        self._events = events
        self._glean = glean
        self._main = main
        self._mobile = mobile
        self._exposed: set[str] = set()
        self._reached: set[str] = set()

    def telemetry_off(self, now_ms: int) -> None:
        """Telemetry is switched off: all experiments end, which the document calls an unenrolment everywhere.

        Desktop gives the reason of studies that are switched off; on mobile that one would disqualify.
        """
        reason = "telemetry-off" if self._mobile else "studies-opt-out"
        self.apply(now_ms, self.enrolments.leave_all(reason))

    def new_session(self) -> None:
        """A browser session begins: what is recorded once a session may be recorded again."""
        if self._exposed:
            self._exposed.clear()
        if self._reached:
            self._reached.clear()

    def apply(self, now_ms: int, changes: Sequence[Change]) -> None:
        """Annotate and record what became of enrolments.

        Args:
            now_ms: when.
            changes: in the order in which they happened.
        """
        for change in changes:
            if change.kind in {"enroll", "unenroll"}:
                self._annotate_and_record(now_ms, change)
            else:
                self._record(now_ms, change.kind, change)

    def _annotate_and_record(self, now_ms: int, change: Change) -> None:
        if self._main is not None:
            self._main.environment_changes(now_ms)
        disqualified = self._mobile and change.kind == "unenroll" and change.reason in _DISQUALIFYING
        if self._mobile:
            self._record(now_ms, "disqualify" if disqualified else change.kind, change)
        if change.kind == "enroll":
            self._annotations.enrol(
                change.slug,
                change.branch,
                experiment_type=change.experiment_type,
                enrollment_id=change.enrollment_id,
            )
        else:
            self._annotations.unenrol(change.slug)
        if not self._mobile:
            self._record(now_ms, change.kind, change)

    def _record(self, now_ms: int, happening: Happening, change: Change) -> None:
        dialect = self._codes.dialect
        if self._events is not None:
            text = legacy_event(dialect, happening, change)
            if text is not None:
                self._events.append(now_ms, "parent", text)
        if self._glean is not None:
            text = glean_event(dialect, happening, change, mobile=self._mobile)
            if text is not None:
                self._glean.record(now_ms, text)

    def exposed(self, now_ms: int, feature: str) -> None:
        """A treatment is about to be seen, or would be in a control branch: recorded once a session, if enrolled.

        Args:
            now_ms: when.
            feature: the feature id, such as `cfr`.
        """
        if feature in self._exposed:
            return
        enrolment = self.enrolments.on_feature(feature)
        if enrolment is None:
            return
        self._exposed.add(feature)
        legacy, glean = self._codes.exposure(enrolment.recipe.slug, enrolment.branch, feature)
        if self._events is not None and legacy is not None:
            self._events.append(now_ms, "parent", legacy)
        if self._glean is not None and glean is not None:
            self._glean.record(now_ms, glean)

    def reached(self, now_ms: int, *, message: str, slug: str, branch: str) -> None:
        """A message of another branch would have been shown now: recorded once a session for each message.

        Args:
            now_ms: when.
            message: its id.
            slug: its experiment; who is not in it reports nothing.
            branch: its branch; one's own is not reached but seen.
        """
        enrolment = self.enrolments.by_slug.get(slug)
        if enrolment is None or enrolment.left is not None or branch == enrolment.branch:
            return
        feature = enrolment.recipe.feature.replace("-", "_")
        codes = self._codes
        if message in self._reached or feature not in codes.reach_objects:
            return
        self._reached.add(message)
        if codes.dialect == "documented":
            body = experiment_reach(feature=feature, slug=slug, branches=branch)
            self._send((now_ms, self._number, codes.reach, body, None))
        elif self._events is not None:
            self._events.append(now_ms, "parent", reach_event(feature=feature, slug=slug, branch=branch))

    def attribute_trouble(
        self, now_ms: int, trouble: AttributeTrouble, *, attribute: str, source: str
    ) -> None:
        """A targeting attribute failed or took too long.

        Args:
            now_ms: when.
            trouble: which of both.
            attribute: its name.
            source: slug of the experiment whose targeting asked for it.
        """
        codes = self._codes
        if codes.dialect == "wire":
            if self._events is not None:
                text = attribute_event(trouble, attribute=attribute, source=source)
                self._events.append(now_ms, "parent", text)
        elif trouble == "attribute_error":
            body = attribute_error(attribute=attribute, source=source)
            self._send((now_ms, self._number, codes.attribute_error, body, None))
        else:
            body = attribute_timeout(attribute=attribute, source=source)
            self._send((now_ms, self._number, codes.attribute_timeout, body, None))
