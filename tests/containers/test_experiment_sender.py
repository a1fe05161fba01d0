from __future__ import annotations

from itertools import count

import pytest
from container_bench import Bench

from simulator.client.event_ping import MOST_EVENTS as MOST_LEGACY_EVENTS
from simulator.client.event_ping import EventPingSender
from simulator.client.experiments import ExperimentCodes, ExperimentSender
from simulator.client.glean import MOST_EVENTS as MOST_GLEAN_EVENTS
from simulator.nimbus import Enrolments, compile_recipes
from simulator.scenario.experiment import Experiment

START = 1_639_562_430_123
ENDS = START + 3_600_000
FILLER = '"secure.proxy","fxa","authStarted"]'
GLEAN_FILLER = '{"category":"other","name":"thing","timestamp":'


def recipe(slug="exp-a", **keys):
    return Experiment.model_validate(
        {
            "slug": slug,
            "feature": "cfr",
            "branches": [{"slug": "control"}, {"slug": "treatment-1"}, {"slug": "treatment-2"}],
            "bucketing": {"namespace": "all"},
            **keys,
        }
    )


class Rig:
    """A bench with experiments on it."""

    def __init__(self, profile, dialect, *recipes, mobile=False):
        self.bench = Bench(profile, dialect)
        bench = self.bench
        ids = count(1)
        self.enrolments = Enrolments(
            profile.normandy_id,
            compile_recipes(recipes or [recipe()], "firefox"),
            new_id=lambda: f"11111111-1111-4111-8111-{next(ids):012d}",
        )
        self.events = None if mobile else EventPingSender(bench.session)
        self.glean = bench.glean()
        self.sender = ExperimentSender(
            profile.number,
            bench.outbox.rows.append,
            ExperimentCodes(bench.outbox),
            self.enrolments,
            bench.annotations,
            events=self.events,
            glean=self.glean,
            mobile=mobile,
        )
        bench.start(START, ENDS)
        self.glean.start(START)

    def evaluate(self, now_ms=START):
        self.sender.apply(now_ms, self.enrolments.evaluate(now_ms, dict))

    def leave(self, reason, now_ms=START, slug="exp-a"):
        self.sender.apply(now_ms, [self.enrolments.leave(slug, reason)])

    def finish(self):
        if self.events is not None:
            self.events.shutdown(ENDS)
        self.glean.active(ENDS)
        self.glean.inactive(ENDS)
        return self.bench.pings()

    def legacy(self):
        return [
            event
            for _, ping, document in self.finish()
            if ping == "event_ping"
            for event in document["payload"]["events"]["parent"]
        ]

    def glean_events(self):
        return [
            (event["name"], event["extra"])
            for _, ping, document in self.finish()
            if ping == "glean_events_ping"
            for event in document["events"]
        ]


def test_legacy_events_on_the_wire(profile):
    rig = Rig(profile, "wire")
    rig.evaluate()
    branch = rig.enrolments.by_slug["exp-a"].branch
    rig.sender.exposed(START + 10, "cfr")
    rig.sender.apply(START + 20, [rig.enrolments.enrol_again("exp-a")])
    rig.leave("individual-opt-out", START + 30)
    rig.leave("individual-opt-out", START + 40)
    enrolment = "11111111-1111-4111-8111-000000000001"
    head = ["normandy", "nimbus_experiment", "exp-a"]
    assert [[e[0], [e[1], e[3], e[4]], e[2], e[5]] for e in rig.legacy()] == [
        [0, head, "enroll", {"experimentType": "nimbus", "branch": branch, "enrollmentId": enrolment}],
        [10, head, "expose", {"branchSlug": branch, "featureId": "cfr"}],
        [20, head, "enrollFailed", {"reason": "name-conflict"}],
        [30, head, "unenroll", {"reason": "individual-opt-out", "branch": branch, "enrollmentId": enrolment}],
        [40, head, "unenrollFailed", {"reason": "already-unenrolled"}],
    ]


def test_legacy_methods_as_documented(profile):
    rig = Rig(profile, "documented", recipe(), recipe("bad", feature="urlbar", invalid="invalid-branch"))
    rig.evaluate()
    rig.sender.exposed(START, "cfr")
    rig.sender.apply(START, [rig.enrolments.enrol_again("exp-a")])
    rig.leave("recipe-not-seen")
    rig.leave("recipe-not-seen")
    assert [event[2] for event in rig.legacy()] == [
        "enroll",
        "expose",
        "enroll_failed",
        "unenroll",
        "enroll_failed",
    ]


@pytest.mark.parametrize(
    ("dialect", "mobile", "names"),
    [
        ("wire", False, ["enrollment", "validation_failed", "exposure", "unenrollment", "unenroll_failed"]),
        ("documented", False, ["enrollment", "exposure", "unenrollment", "enroll_failed"]),
        ("wire", True, ["enrollment", "exposure", "disqualification", "unenroll_failed"]),
        ("documented", True, ["enrollment", "exposure", "disqualification", "enroll_failed"]),
    ],
)
def test_glean_names_of_each_platform_and_dialect(profile, dialect, mobile, names):
    rig = Rig(
        profile, dialect, recipe(), recipe("bad", feature="urlbar", invalid="invalid-branch"), mobile=mobile
    )
    rig.evaluate()
    rig.sender.exposed(START, "cfr")
    rig.leave("individual-opt-out")
    rig.leave("individual-opt-out")
    assert [name for name, _ in rig.glean_events()] == names


