"""Items that a bulk endpoint could not take just now are sent again, and only those, in a batch of their own.

The bulk server is made here from Elasticsearch's documentation and nothing of telsim: it reads action and document
lines with `json`, fails items by a schedule of its own, and keeps every copy that it stores.
"""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from replay_rig import Ran, Seen, ids_for, reset, target_from

from simulator.reconcile.accounting import account, read_truth
from simulator.reconcile.ledger import Ledger, hash_ids
from simulator.records import STATES

pytestmark = pytest.mark.slow

BULK = """
name = "bulk"
title = "test"
batch = 10
timeout_s = 2.0
[envelope]
path = "/_bulk"
content_type = "application/x-ndjson"
item_prefix = '''
{"create":{"_id":"${id}"}}
'''
item_suffix = "\\n"
[answers]
results = "elasticsearch"
[retry]
policy = "fixed"
attempts = 4
wait_s = 0.02
statuses = [503]
item_statuses = [429, 503]
"""

Verdict = Callable[[str, int], int]


class BulkServer:
    """Answers `verdict(id, copy)` for each item; statuses below 300 store it, and 409 says that it was there."""

    def __init__(self, verdict: Verdict, *, unique: bool = True, headers: bytes = b"") -> None:
        self.verdict, self.unique, self.headers = verdict, unique, headers
        self.copies: Counter[str] = Counter()
        self.stored: Counter[str] = Counter()
        self.batches: list[list[str]] = []
        self.times: list[float] = []

    def __call__(self, connection: socket.socket, seen: Seen) -> bool | None:
        body = gzip.decompress(seen.body) if b"Content-Encoding: gzip" in seen.head else seen.body
        ids = self.read(body)
        self.batches.append(ids)
        self.times.append(time.monotonic())
        items = [{"create": {"_id": id_, "status": self.decide(id_)}} for id_ in ids]
        return self.answer(connection, items)

    def read(self, body: bytes) -> list[str]:
        assert body.endswith(b"\n")
        lines = [line for line in body.split(b"\n") if line]
        actions, documents = lines[::2], lines[1::2]
        ids = [json.loads(action)["create"]["_id"] for action in actions]
        for id_, document in zip(ids, documents, strict=True):
            assert json.loads(document)["client_id"] == id_
        return ids

    def decide(self, id_: str) -> int:
        self.copies[id_] += 1
        status = self.verdict(id_, self.copies[id_])
        if status < 300:
            if self.unique and self.stored[id_]:
                return 409
            self.stored[id_] += 1
        return status

    def answer(self, connection: socket.socket, items: Sequence[object]) -> bool | None:
        text = json.dumps({"errors": True, "items": items}).encode()
        connection.sendall(
            b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (self.headers, len(text), text)
        )
        return None


def by_id(ran: Ran) -> dict[str, np.void]:
    rows = {row["id"].decode(): row for row in ran.rows}
    assert len(rows) == len(ran.rows)  # exactly one state each
    return rows


def state(row: np.void) -> str:
    return STATES[row["state"]]


def test_items_that_fail_at_first_are_sent_again_alone_and_end_accepted(corpus, odd_server, run_engine):
    fails = {id_: n % 4 for n, id_ in enumerate(ids_for(40))}  # 0 to 3 times
    bulk = BulkServer(lambda id_, copy: 201 if copy > fails[id_] else (429, 503)[copy % 2])
    ran = run_engine(corpus(40), odd_server(bulk).url, target=target_from(BULK), batch=10)
    assert ran.states() == {"accepted": 40}
    assert {id_: row["attempt"] - 1 for id_, row in by_id(ran).items()} == fails
    assert bulk.copies == {id_: times + 1 for id_, times in fails.items()}
    sizes = Counter(map(len, bulk.batches))
    assert sizes[10] == 4
    # Then come those that failed once, twice, three times; none ever comes along without need.
    assert sum(map(len, bulk.batches)) == sum(fails.values()) + 40
    for row in ran.rows:
        assert row["due"] <= row["sent"] <= row["done"]
        assert row["status"] == 200
    first, later = (
        [row["done"] for row in ran.rows if (row["attempt"] == 1) == once] for once in (True, False)
    )
    assert min(later) - min(first) >= 20_000_000  # those that waited were done later than the others


