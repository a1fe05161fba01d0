"""The shipped experiments, as a reader of their pings sees them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.api import simulate
from simulator.catalogue import load_schemas
from simulator.nimbus.bucketing import branch_choice, in_buckets, ratio_bounds
from simulator.population import cohort_profiles
from simulator.records import DIALECTS, Ping
from simulator.scenario import load_scenario

pytestmark = pytest.mark.slow

_MINE = {
    "event_ping",
    "main_ping",
    "glean_events_ping",
    "glean_baseline_ping",
    "experiment_reach",
    "attribute_error",
    "attribute_timeout",
}
#: Method (legacy) and event names (Glean) of each row of the specification's tables, by dialect.
LEGACY = {
    "documented": {"enroll", "enroll_failed", "expose", "unenroll"},
    "wire": {"enroll", "enrollFailed", "expose", "unenroll", "unenrollFailed", "validationFailed"},
}
DESKTOP_GLEAN = {
    "documented": {"enrollment", "enroll_failed", "exposure", "unenrollment"},
    "wire": {
        "enrollment",
        "enroll_failed",
        "exposure",
        "unenrollment",
        "unenroll_failed",
        "validation_failed",
    },
}
MOBILE_GLEAN = {
    "documented": {"enrollment", "enroll_failed", "exposure", "disqualification", "unenrollment"},
    "wire": {
        "enrollment",
        "enroll_failed",
        "exposure",
        "disqualification",
        "unenrollment",
        "unenroll_failed",
    },
}


def _simulated(name: str, dialect: str, **options: Any) -> list[tuple[Ping, dict[str, Any]]]:
    schemas = load_schemas(dialect)
    found = []
    for ping in simulate(name, dialect=dialect, **options):
        document = msgspec.json.decode(ping.body)
        if ping.ping in _MINE:
            assert schemas.check(ping.route, document) == ()
        found.append((ping, document))
    return found


@pytest.fixture(scope="module", params=DIALECTS)
def rollout(request):
    return request.param, _simulated("nimbus-rollout", request.param, clients=100)


def _legacy_events(found):
    for ping, document in found:
        if ping.ping == "event_ping":
            payload = document["payload"]
            for event in payload["events"].get("parent", []):
                if event[1] == "normandy":
                    yield ping, payload, event


def _glean_events(found, product):
    for ping, document in found:
        if ping.ping == "glean_events_ping" and ping.product == product:
            for event in document["events"]:
                if event["category"] == "nimbus_events":
                    yield ping, event


def test_every_row_and_column_of_the_tables_is_there(rollout):
    dialect, found = rollout
    assert {event[2] for _, _, event in _legacy_events(found)} == LEGACY[dialect]
    assert {event["name"] for _, event in _glean_events(found, "firefox")} == DESKTOP_GLEAN[dialect]
    assert {event["name"] for _, event in _glean_events(found, "fenix")} == MOBILE_GLEAN[dialect]


def test_reasons_are_those_that_the_code_knows(rollout):
    _, found = rollout
    reasons = defaultdict(set)
    for _, _, event in _legacy_events(found):
        if len(event) > 5 and "reason" in event[5]:
            reasons[event[2]].add(event[5]["reason"])
    assert reasons["unenroll"] >= {"recipe-not-seen", "targeting-mismatch", "individual-opt-out"}
    assert reasons["unenroll"] <= {
        "recipe-not-seen",
        "targeting-mismatch",
        "individual-opt-out",
        "studies-opt-out",
    }
    failures = set().union(
        *(found for method, found in reasons.items() if "ailed" in method and "valid" not in method)
    )
    assert failures == {"feature-conflict", "name-conflict", "does-not-exist", "already-unenrolled"}


def test_branches_are_what_real_code_would_give(rollout):
    _, found = rollout
    scenario, _ = load_scenario("nimbus-rollout", overrides={"clients": 100})
    by_slug = {experiment.slug: experiment for experiment in scenario.experiments}
    profiles = cohort_profiles(scenario, scenario.seed, range(100))
    enrolled = 0
    for ping, _, event in _legacy_events(found):
        if event[2] != "enroll":
            continue
        enrolled += 1
        recipe, unit = by_slug[event[4]], profiles[ping.client].normandy_id
        bounds = ratio_bounds([branch.ratio for branch in recipe.branches])
        slice_ = recipe.bucketing
        assert in_buckets(unit, slice_.namespace, start=slice_.start, count=slice_.count, total=slice_.total)
        assert event[5]["branch"] == recipe.branches[branch_choice(unit, recipe.slug, bounds)].slug
        assert event[5]["experimentType"] == ("rollout" if recipe.rollout else "nimbus")
        assert not recipe.channels or profiles[ping.client].channel in recipe.channels
    assert enrolled > 50


def test_annotations_are_there_exactly_while_enrolled(rollout):
    """Main pings in the order of their making, against the enrolments that the event pings tell of."""
    _dialect, found = rollout
    changes = defaultdict(list)
    starts = {}
    for ping, document in found:
        if ping.ping == "main_ping":
            info = document["payload"]["info"]
            end_ms = ping.due_ms
            start_ms = end_ms - info["sessionLength"] * 1_000
            key = (ping.client, info["sessionId"])
            starts[key] = min(starts.get(key, start_ms), start_ms)
    for ping, payload, event in _legacy_events(found):
        if event[2] in {"enroll", "unenroll"}:
            start_ms = starts.get((ping.client, payload["sessionId"]))
            if start_ms is not None:
                changes[ping.client].append((start_ms + event[0], event[2], event[4], event[5]["branch"]))
    checked = 0
    for ping, document in found:
        if ping.ping not in {"main_ping", "event_ping"}:
            continue
        expected = {}
        near = False
        for at_ms, method, slug, branch in sorted(changes[ping.client]):
            near |= abs(at_ms - ping.due_ms) < 2_000  # session starts are known to the second
            if at_ms <= ping.due_ms:
                if method == "enroll":
                    expected[slug] = branch
                else:
                    expected.pop(slug, None)
        if near:
            continue
        annotated = document["environment"].get("experiments", {})
        assert {slug: entry["branch"] for slug, entry in annotated.items()} == expected
        assert all(entry["type"] in {"nimbus-nimbus", "nimbus-rollout"} for entry in annotated.values())
        checked += bool(expected)
    assert checked > 100


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**31))
def test_lives_of_experiments_are_in_order_whatever_the_seed(seed):
    """Enrol before exposure before departure; one exposure a feature and session; only failures after the end."""
    histories = defaultdict(list)
    for ping, payload, event in _legacy_events(_simulated("nimbus-rollout", "wire", clients=6, seed=seed)):
        histories[ping.client].append((payload["sessionId"], event))
    for events in histories.values():
        state: dict[str, str] = {}
        branches: dict[str, str] = {}
        exposed = set()
        for session, (_, _, method, _, slug, extra) in events:
            if method == "enroll":
                is_rollout = extra["experimentType"] == "rollout"
                assert state.get(slug, "new") in ({"new", "left"} if is_rollout else {"new"})
                assert branches.setdefault(slug, extra["branch"]) == extra["branch"]
                state[slug] = "in"
            elif method == "expose":
                assert state[slug] == "in"
                assert extra["branchSlug"] == branches[slug]
                assert (session, extra["featureId"]) not in exposed
                exposed.add((session, extra["featureId"]))
            elif method == "unenroll":
                assert state[slug] == "in"
                state[slug] = "left"


def test_main_pings_have_their_reasons(rollout):
    _, found = rollout
    reasons = {d["payload"]["info"]["reason"] for ping, d in found if ping.ping == "main_ping"}
    assert reasons == {"shutdown", "daily", "environment-change"}


def test_who_switches_telemetry_off_is_not_heard_of_again(tmp_path):
    path = tmp_path / "switched-off.toml"
    path.write_text(
        """