def test_mobile_unenrols_when_the_experiment_is_over(profile):
    rig = Rig(profile, "wire", mobile=True)
    rig.evaluate()
    rig.leave("recipe-not-seen")
    name, extra = rig.glean_events()[-1]
    assert name == "unenrollment"
    assert extra["reason"] == "recipe-not-seen"


def test_exposure_is_once_a_feature_and_session_and_only_while_enrolled(profile):
    rig = Rig(profile, "wire")
    rig.sender.exposed(START, "cfr")
    rig.evaluate()
    for at in range(3):
        rig.sender.exposed(START + at, "cfr")
        rig.sender.exposed(START + at, "urlbar")
    rig.sender.new_session()
    rig.sender.exposed(START + 9, "cfr")
    rig.leave("individual-opt-out", START + 10)
    rig.sender.new_session()
    rig.sender.exposed(START + 11, "cfr")
    assert [(e[0], e[2]) for e in rig.legacy()] == [
        (0, "enroll"),
        (0, "expose"),
        (9, "expose"),
        (10, "unenroll"),
    ]


def reach_all(rig, now_ms):
    for branch in ("control", "treatment-1", "treatment-2"):
        rig.sender.reached(now_ms, message=f"MESSAGE_{branch}", slug="exp-a", branch=branch)


def test_reach_on_the_wire_is_one_event_for_each_sibling(profile):
    rig = Rig(profile, "wire")
    reach_all(rig, START)
    rig.evaluate()
    own = rig.enrolments.by_slug["exp-a"].branch
    reach_all(rig, START + 5)
    reach_all(rig, START + 6)
    rig.leave("individual-opt-out", START + 7)
    rig.sender.new_session()
    reach_all(rig, START + 8)
    siblings = [b for b in ("control", "treatment-1", "treatment-2") if b != own]
    assert [e for e in rig.legacy() if e[1] == "messaging_experiments"] == [
        [5, "messaging_experiments", "reach", "cfr", "exp-a", {"branches": branch}] for branch in siblings
    ]


def test_trouble_with_an_attribute_is_an_event_on_the_wire(profile):
    rig = Rig(profile, "wire")
    rig.sender.attribute_trouble(START + 5, "attribute_timeout", attribute="runs", source="exp-a")
    rig.sender.attribute_trouble(START + 9, "attribute_error", attribute="os", source="exp-b")
    assert rig.legacy() == [
        [5, "messaging_experiments", "targeting", "attribute_timeout", "runs", {"source": "exp-a"}],
        [9, "messaging_experiments", "targeting", "attribute_error", "os", {"source": "exp-b"}],
    ]


def test_reach_as_documented_is_a_record_of_its_own(profile):
    rig = Rig(profile, "documented")
    rig.evaluate()
    reach_all(rig, START)
    rig.sender.attribute_trouble(START, "attribute_timeout", attribute="runs", source="exp-a")
    rig.sender.attribute_trouble(START, "attribute_error", attribute="runs", source="exp-a")
    found = rig.finish()
    records = [document for _, ping, document in found if ping == "experiment_reach"]
    assert len(records) == 2
    assert all(record["object"] == "cfr" and record["value"] == "exp-a" for record in records)
    assert {ping for _, ping, _ in found} >= {"attribute_error", "attribute_timeout"}


def test_reach_of_surfaces_that_the_document_does_not_list(profile):
    for dialect, expected in (("wire", 2), ("documented", 0)):
        rig = Rig(profile, dialect, recipe(feature="spotlight"))
        rig.evaluate()
        reach_all(rig, START)
        found = rig.finish()
        events = [
            event
            for _, ping, document in found
            if ping == "event_ping"
            for event in document["payload"]["events"]["parent"]
            if event[2] == "reach"
        ]
        records = [ping for _, ping, _ in found if ping == "experiment_reach"]
        assert len(events) + len(records) == expected


def test_desktop_annotates_before_it_records(profile):
    rig = Rig(profile, "wire")
    for _ in range(MOST_LEGACY_EVENTS - 1):
        rig.events.append(START, "parent", FILLER)
    rig.evaluate()
    [(_, ping, document)] = rig.bench.pings()
    assert ping == "event_ping"
    assert "exp-a" in document["environment"]["experiments"]


def test_desktop_takes_the_annotation_away_before_it_records(profile):
    rig = Rig(profile, "wire")
    rig.evaluate()
    for _ in range(MOST_GLEAN_EVENTS - 2):
        rig.glean.record(START, GLEAN_FILLER)
    rig.leave("recipe-not-seen")
    [(_, _, document)] = rig.bench.pings()
    assert document["ping_info"]["reason"] == "max_capacity"
    assert "experiments" not in document["ping_info"]


def test_android_records_before_it_annotates(profile):
    rig = Rig(profile, "wire", mobile=True)
    for _ in range(MOST_GLEAN_EVENTS - 1):
        rig.glean.record(START, GLEAN_FILLER)
    rig.evaluate()
    for _ in range(MOST_GLEAN_EVENTS - 1):
        rig.glean.record(START, GLEAN_FILLER)
    rig.leave("recipe-not-seen")
    [(_, _, first), (_, _, second)] = rig.bench.pings()
    assert "experiments" not in first["ping_info"]
    assert "exp-a" in second["ping_info"]["experiments"]


def test_structured_annotations_follow(profile):
    rig = Rig(profile, "wire")
    assert rig.bench.installation.experiments is None
    rig.evaluate()
    assert set(rig.bench.installation.enrolled) == {"exp-a"}
    rig.leave("studies-opt-out")
    assert rig.bench.installation.experiments is None
