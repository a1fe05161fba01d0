"""Which pings a worker sends, in which order and in which batches, held against the plainest way to find them."""

from __future__ import annotations

import gzip
import json
from itertools import accumulate
from types import SimpleNamespace
from unittest.mock import patch

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.corpus import open_corpus, write_corpus
from simulator.errors import CorpusError
from simulator.randomness import split_uuids, uuid_text
from simulator.records import EXPECTATIONS, INDEX_DTYPE, Ping
from simulator.tape import Tape, TapeBuilder, TapeSpec, order
from simulator.tape.order import DueOrder
from simulator.target import Target, load_target
from simulator.target.profile import parse_target

ROUTE = "activity-stream/events/1"
IDS = split_uuids(uuid_text(np.uint64(8), np.arange(40, dtype=np.uint64)))
START_MS = 1_700_000_000_000

#: Due times close together, hours apart and weeks apart: sixteen bits of milliseconds are a minute.
SPANS = st.sampled_from([3, 1_000, 1 << 17, 1 << 34])


@st.composite
def parts_of_a_corpus(draw):
    """(client, due) of the records of each part; parts begin again at any time, as those of cohorts do."""
    span = draw(SPANS)
    record = st.tuples(st.integers(0, 5), st.integers(0, span).map(lambda ms: START_MS + ms))
    return draw(st.lists(st.lists(record, max_size=12), max_size=4))


@given(parts_of_a_corpus(), st.integers(1, 3), st.integers(1, 7))
@settings(max_examples=40)
def test_workers_share_all_rows_each_in_the_order_of_due_times(parts, workers, step):
    indexed = []
    firsts = [0, *accumulate(len(part) for part in parts)]
    for first, records in zip(firsts, parts, strict=False):
        index = np.zeros(len(records), dtype=INDEX_DTYPE)
        for entry, (client, due) in zip(index, records, strict=True):
            entry["client"], entry["due_ms"] = client, due
        indexed.append(SimpleNamespace(index=index, first_row=first))
    everything = list(enumerate(record for part in parts for record in part))
    for worker in range(workers):
        with patch.object(order, "STEP_ROWS", step):
            found = DueOrder(SimpleNamespace(parts=indexed), worker=worker, workers=workers)
            for _ in found.steps():
                pass
        own = [(due, row) for row, (client, due) in everything if client % workers == worker]
        assert found.rows(0, len(found)).tolist() == [row for _, row in sorted(own)]
        assert found.rows(2, 5).tolist() == [row for _, row in sorted(own)][2:5]
        assert len(found) == len(own)


def ping(n: int, *, due_ms: int, client: int = 0, expect: str = "accept") -> Ping:
    return Ping(
        id=IDS[n],
        due_ms=due_ms,
        client=client,
        ping=("topsite_click", "tile_block")[n % 2],
        product="firefox",
        route=ROUTE,
        label="valid" if expect == "accept" else "wrong_type",
        expect=expect,  # type: ignore[arg-type]
        method="POST",
        path=f"/submit/{ROUTE}/{IDS[n]}",
        body=msgspec.Raw(json.dumps({"id": IDS[n], "n": n}).encode()),
    )


def tape_of(path, pings: list[Ping], target: Target, **spec) -> Tape:
    write_corpus(path, pings)
    return TapeBuilder(open_corpus(path), TapeSpec(target=target, netloc="x", **spec)).build()