format = 1
name = "switched-off"
start = 2021-12-13T00:00:00Z
duration = "4d"
clients = 30
products = { firefox = 1.0, fenix = 1.0 }
telemetry = { main_ping = true, glean = true }
nimbus = { telemetry_off = 0.5, studies_off = 0, opt_out = 0 }

[[experiments]]
slug = "exp"
feature = "pocketNewtab"
branches = [{ slug = "control" }]
bucketing = { namespace = "all" }

[[experiments]]
slug = "exp-fenix"
application = "fenix"
feature = "homescreen"
branches = [{ slug = "control" }]
bucketing = { namespace = "all" }
"""
    )
    found = _simulated(str(path), "wire")
    last: dict[tuple[int, str], int] = {}
    left: dict[tuple[int, str], int] = {}
    for ping, _ in found:
        key = (ping.client, ping.product)
        last[key] = max(last.get(key, 0), ping.due_ms)
    for ping, _, event in _legacy_events(found):
        if event[2] == "unenroll":
            assert event[5]["reason"] == "studies-opt-out"
            left[ping.client, "firefox"] = ping.due_ms
    for ping, event in _glean_events(found, "fenix"):
        assert event["name"] != "disqualification"
        if event["name"] == "unenrollment":
            assert event["extra"]["reason"] == "telemetry-off"
            left[ping.client, "fenix"] = ping.due_ms
    assert {product for _, product in left} == {"firefox", "fenix"}
    for key, due_ms in left.items():
        assert last[key] == due_ms


@pytest.fixture(scope="module", params=DIALECTS)
def messages(request):
    return request.param, _simulated("messaging-experiment", request.param)


def test_reach_is_seen_for_every_sibling_branch_and_never_the_own(messages):
    dialect, found = messages
    branch_of: dict[tuple[int, str], str] = {}
    reached = defaultdict(set)
    for ping, document in found:
        if ping.ping == "experiment_reach":
            reached[ping.client, document["value"]].add(document["extra_keys"]["branches"])
        elif ping.ping == "event_ping":
            for event in document["payload"]["events"].get("parent", []):
                if event[2] == "reach":
                    reached[ping.client, event[4]].add(event[5]["branches"])
                elif event[2] == "enroll":
                    branch_of[ping.client, event[4]] = event[5]["branch"]
    assert {slug for _, slug in reached} == (
        {"cfr-save-to-pocket-95", "spotlight-default-browser-95"}
        if dialect == "wire"
        else {"cfr-save-to-pocket-95"}
    )
    for key, branches in reached.items():
        if key in branch_of:
            assert branch_of[key] not in branches
    three = {"control", "treatment-1", "treatment-2"}
    assert any(
        branches == three - {branch_of.get(key)} and key[1] == "cfr-save-to-pocket-95"
        for key, branches in reached.items()
    )


def test_exposure_comes_before_the_impression_and_once_a_session(messages):
    _, found = messages
    exposed = defaultdict(list)
    for ping, document in found:
        if ping.ping == "event_ping":
            payload = document["payload"]
            for event in payload["events"].get("parent", []):
                if event[2] == "expose":
                    exposed[ping.client, payload["sessionId"], event[5]["featureId"]].append(event[0])
    assert exposed
    assert all(len(times) == 1 for times in exposed.values())
    shown = [
        (ping, document)
        for ping, document in found
        if ping.ping == "spotlight_event" and document["event"] == "IMPRESSION"
    ]
    sessions = {(client, session) for client, session, feature in exposed if feature == "spotlight"}
    for ping, document in shown:
        assert (ping.client, document["browser_session_id"]) in sessions


def test_attribute_troubles_are_records_or_events(messages):
    dialect, found = messages
    records = {ping.ping for ping, _ in found} & {"attribute_error", "attribute_timeout", "experiment_reach"}
    events = {
        event[3]
        for ping, document in found
        if ping.ping == "event_ping"
        for event in document["payload"]["events"].get("parent", [])
        if event[2] == "targeting"
    }
    if dialect == "documented":
        assert records == {"attribute_error", "attribute_timeout", "experiment_reach"}
    else:
        assert records == set()
        assert events == {"attribute_error", "attribute_timeout"}
