from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.clock import MS_PER_DAY, epoch_ms
from simulator.nimbus import Enrolments, compile_recipes
from simulator.scenario.experiment import Experiment

START = datetime(2021, 12, 6, tzinfo=UTC)
DAY_0 = epoch_ms(START)
UNIT = "0c5c0b9a-9a3f-4b9b-9e2f-b6ab6a0b8d31"
ALL = {"namespace": "all"}


def experiment(slug="exp-a", **keys):
    branches = [{"slug": "control"}, {"slug": "treatment"}]
    return Experiment.model_validate(
        {"slug": slug, "feature": "cfr", "branches": branches, "bucketing": ALL, **keys}
    )


def client(*experiments, unit=UNIT, channel="release"):
    recipes = compile_recipes(experiments, "firefox")
    ids = count(1)
    return Enrolments(
        unit,
        [recipe for recipe in recipes if recipe.concerns(unit, channel)],
        new_id=lambda: f"enrolment-{next(ids)}",
    )


def happened(changes):
    return [(change.kind, change.slug, change.reason) for change in changes]


def nothing():
    raise AssertionError("nobody asks for attributes")


def test_a_client_enrols_once_and_keeps_its_branch():
    enrolments = client(experiment())
    [change] = enrolments.evaluate(DAY_0, nothing)
    assert (change.kind, change.experiment_type, change.enrollment_id) == ("enroll", "nimbus", "enrolment-1")
    assert change.branch in {"control", "treatment"}
    for day in range(1, 5):
        assert enrolments.evaluate(DAY_0 + day * MS_PER_DAY, nothing) == []
    assert enrolments.by_slug["exp-a"].branch == change.branch


def test_channel_and_bucket_decide_whom_a_recipe_concerns():
    assert client(experiment(channels=["Nightly"]), channel="nightly").recipes
    assert not client(experiment(channels=["nightly"])).recipes
    assert not client(experiment(bucketing={"namespace": "all", "count": 0})).recipes


def test_an_experiment_that_ended_is_no_longer_seen():
    enrolments = client(experiment(start=START + timedelta(days=1), end=START + timedelta(days=3)))
    assert enrolments.evaluate(DAY_0, nothing) == []
    assert happened(enrolments.evaluate(DAY_0 + MS_PER_DAY, nothing)) == [("enroll", "exp-a", "")]
    later = DAY_0 + 3 * MS_PER_DAY
    assert happened(enrolments.evaluate(later, nothing)) == [("unenroll", "exp-a", "recipe-not-seen")]
    assert enrolments.evaluate(later, nothing) == []


def test_targeting_that_no_longer_holds_ends_an_experiment_for_good():
    enrolments = client(experiment(targeting="runs < 3"))
    assert happened(enrolments.evaluate(DAY_0, lambda: {"runs": 1})) == [("enroll", "exp-a", "")]
    assert enrolments.evaluate(DAY_0, lambda: {"runs": 2}) == []
    assert happened(enrolments.evaluate(DAY_0, lambda: {"runs": 3})) == [
        ("unenroll", "exp-a", "targeting-mismatch")
    ]
    assert enrolments.evaluate(DAY_0, lambda: {"runs": 1}) == []


def test_a_feature_has_one_experiment_and_one_rollout():
    enrolments = client(
        experiment("a"), experiment("b"), experiment("c", rollout=True), experiment("d", rollout=True)
    )
    assert happened(enrolments.evaluate(DAY_0, nothing)) == [
        ("enroll", "a", ""),
        ("enroll_failed", "b", "feature-conflict"),
        ("enroll", "c", ""),
        ("enroll_failed", "d", "feature-conflict"),
    ]
    assert enrolments.on_feature("cfr").recipe.slug == "a"
    enrolments.leave("a", "individual-opt-out")
    assert enrolments.on_feature("cfr").recipe.slug == "c"
    assert enrolments.on_feature("urlbar") is None


def test_a_rollout_may_come_back_unless_it_was_left_by_hand():
    enrolments = client(experiment(rollout=True, targeting="runs == 1"))
    enrolments.evaluate(DAY_0, lambda: {"runs": 1})
    enrolments.evaluate(DAY_0, lambda: {"runs": 2})
    [again] = enrolments.evaluate(DAY_0, lambda: {"runs": 1})
    assert (again.kind, again.experiment_type, again.enrollment_id) == ("enroll", "rollout", "enrolment-2")
    enrolments.leave("exp-a", "individual-opt-out")
    assert enrolments.evaluate(DAY_0, lambda: {"runs": 1}) == []


def test_studies_off_ends_everything_and_begins_nothing():
    enrolments = client(experiment("a"), experiment("b", feature="urlbar"))
    enrolments.evaluate(DAY_0, nothing)
    assert happened(enrolments.leave_all("studies-opt-out")) == [
        ("unenroll", "a", "studies-opt-out"),
        ("unenroll", "b", "studies-opt-out"),
    ]
    assert enrolments.evaluate(DAY_0, nothing) == []


def test_failures_have_their_reasons():
    enrolments = client(experiment())
    assert happened([enrolments.leave("exp-a", "x")]) == [("unenroll_failed", "exp-a", "does-not-exist")]
    enrolments.evaluate(DAY_0, nothing)
    assert happened([enrolments.enrol_again("exp-a")]) == [("enroll_failed", "exp-a", "name-conflict")]
    enrolments.leave("exp-a", "individual-opt-out")
    assert happened([enrolments.leave("exp-a", "x")]) == [("unenroll_failed", "exp-a", "already-unenrolled")]


