"""What a recorder takes down, in bulk, held against a plain account of the same requests one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from unittest.mock import patch

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_rig import pings_for, target_from

from simulator.corpus import open_corpus, write_corpus
from simulator.histogram import PackedHistogram, unpack
from simulator.records import EXPECTATIONS, STATES
from simulator.rundir import OutcomeWriter, read_outcomes
from simulator.tape import TapeBuilder, TapeSpec

MS = 1_000_000
SECOND = 1_000 * MS
START = 5_000 * SECOND
BATCHES = 'name = "t"\ntitle = "t"\n[envelope]\npath = "/"\ncontent_type = "a/b"\n[answers]\nvalidates = %s\n'
ONE_BY_ONE = (
    'name = "t"\ntitle = "t"\n[[carrier]]\nprefix = "/"\ncontent_type = "a/b"\n[answers]\nvalidates = %s\n'
)


@dataclass(frozen=True)
class Request:
    """What became of one request. `how` is `ended`, `under way` (sent, no answer when the run ended) or `waiting`."""

    due: int
    late: int
    took: int
    state: str
    status: int
    how: str

    @property
    def sent(self) -> int:
        return START + self.due + self.late

    @property
    def done(self) -> int:
        return self.sent + self.took


REQUESTS = st.builds(
    Request,
    due=st.integers(0, 3_000).map(lambda ms: ms * MS),
    # What leaves 2 ms after its time, to the nanosecond, is not late yet.
    late=st.sampled_from([0, 1 * MS, 2 * MS, 2 * MS + 1, 40 * MS]),
    took=st.integers(1, 1_500).map(lambda ms: ms * MS),
    state=st.sampled_from(["accepted", "rejected", "failed", "unknown"]),
    status=st.sampled_from([0, 200, 400, 500]),
    how=st.sampled_from(["ended"] * 5 + ["under way", "waiting"]),
)
EXPECTED = st.sampled_from(EXPECTATIONS)


@pytest.mark.slow
@settings(max_examples=60)
@given(
    st.lists(st.tuples(EXPECTED, EXPECTED, EXPECTED), min_size=1, max_size=8),
    st.lists(st.lists(REQUESTS, min_size=8, max_size=8), min_size=1, max_size=2),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1, 3]),
    st.sampled_from([0, 1_000 * MS]),
    st.integers(1, 9),
)
def test_figures_are_those_of_the_requests_one_by_one(
    tmp_path_factory, expected, repetitions, is_open, validates, batch, warmup, at_once
):
    import recorder as module
    from rounds import Round

    path = tmp_path_factory.mktemp("run")
    expectations = [one for three in expected for one in three]
    pings = [
        msgspec.structs.replace(ping, expect=expect, label=f"as-{expect}")
        for ping, expect in zip(pings_for(len(expectations)), expectations, strict=True)
    ]
    write_corpus(path / "corpus", pings, dialect="wire")
    corpus = open_corpus(path / "corpus")
    text = (BATCHES if batch > 1 else ONE_BY_ONE) % str(validates).lower()
    target = target_from(text)
    tape = TapeBuilder(corpus, TapeSpec(target=target, netloc="x", batch=batch)).build()
    size = len(tape)
    runs = [(requests * 3)[:size] for requests in repetitions]
    with OutcomeWriter(path, 0) as writer, patch.object(module, "_FLUSH_PINGS", at_once):
        found = module.Recorder(tape, target, writer=writer, locust=None, warmup_ns=warmup)
        found.begin(START)
        taken = []
        for number, requests in enumerate(runs):
            due = np.array([START + one.due for one in requests], dtype=np.int64) if is_open else None
            round_ = Round(tape, number, due)
            found.add(round_)
            for k, one in enumerate(requests):
                if one.how == "waiting":
                    continue
                round_.sent[k] = one.sent
                round_.state[k] = STATES.index("unknown" if one.how == "under way" else one.state)
                if one.how == "ended":
                    round_.done[k], round_.status[k] = one.done, one.status
                    round_.finished.append(k)
                    if found.is_behind:
                        found.flush()
                        taken.append(found.take())
        found.end(START + 9 * SECOND, sent_until=0, in_flight=0, never_started=0, breathe=lambda: None)
        taken.append(found.take())
    batches = [expectations[k * batch : (k + 1) * batch] for k in range(size)]
    ended = [(k, one) for requests in runs for k, one in enumerate(requests) if one.how == "ended"]
    check_totals(taken, ended, tape, batch, is_open=is_open, warmup=warmup)
    check_trouble(taken, ended, batches, found.epoch_ns, validates=validates)
    check_outcomes(read_outcomes(path), taken, runs, tape, batch, found.epoch_ns, is_open=is_open)
    assert found.finished_requests == len(ended)
    assert found.finished_pings == len(ended) * batch


def total(taken, name):
    return sum(report[name] for report in taken)


def durations(taken, kind):
    """Count, sum and largest of each name's histogram, over all reports."""
    merged: dict[str, list[int]] = {}
    for report in taken:
        for name, packed in report[kind].items():
            found = unpack(msgspec.convert(packed, PackedHistogram))
            entry = merged.setdefault(name, [0, 0, 0])
            entry[0] += found.count
            entry[1] += found.sum_ns
            entry[2] = max(entry[2], found.max_ns)
    return merged