def test_items_are_sent_again_by_the_method_that_the_target_names(corpus, odd_server, run_engine):
    target = target_from(BULK.replace('path = "/_bulk"', 'path = "/_bulk"\nmethod = "PUT"'))
    server = odd_server(BulkServer(lambda id_, copy: 201 if copy > 1 or id_ in ids_for(15) else 429))
    ran = run_engine(corpus(20), server.url, target=target, batch=10)
    assert ran.states() == {"accepted": 20}
    assert [seen.head.split(b" ")[0] for seen in server.requests] == [b"PUT"] * 3


def test_an_item_that_fails_for_ever_fails_alone(corpus, odd_server, run_engine):
    hopeless = set(ids_for(30)[3:20:8])
    bulk = BulkServer(lambda id_, _: 429 if id_ in hopeless else 201)
    ran = run_engine(corpus(30), odd_server(bulk).url, target=target_from(BULK), batch=10)
    rows = by_id(ran)
    assert {id_ for id_, row in rows.items() if state(row) == "failed"} == hopeless
    assert ran.states() == {"accepted": 30 - len(hopeless), "failed": len(hopeless)}
    assert {id_: rows[id_]["attempt"] for id_ in rows} == {id_: 4 if id_ in hopeless else 1 for id_ in rows}
    assert bulk.copies == {id_: row["attempt"] for id_, row in rows.items()}


def test_each_item_of_a_mixed_answer_goes_its_own_way(corpus, odd_server, run_engine):
    statuses = [201, 409, 400, 500, 429, 503, 201, 404, 429, 201]
    ids = ids_for(10)

    def verdict(id_: str, copy: int) -> int:
        number = ids.index(id_)
        if number == 8 and copy == 2:
            return 400  # its mapping is wrong, which showed only when the queue had room
        return statuses[number] if copy == 1 else 200

    ran = run_engine(corpus(10), odd_server(BulkServer(verdict)).url, target=target_from(BULK), batch=10)
    rows = by_id(ran)
    assert [state(rows[id_]) for id_ in ids] == [
        *("accepted", "accepted", "rejected", "failed", "accepted"),
        *("accepted", "accepted", "rejected", "rejected", "accepted"),
    ]
    assert [int(rows[id_]["attempt"]) for id_ in ids] == [1, 1, 1, 1, 2, 2, 1, 1, 2, 1]


def test_an_answer_may_ask_to_wait(corpus, odd_server, run_engine):
    bulk = BulkServer(lambda _, copy: 429 if copy == 1 else 201, headers=b"Retry-After: 1\r\n")
    ran = run_engine(corpus(10), odd_server(bulk).url, target=target_from(BULK), batch=10)
    assert ran.states() == {"accepted": 10}
    assert bulk.times[1] - bulk.times[0] >= 1.0


class DyingServer(BulkServer):
    """Dies under the second batch, after it stored what was in it."""

    def answer(self, connection: socket.socket, items: Sequence[object]) -> bool | None:
        if len(self.batches) == 2:
            reset(connection)
            return False
        super().answer(connection, items)
        return False  # a connection of its own for each, so that none is stale


@pytest.mark.parametrize("unique", [True, False])
def test_a_connection_that_dies_between_the_tries(unique, corpus, odd_server, run_engine):
    late = set(ids_for(10)[2:6])
    bulk = DyingServer(lambda id_, copy: 429 if id_ in late and copy == 1 else 201, unique=unique)
    pings = corpus(10)
    ran = run_engine(pings, odd_server(bulk).url, target=target_from(BULK), batch=10, lanes=1)
    assert ran.states() == {"accepted": 10}
    assert [set(batch) for batch in bulk.batches] == [set(ids_for(10)), late, late]
    rows = by_id(ran)
    assert {id_: int(row["attempt"]) for id_, row in rows.items()} == dict(bulk.copies)
    # A store that takes every copy has two of those: the account puts them down to the retries, all of them.
    stored = np.array([bulk.stored[id_] for id_ in rows], dtype=np.int64)
    keys = hash_ids(np.array([id_.encode() for id_ in rows], dtype="S36"))
    found = account(ran.rows, read_truth(pings), Ledger("test", keys, stored)).duplicates
    assert (found.by_retry, found.by_corpus, found.unexplained) == (0 if unique else len(late), 0, 0)