def test_bad_recipes_fail_validation_and_enrol_nobody():
    enrolments = client(
        experiment("a", invalid="invalid-recipe", bucketing={"namespace": "all", "count": 0}),
        experiment("b", invalid="invalid-branch"),
        experiment("c", invalid="invalid-feature"),
    )
    changes = enrolments.evaluate(DAY_0, nothing)
    assert happened(changes) == [
        ("validation_failed", "a", "invalid-recipe"),
        ("validation_failed", "b", "invalid-branch"),
        ("validation_failed", "c", "invalid-feature"),
    ]
    assert changes[1].branch
    assert changes[2].feature == "cfr"
    assert enrolments.active() == []


RECIPES = st.lists(
    st.fixed_dictionaries(
        {
            "feature": st.sampled_from(["cfr", "urlbar"]),
            "rollout": st.booleans(),
            "targeting": st.sampled_from(["true", "runs % 2 == 0", "runs < 4"]),
            "start": st.integers(0, 6).map(lambda day: START + timedelta(days=day)),
        }
    ),
    min_size=1,
    max_size=5,
)
STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["start"] * 5 + ["opt-out", "studies"])), max_size=25
)


@pytest.mark.slow
@given(RECIPES, STEPS, st.uuids().map(str))
def test_lives_of_enrolments_are_in_order(recipes, steps, unit):
    experiments = [
        experiment(f"exp-{i}", end=START + timedelta(days=12), **keys) for i, keys in enumerate(recipes)
    ]
    enrolments = client(*experiments, unit=unit)
    state: dict[str, str] = {}
    branches: dict[str, str] = {}
    now_ms = DAY_0
    for runs, (days, what) in enumerate(steps, start=1):
        now_ms += days * MS_PER_DAY
        if what == "start":
            changes = enrolments.evaluate(now_ms, lambda runs=runs: {"runs": runs})
        elif what == "studies":
            changes = enrolments.leave_all("studies-opt-out")
        else:
            changes = [enrolments.leave("exp-0", "individual-opt-out")]
        for change in changes:
            if change.kind == "enroll":
                is_rollout = experiments[int(change.slug[4:])].rollout
                assert state.get(change.slug, "new") in ({"new", "left"} if is_rollout else {"new"})
                assert branches.setdefault(change.slug, change.branch) == change.branch
                state[change.slug] = "in"
            elif change.kind == "unenroll":
                assert state[change.slug] == "in"
                state[change.slug] = "left"
        active = enrolments.active()
        assert {enrolment.recipe.slug for enrolment in active} == {s for s, at in state.items() if at == "in"}
        kinds = [(enrolment.recipe.feature, enrolment.recipe.is_rollout) for enrolment in active]
        assert len(kinds) == len(set(kinds))


def expected_changes(experiments, state, now_ms, runs, *, studies_on):
    """What a look at all recipes does, rule by rule; `state` says who is in ("") and why who is out left."""
    told = []
    live = [e for e in experiments if epoch_ms(e.start) <= now_ms < epoch_ms(e.end)]
    for one in live:
        meant = {"true": True, "runs % 2 == 0": runs % 2 == 0, "runs < 4": runs < 4}[one.targeting]
        if state.get(one.slug) == "":
            if not meant:
                told.append(("unenroll", one.slug, "targeting-mismatch"))
                state[one.slug] = "targeting-mismatch"
            continue
        gone_for_good = one.slug in state and (not one.rollout or state[one.slug] == "individual-opt-out")
        if gone_for_good or not studies_on or not meant:
            continue
        rivals = [e for e in experiments if (e.feature, e.rollout) == (one.feature, one.rollout)]
        if any(state.get(rival.slug) == "" for rival in rivals):
            told.append(("enroll_failed", one.slug, "feature-conflict"))
        else:
            told.append(("enroll", one.slug, ""))
            state[one.slug] = ""
    unseen = [e.slug for e in experiments if e not in live and state.get(e.slug) == ""]
    state |= dict.fromkeys(unseen, "recipe-not-seen")
    return told + [("unenroll", slug, "recipe-not-seen") for slug in unseen]


@settings(max_examples=60)
@given(RECIPES, STEPS, st.integers(2, 12))
def test_each_look_does_what_the_rules_say_one_by_one(recipes, steps, last_day):
    experiments = [
        experiment(f"exp-{i}", end=START + timedelta(days=7 + (last_day + i) % 7), **keys)
        for i, keys in enumerate(recipes)
    ]
    enrolments, state, now_ms, studies_on = client(*experiments), {}, DAY_0, True
    for runs, (days, what) in enumerate(steps, start=1):
        now_ms += days * MS_PER_DAY
        if what == "start":
            told = expected_changes(experiments, state, now_ms, runs, studies_on=studies_on)
            assert sorted(happened(enrolments.evaluate(now_ms, lambda runs=runs: {"runs": runs}))) == sorted(
                told
            )
        elif what == "studies":
            studies_on = False
            inside = [slug for slug, left in state.items() if left == ""]
            told = [("unenroll", slug, "studies-opt-out") for slug in inside]
            assert sorted(happened(enrolments.leave_all("studies-opt-out"))) == sorted(told)
            state |= dict.fromkeys(inside, "studies-opt-out")
        else:
            was_in = state.get("exp-0") == ""
            assert enrolments.leave("exp-0", "individual-opt-out").kind == (
                "unenroll" if was_in else "unenroll_failed"
            )
            state |= {"exp-0": "individual-opt-out"} if was_in else {}
        for feature in ("cfr", "urlbar"):
            of_feature = [e for e in experiments if e.feature == feature and state.get(e.slug) == ""]
            decides = min(of_feature, key=lambda e: e.rollout, default=None)
            found = enrolments.on_feature(feature)
            assert (found.recipe.slug if found else None) == (decides.slug if decides else None)
