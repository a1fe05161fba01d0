"""Tapes: shards, steps, and fresh ids."""

from __future__ import annotations

import uuid

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.corpus import open_corpus, write_corpus
from simulator.randomness import split_uuids, uuid_text
from simulator.records import Ping
from simulator.tape import TapeBuilder, TapeSpec
from simulator.tape.fresh import first_words, fresh_words, round_mask
from simulator.target import load_target

uuids = st.uuids(version=4).map(str)


def renewed(ids: list[str], round_: int) -> list[str]:
    words = fresh_words(first_words(np.array([id_.encode() for id_ in ids], dtype="S36")), round_mask(round_))
    return [int(word).to_bytes(8, "little").decode() + id_[8:] for word, id_ in zip(words, ids, strict=True)]


@given(st.lists(uuids, min_size=1, max_size=30, unique=True), st.integers(1, 2**32 - 1))
def test_fresh_ids_are_valid_distinct_and_new(ids, round_):
    new = renewed(ids, round_)
    assert len(set(new)) == len(ids)
    assert not set(new) & {id_ for id_, other in zip(ids, new, strict=True) if id_ == other}
    for id_, other in zip(ids, new, strict=True):
        assert id_ != other
        assert uuid.UUID(other).version == 4
        assert uuid.UUID(other).variant == uuid.UUID(id_).variant
        assert other == other.lower()


@pytest.mark.slow
@given(st.lists(uuids, min_size=1, max_size=10))
def test_the_first_round_sends_ids_as_they_are(ids):
    assert renewed(ids, 0) == ids


@given(uuids, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_one_id_never_comes_twice(id_, first, second):
    assert (renewed([id_], first) == renewed([id_], second)) == (first == second)


@given(uuids, st.integers(0, 1000))
def test_equal_ids_stay_equal(id_, round_):
    first, second = renewed([id_, id_], round_)
    assert first == second


def test_masks_do_not_repeat():
    assert len({round_mask(n) for n in range(100_000)}) == 100_000


@given(uuids, st.integers(1, 2**32 - 1))
def test_an_id_in_capitals_changes_as_it_does_in_small_letters(id_, round_):
    digits = slice(0, 8)  # the part that changes
    assert renewed([id_.upper()], round_)[0][digits] == renewed([id_], round_)[0][digits]


def test_an_id_that_is_none_is_left_alone():
    assert renewed(["not-a-uuid-but-quite-as-long-as-them-x"[:36]], 5) == [
        "not-a-uuid-but-quite-as-long-as-them-x"[:36]
    ]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("tape") / "corpus"
    ids = split_uuids(uuid_text(np.uint64(3), np.arange(1200, dtype=np.uint64)))
    write_corpus(
        path,
        (
            Ping(
                id=id_,
                due_ms=1_700_000_000_000 + (n * 7919) % 1000,
                client=(n * 31) % 17,
                ping="topsite_click",
                product="firefox",
                route="activity-stream/events/1",
                label="valid",
                expect="accept",
                method="POST",
                path=f"/submit/activity-stream/events/1/{id_}",
                body=msgspec.Raw(b'{"n":%d,"id":"%b"}' % (n, id_.encode())),
            )
            for n, id_ in enumerate(ids)
        ),
        dialect="wire",
    )
    return open_corpus(path)


def build(corpus, **spec):
    return TapeBuilder(corpus, TapeSpec(target=load_target("structured"), netloc="x", **spec)).build()


def test_secrets_of_headers_are_not_shown():
    spec = TapeSpec(target=load_target("structured"), netloc="x", headers={"Authorization": "Splunk hunter2"})
    assert "hunter2" not in repr(spec)


@pytest.mark.parametrize("workers", [1, 2, 5, 40])
def test_shards_hold_each_ping_once_and_each_client_whole(workers, corpus):
    tapes = [build(corpus, worker=worker, workers=workers) for worker in range(workers)]
    rows = np.concatenate([tape.rows for tape in tapes])
    assert sorted(rows.tolist()) == list(range(1200))
    clients = corpus.parts[0].index["client"]
    for worker, tape in enumerate(tapes):
        assert {int(clients[int(row)]) % workers for row in tape.rows} <= {worker}


def test_requests_are_in_the_order_in_which_they_are_due(corpus):
    tape = build(corpus)
    assert (np.diff(tape.due_ms) >= 0).all()


def test_it_is_built_in_short_steps(corpus):
    builder = TapeBuilder(corpus, TapeSpec(target=load_target("structured"), netloc="x"))
    done = [pings for pings in builder.steps() if pings]
    assert done[:3] == [500, 1000, 1200]
    assert set(done[3:]) == {1200}  # the end
    assert len(builder.tape) == 1200


def test_rewriting_a_stretch_touches_only_its_own_ids(corpus):
    tape = build(corpus)
    before = [tape.request(k) for k in range(1200)]
    tape.rewrite(100, 200, 3)
    after = [tape.request(k) for k in range(1200)]
    changed = [k for k in range(1200) if before[k] != after[k]]
    assert changed == list(range(100, 200))
    for k in changed:
        new = tape.ids_in_round(3, np.array([k]))[0].decode()
        assert after[k] == before[k].replace(tape.ids[k], new.encode())
        assert after[k].count(new.encode()) == 2  # in the path and in the body


def test_a_request_can_be_rendered_for_any_round_whatever_stands_on_the_tape(corpus):
    tape = build(corpus)
    first = tape.request(7)
    tape.rewrite(0, 1200, 9)
    assert tape.render(7, 0) == first
    assert tape.render(7, 9) == tape.request(7)


def test_an_empty_shard_is_an_empty_tape(corpus):
    tape = build(corpus, worker=20, workers=40)
    assert len(tape) == 0
    assert tape.pings == 0