def test_what_died_on_the_way_is_unknown_where_nobody_tries_again(corpus, odd_server, run_engine):
    late = set(ids_for(10)[2:6])
    bulk = DyingServer(lambda id_, copy: 429 if id_ in late and copy == 1 else 201)
    text = BULK.replace('policy = "fixed"', 'policy = "fixed"\nnetwork = false')
    ran = run_engine(corpus(10), odd_server(bulk).url, target=target_from(text), batch=10, lanes=1)
    rows = by_id(ran)
    assert {id_ for id_, row in rows.items() if state(row) == "unknown"} == late
    assert ran.states() == {"accepted": 6, "unknown": 4}
    assert {int(rows[id_]["status"]) for id_ in late} == {0}
    assert bulk.copies == {id_: row["attempt"] for id_, row in rows.items()}


class BusyServer(BulkServer):
    """Refuses every second batch as a whole."""

    def answer(self, connection: socket.socket, items: Sequence[object]) -> bool | None:
        if len(self.batches) % 2 == 0:
            connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
            return None
        return super().answer(connection, items)


def test_a_refused_batch_of_items_counts_as_a_try_of_each(corpus, odd_server, run_engine):
    bulk = BusyServer(lambda _, copy: 429 if copy == 1 else 201)
    bulk.decide = lambda id_: (bulk.copies.update([id_]), 429 if bulk.copies[id_] < 3 else 201)[1]  # type: ignore[method-assign]
    ran = run_engine(corpus(5), odd_server(bulk).url, target=target_from(BULK), batch=10, lanes=1)
    assert ran.states() == {"accepted": 5}  # 200 with 429s, 503, 200 with 201s
    assert (ran.rows["attempt"] == 3).all()
    assert set(bulk.copies.values()) == {3}


@pytest.mark.parametrize("packed", [False, True])
def test_in_a_repetition_items_are_sent_again_with_its_ids(packed, corpus, odd_server, run_engine):
    bulk = BulkServer(lambda id_, copy: 429 if int(id_[-1], 16) % 3 == 0 and copy < 3 else 201)
    ran = run_engine(
        corpus(60), odd_server(bulk).url, target=target_from(BULK), batch=10, rounds=3, gzip=packed
    )
    assert ran.states() == {"accepted": 180}
    assert set(bulk.stored) == {row["id"].decode() for row in ran.rows}
    assert bulk.copies == {id_: row["attempt"] for id_, row in by_id(ran).items()}
    assert set(bulk.stored.values()) == {1}


def test_stopped_between_the_tries_items_have_failed_so_far(corpus, odd_server, run_engine):
    late = set(ids_for(20)[::5])
    bulk = BulkServer(lambda id_, _: 503 if id_ in late else 201)
    text = BULK.replace("wait_s = 0.02", "wait_s = 60.0")
    ran = run_engine(corpus(20), odd_server(bulk).url, target=target_from(text), batch=10, stop_after_s=0.5)
    rows = by_id(ran)
    assert {id_ for id_, row in rows.items() if state(row) == "failed"} == late
    assert ran.states() == {"accepted": 16, "failed": 4}
    assert (ran.rows["attempt"] == 1).all()
    assert (ran.rows["done"] >= ran.rows["sent"]).all()


def test_without_a_policy_nothing_is_sent_again(corpus, odd_server, run_engine):
    bulk = BulkServer(lambda _, __: 429)
    text = BULK.replace('policy = "fixed"', 'policy = "none"')
    ran = run_engine(corpus(20), odd_server(bulk).url, target=target_from(text), batch=10)
    assert ran.states() == {"failed": 20}
    assert set(bulk.copies.values()) == {1}


def test_the_shipped_target_does_so(corpus, odd_server, run_engine):
    from simulator.target import load_target

    target = load_target("elasticsearch-bulk")
    assert target.retry.item_statuses == (429, 503)
    hasty = target.model_copy(update={"retry": target.retry.model_copy(update={"wait_s": 0.01})})
    bulk = BulkServer(lambda _, copy: 429 if copy == 1 else 201)
    ran = run_engine(corpus(20), odd_server(bulk).url, target=hasty, batch=7)
    assert ran.states() == {"accepted": 20}
    assert (ran.rows["attempt"] == 2).all()
