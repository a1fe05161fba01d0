"""Every ping ends in exactly one state, and each kind of trouble is found for what it is."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.reconcile import accounting, grouping
from simulator.reconcile.accounting import account, read_truth
from simulator.reconcile.ledger import hash_ids
from simulator.records import EXPECTATIONS, INDEX_DTYPE, STATES

COUNTED = ("accepted", "rejected", "failed", "unknown", "unsent")


def test_a_perfect_run(make_truth, make_outcomes, make_ledger):
    found = account(
        make_outcomes([(0, 0, "accepted"), (1, 1, "rejected"), (2, 0, "accepted")]),
        make_truth(["accept", "reject", "duplicate"]),
        make_ledger({0: 1, 1: 0}),
    )
    assert (found.pings, found.sent, found.accepted, found.rejected) == (3, 3, 2, 1)
    assert (found.lost, found.duplicated, found.wrongly_accepted, found.wrongly_rejected) == (0, 0, 0, 0)
    assert found.duplicates.noticed == 1
    assert found.examples == []


def test_without_a_ledger_nothing_is_claimed_about_the_store(make_truth, make_outcomes):
    found = account(make_outcomes([(0, 0, "accepted")]), make_truth(["accept"]), None)
    assert (found.lost, found.duplicated, found.duplicates, found.foreign) == (None, None, None, None)
    assert found.stored_unacknowledged is None


@pytest.mark.parametrize(
    ("expect", "state", "stored", "trouble"),
    [
        ("accept", "accepted", {}, {"lost"}),
        ("accept", "accepted", {0: 0}, {"lost"}),
        ("accept", "accepted", {0: 2}, {"duplicated"}),
        ("accept", "rejected", {0: 0}, {"wrongly_rejected"}),
        ("accept", "rejected", {0: 1}, {"wrongly_rejected", "stored_though_rejected"}),
        ("reject", "accepted", {0: 1}, {"wrongly_accepted"}),
        ("reject", "accepted", {}, {"wrongly_accepted", "lost"}),
        ("reject", "rejected", {0: 1}, {"stored_though_rejected"}),
        ("reject", "rejected", {}, set()),
        ("accept", "failed", {}, {"failed"}),
        ("accept", "failed", {0: 1}, {"failed", "stored_unacknowledged"}),
        ("accept", "unknown", {0: 1}, {"unknown", "stored_unacknowledged"}),
        ("accept", "unknown", {0: 2}, {"unknown", "stored_unacknowledged", "duplicated"}),
        ("duplicate", "rejected", {}, set()),
        ("accept", "accepted", {0: 1, 7: 1}, {"foreign"}),
        ("accept", "unsent", {}, {"unsent"}),
    ],
)
def test_each_kind_of_trouble_has_one_name(
    make_truth, make_outcomes, make_ledger, expect, state, stored, trouble
):
    found = account(make_outcomes([(0, 0, state)]), make_truth([expect]), make_ledger(stored))
    names = (
        *("lost", "duplicated", "wrongly_accepted", "wrongly_rejected", "failed", "unknown", "unsent"),
        *("stored_unacknowledged", "stored_though_rejected", "foreign"),
    )
    assert {name for name in names if getattr(found, name)} == trouble
    assert {example.what for example in found.examples} == trouble - {"duplicated", "foreign", "unsent"}


@pytest.mark.parametrize(
    ("rows", "stored", "causes"),
    [
        ([(0, 0, "accepted"), (1, 0, "accepted")], 2, (0, 1, 0, 0)),
        ([(0, 0, "accepted", 3)], 2, (1, 0, 0, 0)),
        ([(0, 0, "accepted", 3)], 4, (2, 0, 1, 0)),
        ([(0, 0, "accepted")], 3, (0, 0, 2, 0)),
        ([(0, 0, "accepted", 2), (1, 0, "accepted")], 3, (1, 1, 0, 0)),
        ([(0, 0, "accepted"), (1, 0, "accepted")], 1, (0, 0, 0, 1)),
    ],
)
def test_duplicates_are_put_down_to_their_cause(make_truth, make_outcomes, make_ledger, rows, stored, causes):
    truth = make_truth(["accept", "duplicate"][: len(rows)])
    found = account(make_outcomes(rows), truth, make_ledger({0: stored})).duplicates
    assert (found.by_retry, found.by_corpus, found.unexplained, found.noticed) == causes


def test_an_original_may_lose_the_race_against_its_own_copy(make_truth, make_outcomes, make_ledger):
    outcomes = make_outcomes([(0, 0, "rejected"), (1, 0, "accepted")])
    found = account(outcomes, make_truth(["accept", "duplicate"]), make_ledger({0: 1}))
    assert (found.wrongly_rejected, found.stored_though_rejected, found.lost) == (0, 0, 0)


def test_records_without_an_outcome_were_not_sent(make_truth, make_outcomes):
    found = account(make_outcomes([(1, 1, "accepted")]), make_truth(["accept"] * 4), None)
    assert (found.pings, found.sent, found.unsent) == (4, 1, 3)


def test_further_rounds_add_pings_of_their_own(make_truth, make_outcomes):
    rows = [(0, 0, "accepted"), (1, 1, "accepted"), (0, 2, "accepted", 1, 1)]
    found = account(make_outcomes(rows), make_truth(["accept"] * 2), None)
    assert (found.pings, found.unsent) == (3, 0)


def test_the_matrix_shows_labels_by_outcome(make_truth, make_outcomes):
    rows = [(0, 0, "accepted"), (1, 1, "accepted"), (2, 2, "rejected"), (3, 3, "failed")]
    found = account(make_outcomes(rows), make_truth(["accept", "reject", "reject", "accept"]), None)
    valid, wrong_type = found.labels
    assert (valid.name, valid.accepted, valid.failed, valid.wrong) == ("valid", 1, 1, 0)
    assert (wrong_type.name, wrong_type.expect) == ("wrong_type", "reject")
    assert (wrong_type.accepted, wrong_type.rejected, wrong_type.wrong) == (1, 1, 1)


def test_pings_that_took_several_tries_are_counted(make_truth, make_outcomes):
    rows = [(0, 0, "accepted", 3), (1, 1, "accepted"), (2, 2, "failed", 2), (3, 3, "unsent", 2)]
    found = account(make_outcomes(rows), make_truth(["accept"] * 4), None)
    assert (found.tried_again, found.sent) == (2, 3)


def test_an_endpoint_that_does_not_validate_may_take_everything(make_outcomes, make_truth):
    outcomes = make_outcomes([(0, 0, "accepted"), (1, 1, "accepted"), (2, 2, "rejected")])
    found = account(outcomes, make_truth(["accept", "reject", "accept"]), None, validates=False)
    assert (found.wrongly_accepted, found.wrongly_rejected) == (0, 1)
    assert {row.name: row.wrong for row in found.labels} == {"valid": 1, "wrong_type": 0}


def test_outcomes_of_another_corpus_are_noticed(make_truth, make_outcomes):
    with pytest.raises(ValueError, match="record 5"):
        account(make_outcomes([(5, 0, "accepted")]), make_truth(["accept"]), None)


def test_the_truth_of_a_corpus_is_that_of_its_parts_one_after_the_other():
    told = [[(0, 1, 2), (1, 0, 0)], [], [(2, 3, 1)]]
    parts = []
    for records in told:
        index = np.zeros(len(records), dtype=INDEX_DTYPE)
        for entry, values in zip(index, records, strict=True):
            entry["expect"], entry["label"], entry["ping"] = values
        parts.append(SimpleNamespace(index=index))
    names = {"label_names": ["valid", *"abc"], "ping_names": ["x", "y", "z"]}
    truth = read_truth(SimpleNamespace(parts=parts, **names))
    columns = (truth.expect.tolist(), truth.label.tolist(), truth.ping.tolist())
    assert list(zip(*columns, strict=True)) == [record for part in told for record in part]
    assert (truth.label_names, truth.ping_names) == (names["label_names"], names["ping_names"])


def test_an_empty_run_of_an_empty_corpus(make_truth, make_outcomes, make_ledger):
    found = account(make_outcomes([]), make_truth([]), make_ledger({}))
    assert (found.pings, found.sent, found.lost, found.labels) == (0, 0, 0, [])


@st.composite
def runs(draw):
    expectations = draw(st.lists(st.sampled_from(EXPECTATIONS), min_size=1, max_size=12))
    one = st.tuples(
        st.integers(0, len(expectations) - 1),
        st.integers(0, 6),
        st.sampled_from(STATES),
        st.integers(1, 3),
        st.integers(0, 1),
    )
    rows = draw(st.lists(one, max_size=20))
    return expectations, rows, draw(st.dictionaries(st.integers(0, 8), st.integers(0, 3)))


@pytest.mark.slow
@given(runs())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_join_agrees_with_one_that_is_written_ping_by_ping(make_truth, make_outcomes, make_ledger, run):
    expectations, rows, stored = run
    found = account(make_outcomes(rows), make_truth(expectations), make_ledger(stored))

    started = {row for row, *_, repetition in rows if repetition == 0}
    missing = len(expectations) - len(started)
    states = [state for _, _, state, *_ in rows]
    assert found.pings == len(rows) + missing == sum(getattr(found, name) for name in COUNTED)
    assert found.unsent == states.count("unsent") + missing
    for name in ("accepted", "rejected", "failed", "unknown"):
        assert getattr(found, name) == states.count(name)
    for table in (found.labels, found.by_ping):
        for name in COUNTED:
            assert sum(getattr(line, name) for line in table) == getattr(found, name)

    sent = [one for one in rows if one[2] != "unsent"]
    assert found.lost == sum(state == "accepted" and not stored.get(number) for _, number, state, *_ in rows)
    surplus = {number: max(0, stored.get(number, 0) - 1) for _, number, *_ in sent}
    assert found.duplicated == sum(surplus.values())
    assert found.wrongly_accepted == sum(
        state == "accepted" and expectations[row] == "reject" for row, _, state, *_ in rows
    )
    known = {number for _, number, *_ in rows}
    assert found.foreign == sum(copies > 0 and number not in known for number, copies in stored.items())
    assert found.met == len(known & stored.keys())
    causes = found.duplicates
    assert causes.by_retry + causes.by_corpus + causes.unexplained == found.duplicated
    assert causes.by_retry <= sum(attempt - 1 for *_, attempt, _ in sent)

    told = [judged(rows, expectations, stored, *one[:3]) for one in rows]
    for name in ("wrongly_rejected", "stored_unacknowledged", "stored_though_rejected"):
        assert getattr(found, name) == sum(name in one for one in told)
    acknowledged = Counter(number for _, number, state, *_ in rows if state == "accepted")
    assert causes.noticed == sum(
        max(0, count - stored[number]) for number, count in acknowledged.items() if stored.get(number)
    )
    wrong = Counter(expectations[row] for (row, *_), one in zip(rows, told, strict=True) if wrongly(one))
    assert {line.expect: line.wrong for line in found.labels} == {
        expect: wrong[expect] for expect in set(expectations)
    }
    assert sum(line.wrong for line in found.by_ping) == wrong.total()


def judged(rows, expectations, stored, row, number, state):
    """What is wrong with one ping beside its being lost, by what happened to the pings of the same id."""
    of_id = [(expectations[other], then) for other, same, then, *_ in rows if same == number]
    acknowledged = any(then == "accepted" for _, then in of_id)
    copied = any(expect == "duplicate" for expect, _ in of_id)
    kept = stored.get(number, 0) > 0
    expect = expectations[row]
    if state == "accepted":
        return {"wrongly_accepted"} if expect == "reject" else set()
    if state == "rejected":
        wrongly_rejected = expect == "accept" and not (copied and acknowledged)
        stored_anyway = expect != "duplicate" and kept and not acknowledged
        told = {"wrongly_rejected": wrongly_rejected, "stored_though_rejected": stored_anyway}
        return {name for name, so in told.items() if so}
    return {"stored_unacknowledged"} if state != "unsent" and kept and not acknowledged else set()


def wrongly(told):
    return bool(told & {"wrongly_accepted", "wrongly_rejected"})


@given(st.lists(st.uuids(version=4).map(str), min_size=2, max_size=50, unique=True))
def test_different_ids_have_different_keys(ids):
    keys = hash_ids(np.array([name.encode() for name in ids], dtype="S36"))
    assert len(np.unique(keys, axis=0)) == len(ids)


def test_ids_that_differ_in_one_character_have_unlike_keys():
    ids = [f"00000000-0000-4000-8000-{number:012x}".encode() for number in range(200_000)]
    keys = hash_ids(np.array(ids, dtype="S36"))
    for column in range(2):
        assert len(np.unique(keys[:, column])) == len(ids)


def test_ids_whose_first_hash_collides_stay_apart(make_truth, make_outcomes, make_ledger, monkeypatch):
    def half_blind(ids):
        keys = hash_ids(ids)
        keys[:, 0] = 1
        return keys

    monkeypatch.setattr(accounting, "hash_ids", half_blind)
    stored = make_ledger({number: number % 2 for number in range(20)})
    stored.keys[:, 0] = 1
    rows = [(number, number, "accepted") for number in range(20)]
    assert account(make_outcomes(rows), make_truth(["accept"] * 20), stored).lost == 10


def test_cutting_by_hash_changes_nothing(make_truth, make_outcomes, make_ledger, monkeypatch):
    rows = [(number, number // 2, "accepted") for number in range(300)]
    stored = make_ledger({number: number % 3 for number in range(200)})
    arguments = (make_outcomes(rows), make_truth(["accept", "duplicate"] * 150), stored)
    whole = account(*arguments)
    monkeypatch.setattr(grouping, "_SMALL", 10)
    assert account(*arguments) == whole
    assert whole.lost == 100