def body_of(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


@st.composite
def schedules(draw):
    span = draw(st.sampled_from([0, 5, 300]))
    return draw(
        st.lists(
            st.tuples(st.integers(0, span), st.integers(0, 3), st.sampled_from(EXPECTATIONS)),
            min_size=1,
            max_size=30,
        )
    )


@given(
    schedules(),
    st.integers(1, 6),
    st.one_of(st.none(), st.sampled_from([1, 7, 100])),
    st.integers(1, 3),
)
@settings(max_examples=20)
def test_batches_end_where_they_are_full_or_their_stretch_of_time_ends(
    tmp_path_factory, schedule, batch, window_ms, workers
):
    pings = [
        ping(n, due_ms=START_MS + due, client=client, expect=expect)
        for n, (due, client, expect) in enumerate(schedule)
    ]
    path = tmp_path_factory.mktemp("corpus")
    in_order = sorted(pings, key=lambda one: (one.due_ms, one.client))
    for worker in range(workers):
        tape = tape_of(
            path / str(worker),
            pings,
            load_target("json-array"),
            batch=batch,
            window_ms=window_ms,
            worker=worker,
            workers=workers,
        )
        expected: list[list[Ping]] = []
        for one in in_order:
            if one.client % workers != worker:
                continue
            begins = not expected or len(expected[-1]) == batch
            if not begins and window_ms:
                begins = expected[-1][0].due_ms // window_ms != one.due_ms // window_ms
            if begins:
                expected.append([])
            expected[-1].append(one)
        sent = [json.loads(body_of(tape.request(k))) for k in range(len(tape))]
        assert [[item["id"] for item in one] for one in sent] == [[p.id for p in own] for own in expected]
        # A batch cannot leave before its last ping is there.
        assert tape.due_ms.tolist() == [own[-1].due_ms for own in expected]
        assert tape.rows.tolist() == [in_order.index(p) for own in expected for p in own]
        assert tape.expects.tolist() == [
            sum({1 << EXPECTATIONS.index(p.expect) for p in own}) for own in expected
        ]
        names = [tape.names[name] for name in tape.name.tolist()]
        assert names == ["batch" if batch > 1 else own[0].ping for own in expected]


SENT_AGAIN = """
name = "mine"
title = "t"
[envelope]
path = "/bulk"
content_type = "text/plain"
prefix = 'first=${id}['
separator = ", "
suffix = "] of ${ping}"
item_prefix = "<"
item_suffix = ">"
[answers]
results = "elasticsearch"
[retry]
policy = "fixed"
item_statuses = [429]
"""


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("round_", [0, 3])
@pytest.mark.parametrize("items", [[0], [2], [0, 1, 2, 3], [1, 3], [3]])
def test_a_part_of_a_batch_is_the_same_batch_without_the_others(tmp_path, packed, round_, items):
    pings = [ping(n, due_ms=START_MS + n) for n in range(9)]
    target = parse_target(SENT_AGAIN, where="mine.toml")
    tape = tape_of(tmp_path / "corpus", pings, target, batch=4, gzip=packed)
    whole, part = tape.render(1, round_), tape.render_part(1, round_, items)
    head, _, body = part.partition(b"\r\n\r\n")
    assert int(head.rpartition(b"Content-Length: ")[2]) == len(body)
    assert head.rpartition(b" ")[0] == whole.partition(b"\r\n\r\n")[0].rpartition(b" ")[0]
    text = (gzip.decompress(body) if packed else body).decode()
    ids = [name.decode() for name in tape.ids_in_round(round_, np.arange(4, 8))]
    bodies = [json.dumps({"id": ids[item], "n": 4 + item}) for item in items]
    assert text == f"first={ids[0]}[{', '.join(f'<{one}>' for one in bodies)}] of {pings[4].ping}"
    assert (round_ == 0) == (ids[0] == pings[4].id)
    if not packed:  # one ping was left for the last batch
        assert tape.render_part(2, round_, [0]) == tape.render(2, round_)


@pytest.mark.parametrize("packed", [False, True])
def test_ids_change_wherever_they_stand_even_at_the_very_beginning(tmp_path, packed):
    target = parse_target(
        SENT_AGAIN.replace("first=${id}[", "").replace('"<"', '"${id} "'), where="mine.toml"
    )
    pings = [ping(n, due_ms=START_MS + n) for n in range(3)]
    tape = tape_of(tmp_path / "corpus", pings, target, batch=3, gzip=packed)
    body = body_of(tape.render(0, 5))
    text = (gzip.decompress(body) if packed else body).decode()
    new = [name.decode() for name in tape.ids_in_round(5, np.arange(3))]
    assert text.startswith(f"{new[0]} ")
    assert all(text.count(id_) == 2 for id_ in new)
    assert not any(one.id in text for one in pings)


def test_a_record_that_cannot_be_read_is_named_by_its_line(tmp_path):
    write_corpus(tmp_path / "corpus", [ping(n, due_ms=START_MS + n) for n in range(5)])
    part = tmp_path / "corpus" / "pings-00000.ndjson"
    lines = part.read_bytes().splitlines(keepends=True)
    lines[3] = b"[" + lines[3][1:]
    part.write_bytes(b"".join(lines))
    spec = TapeSpec(target=load_target("structured"), netloc="x")
    with pytest.raises(CorpusError, match=r"pings-00000\.ndjson:4: not a record.*generate the corpus again"):
        TapeBuilder(open_corpus(tmp_path / "corpus"), spec).build()