def plainly(pairs):
    told: dict[str, list[int]] = {}
    for name, value in pairs:
        entry = told.setdefault(name, [0, 0, 0])
        told[name] = [entry[0] + 1, entry[1] + value, max(entry[2], value)]
    return told


def check_totals(taken, ended, tape, batch, *, is_open, warmup):
    inside = [(k, one) for k, one in ended if (START + one.due if is_open else one.sent) >= START + warmup]
    names = {k: tape.names[tape.name[k]] for k in range(len(tape))}
    assert total(taken, "requests") == len(inside)
    assert total(taken, "pings") == len(inside) * batch
    assert total(taken, "bytes_sent") == sum(len(tape.request(k)) for k, _ in inside)
    assert durations(taken, "service") == plainly((names[k], one.took) for k, one in inside if one.status)
    corrected = [(names[k], one.late + one.took) for k, one in inside if one.status]
    lateness = [(names[k], one.late) for k, one in inside]
    assert durations(taken, "corrected") == (plainly(corrected) if is_open else {})
    assert durations(taken, "lateness") == (plainly(lateness) if is_open else {})
    assert total(taken, "late_starts") == (sum(late > 2 * MS for _, late in lateness) if is_open else 0)


def check_trouble(taken, ended, batches, epoch_ns, *, validates):
    def is_wrong(k, one):
        if one.state == "accepted":
            return validates and "reject" in batches[k]
        return one.state in {"failed", "unknown"} or "accept" in batches[k]

    wrong = [one for k, one in ended if is_wrong(k, one)]
    counted: Counter[int] = Counter()
    for report in taken:
        for _, status, count in report["errors"]:
            counted[status] += count
    assert counted == Counter(one.status for one in wrong)
    seconds: dict[int, list[int]] = {}
    for report in taken:
        for second, requests, pings, failures, packed in report["seconds"]:
            answered = unpack(msgspec.convert(packed, PackedHistogram)).count
            entry = seconds.setdefault(second, [0, 0, 0, 0])
            seconds[second] = [
                a + b for a, b in zip(entry, (requests, pings, failures, answered), strict=True)
            ]
    told: dict[int, list[int]] = {}
    for k, one in ended:
        entry = told.setdefault((one.done + epoch_ns) // SECOND, [0, 0, 0, 0])
        entry[0] += 1
        entry[1] += len(batches[k])
        entry[2] += is_wrong(k, one)
        entry[3] += bool(one.status)
    assert seconds == told


def check_outcomes(rows, taken, runs, tape, batch, epoch_ns, *, is_open):
    expected = []
    for number, requests in enumerate(runs):
        for k, one in enumerate(requests):
            if one.how == "waiting" and number:
                continue  # of a further repetition only what was sent is told
            left, ended = one.how != "waiting", one.how == "ended"
            due = START + one.due + epoch_ns if is_open else one.sent + epoch_ns if left else 0
            state = one.state if ended else "unknown" if left else "unsent"
            outcome = (
                due,
                one.sent + epoch_ns if left else 0,
                one.done + epoch_ns if ended else 0,
                one.status if ended else 0,
                int(left),
                len(tape.request(k)) // batch,
                STATES.index(state),
                number,
            )
            expected += [(k * batch + item, outcome) for item in range(batch)]
    columns = ("due", "sent", "done", "status", "attempt", "bytes", "state", "round")
    found = [(int(row["row"]), tuple(int(row[name]) for name in columns)) for row in rows]
    assert sorted(found) == sorted(expected)
    ids = [tape.ids_in_round(int(row["round"]), np.array([int(row["row"])]))[0] for row in rows]
    assert rows["id"].tolist() == ids
    labels: Counter[tuple[int, int]] = Counter()
    for report in taken:
        for label, state, count in report["labels"]:
            labels[label, state] += count
    assert labels == Counter((int(tape.label[row["row"]]), int(row["state"])) for row in rows)


@pytest.mark.parametrize(
    ("states", "expected", "validates", "is_wrong"),
    [
        (["accepted", "rejected"], ["accept", "reject"], True, False),
        (["accepted", "rejected"], ["reject", "reject"], True, True),
        (["accepted", "rejected"], ["reject", "reject"], False, False),
        (["accepted", "rejected"], ["accept", "accept"], True, True),
        (["accepted", "rejected"], ["accept", "accept"], False, True),
        (["accepted", "rejected"], ["duplicate", "duplicate"], True, False),
        (["accepted", "failed"], ["accept", "accept"], True, True),
        (["unknown", "rejected"], ["accept", "reject"], True, True),
    ],
)
def test_a_batch_of_mixed_fates_is_wrong_if_one_of_its_pings_is(
    tmp_path, states, expected, validates, is_wrong
):
    from recorder import Recorder
    from rounds import Round

    pings = [
        msgspec.structs.replace(ping, expect=expect)
        for ping, expect in zip(pings_for(2), expected, strict=True)
    ]
    write_corpus(tmp_path / "corpus", pings, dialect="wire")
    target = target_from(BATCHES % str(validates).lower())
    tape = TapeBuilder(open_corpus(tmp_path / "corpus"), TapeSpec(target=target, netloc="x", batch=2)).build()
    found = Recorder(tape, target, writer=None, locust=None)
    found.begin(START)
    round_ = Round(tape, 0, None)
    found.add(round_)
    numbers = [STATES.index(state) for state in states]
    round_.sent[0], round_.done[0], round_.status[0], round_.state[0] = START, START + MS, 207, numbers[0]
    round_.item_states[0] = numbers
    found.mixed(round_, 0, numbers)
    round_.finished.append(0)
    found.flush()
    assert bool(found.take()["errors"]) is is_wrong


@pytest.mark.parametrize("at_once", [1, 2, 100])
@pytest.mark.parametrize("began", [False, True])
def test_what_was_never_sent_has_its_rows_too(tmp_path, at_once, began):
    import recorder as module
    from rounds import Round

    pings = [
        msgspec.structs.replace(ping, path=f"/elsewhere/{ping.id}") if number % 2 else ping
        for number, ping in enumerate(pings_for(7))
    ]
    write_corpus(tmp_path / "corpus", pings, dialect="wire")
    target = target_from((ONE_BY_ONE % "true").replace('prefix = "/"', 'prefix = "/submit/"'))
    tape = TapeBuilder(open_corpus(tmp_path / "corpus"), TapeSpec(target=target, netloc="x")).build()
    with OutcomeWriter(tmp_path, 0) as writer, patch.object(module, "_REST_PINGS", at_once):
        found = module.Recorder(tape, target, writer=writer, locust=None)
        found.begin(START)
        if began:
            found.add(Round(tape, 0, None))
        found.end(START, sent_until=START, in_flight=0, never_started=0, breathe=lambda: None)
    rows = read_outcomes(tmp_path)
    assert sorted(zip(rows["row"].tolist(), rows["id"].tolist(), strict=True)) == [
        (number, ping.id.encode()) for number, ping in enumerate(pings)
    ]
    assert not rows["state"].any()
    assert not rows["sent"].any()
