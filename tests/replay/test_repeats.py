"""A corpus sent again and again has fresh ids each time, and they are the ones on the wire."""

from __future__ import annotations

import gzip
import uuid

import msgspec
import pytest
from replay_rig import OK, pings_for

from simulator.records import VALID


def ok(connection, seen) -> None:
    connection.sendall(OK)


@pytest.mark.parametrize(("target", "batch", "packed"), [("structured", 1, False), ("structured", 1, True)])
def test_ids_are_fresh_valid_and_the_same_in_path_body_and_outcome(
    target, batch, packed, corpus, odd_server, run_engine
):
    server = odd_server(ok)
    ran = run_engine(corpus(40), server.url, target=target, batch=batch, rounds=3, gzip=packed)
    assert len(ran.rows) == 120
    assert set(server.copies.values()) == {1}
    assert {row.decode() for row in ran.rows["id"]} == set(server.copies)
    for seen in server.requests:
        assert uuid.UUID(seen.id).version == 4
        body = gzip.decompress(seen.body) if packed else seen.body
        assert msgspec.json.decode(body)["client_id"] == seen.id
    first = {row["row"]: row["id"] for row in ran.rows if row["round"] == 0}
    assert {row.decode() for row in first.values()} == {ping.id for ping in pings_for(40)}


@pytest.mark.parametrize("packed", [False, True])
def test_batches_have_fresh_ids_too(packed, corpus, odd_server, run_engine):
    server = odd_server(ok)
    ran = run_engine(corpus(50), server.url, target="ndjson", batch=20, rounds=2, gzip=packed)
    sent = []
    for seen in server.requests:
        text = gzip.decompress(seen.body) if packed else seen.body
        for line in text.splitlines():
            record = msgspec.json.decode(line)
            assert record["path"].endswith(record["id"])
            assert record["body"]["client_id"] == record["id"]
            sent.append(record["id"])
    assert len(sent) == len(set(sent)) == 100
    assert {row.decode() for row in ran.rows["id"]} == set(sent)


def test_a_duplicate_keeps_its_original_in_every_round(corpus, odd_server, run_engine):
    original = pings_for(4)
    copy = msgspec.structs.replace(
        original[1], expect="duplicate", label="duplicate", due_ms=original[3].due_ms + 5
    )
    server = odd_server(ok)
    ran = run_engine(corpus(pings=[*original, copy]), server.url, rounds=3, lanes=1)
    assert sorted(server.copies.values()) == [1] * 9 + [2] * 3
    for number in range(3):
        rows = {int(row["row"]): row["id"] for row in ran.rows if row["round"] == number}
        assert rows[1] == rows[4]
    assert original[0].label == VALID


def test_a_retry_in_a_later_round_carries_that_rounds_id(corpus, odd_server, run_engine):
    from replay_rig import RETRYING, target_from

    refused: set[str] = set()

    def once_refused(connection, seen) -> None:
        if seen.id in refused:
            connection.sendall(OK)
        else:
            refused.add(seen.id)
            connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")

    server = odd_server(once_refused)
    ran = run_engine(corpus(30), server.url, target=target_from(RETRYING), rounds=3)
    assert ran.states() == {"accepted": 90}
    assert set(server.copies.values()) == {2}
    assert {row.decode() for row in ran.rows["id"]} == set(server.copies)


@pytest.mark.parametrize(("target", "batch", "packed"), [("structured", 1, False), ("ndjson", 20, True)])
def test_a_salt_gives_other_ids_from_the_first_round_on(
    target, batch, packed, corpus, odd_server, run_engine
):
    server = odd_server(ok)
    runs = [
        run_engine(
            corpus(40), server.url, target=target, batch=batch, gzip=packed, rounds=rounds, id_salt=salt
        )
        for salt, rounds in ((0, 2), (1, 1), (0xFFFF_FFFF, 2))
    ]
    ids = [row.decode() for ran in runs for row in ran.rows["id"]]
    assert len(set(ids)) == len(ids) == 40 * 5
    sent = [gzip.decompress(seen.body) if packed else seen.body for seen in server.requests]
    on_the_wire = [
        record["body"]["client_id"] if packed else record["client_id"]
        for body in sent
        for record in map(msgspec.json.decode, body.splitlines())
    ]
    assert sorted(on_the_wire) == sorted(ids)
    assert {uuid.UUID(each).version for each in ids} == {4}


@pytest.mark.slow
def test_many_short_rounds_are_taken_down_like_few_long_ones(corpus, odd_server, run_engine):
    server = odd_server(ok)
    ran = run_engine(corpus(1), server.url, lanes=4, rounds=1500)
    assert ran.states() == {"accepted": 1500}
    assert sorted(ran.rows["round"].tolist()) == list(range(1500))
    assert set(server.copies.values()) == {1}
    assert {row.decode() for row in ran.rows["id"]} == set(server.copies)
    assert ran.recorder.finished_requests == 1500
    assert sum(histogram.count for histogram in ran.recorder.service.values()) == 1500
