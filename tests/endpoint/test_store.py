"""The store: whole groups or nothing, ids across restarts, and no harm to files that are not stores."""

import json
import sqlite3
import threading
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path

import pytest
from endpoint_kit import ROUTE, damage, uid

from simulator.endpoint.ledger import entries
from simulator.endpoint.message import Decision
from simulator.endpoint.store import Store, Submission
from simulator.endpoint.stored import read_pings
from simulator.errors import EndpointError, InputError


class Desk:
    """Hands decisions to a store and waits for its word."""

    def __init__(self, path: Path, **options) -> None:
        self.store = Store(path, settle=self._settle, **options)

    def _settle(self, group):
        for submission in group:
            submission.done.set_result(submission)

    def put(self, *decisions: Decision) -> Submission:
        future: Future[Submission] = Future()
        self.store.put([Submission(list(decisions), future)])
        return future.result(timeout=30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.store.close()


def ok(number, payload=b"{}"):
    return Decision(uid(number), "ok", ROUTE, payload)


def bad(number):
    return Decision(uid(number), "bad_json", ROUTE, b"{")


def test_ids_are_accepted_once_and_counted_after_that(tmp_path):
    with Desk(tmp_path / "s") as desk:
        assert desk.put(ok(1), ok(2), ok(1)).duplicates == [2]
        assert desk.put(ok(2, b"other content"), bad(2), bad(2)).duplicates == [0]
        totals = desk.store.totals()
    assert (totals.accepted, totals.rejected, totals.duplicates, totals.batches) == (2, 2, 2, 2)
    assert totals.by_route == {ROUTE: 4}
    assert totals.by_code == {"ok": 2, "bad_json": 2, "duplicate": 2}


def test_a_rejected_id_may_be_accepted_later(tmp_path):
    with Desk(tmp_path / "s") as desk:
        assert not desk.put(bad(1)).duplicates
        assert not desk.put(ok(1)).duplicates
        assert desk.store.totals().accepted == 1


def test_everything_is_known_again_after_a_restart(tmp_path):
    with Desk(tmp_path / "s") as desk:
        desk.put(ok(1), ok(2), bad(3), ok(1))
        before = desk.store.totals()
    with Desk(tmp_path / "s") as desk:
        assert desk.store.totals() == before
        assert desk.put(ok(1), ok(4)).duplicates == [0]
    numbered = [line.split(b",")[0] for line in entries(tmp_path / "s", after=0, limit=10)]
    assert numbered == [b'{"seq":1', b'{"seq":2', b'{"seq":3', b'{"seq":4']


def test_entries_tell_copies_and_never_payloads(tmp_path):
    with Desk(tmp_path / "s") as desk:
        desk.put(ok(1, b"SECRET"), ok(1), ok(1), bad(2))
        lines = list(entries(tmp_path / "s", after=0, limit=10))
    assert lines == [
        b'{"seq":1,"id":"%b","state":"accepted","code":"ok","route":"shop/click/1","copies":3}\n'
        % uid(1).encode(),
        b'{"seq":2,"id":"%b","state":"rejected","code":"bad_json","route":"shop/click/1","copies":1}\n'
        % uid(2).encode(),
    ]


def test_entries_page(tmp_path):
    with Desk(tmp_path / "s") as desk:
        desk.put(*(ok(number) for number in range(10)))
        assert len(list(entries(tmp_path / "s", after=4, limit=3))) == 3
        assert next(entries(tmp_path / "s", after=4, limit=3)).startswith(b'{"seq":5')


def test_every_page_of_entries_over_groups_of_any_size(tmp_path):
    sizes = (1, 4, 1, 1, 7, 3)
    with Desk(tmp_path / "s") as desk:
        number = 0
        for size in sizes:
            desk.put(
                *(ok(number + one) for one in range(size)), ok(0)
            )  # and one duplicate each but the first
            number += size
    count = sum(sizes)
    for after in range(count + 2):
        for limit in range(count + 2):
            seqs = [json.loads(line)["seq"] for line in entries(tmp_path / "s", after=after, limit=limit)]
            assert seqs == list(range(after + 1, min(after + limit, count) + 1))
    copies = [json.loads(line)["copies"] for line in entries(tmp_path / "s", after=0, limit=count)]
    assert copies == [1 + len(sizes)] + [1] * (count - 1)


def test_a_group_of_nothing_but_duplicates_is_a_batch_too(tmp_path):
    with Desk(tmp_path / "s") as desk:
        desk.put(ok(1))
        assert desk.put(ok(1), ok(1)).duplicates == [0, 1]
        desk.put(ok(1), ok(2))
        before = desk.store.totals()
    assert (before.batches, before.duplicates) == (3, 3)
    with Desk(tmp_path / "s") as desk:
        assert desk.store.totals() == before
        desk.put(ok(3))
        assert desk.store.totals().batches == 4
    assert [json.loads(line)["seq"] for line in entries(tmp_path / "s", after=0, limit=9)] == [1, 2, 3]


@pytest.mark.parametrize("payloads", [True, False])
def test_payloads_are_kept_if_asked_for(tmp_path, payloads):
    with Desk(tmp_path / "s", payloads=payloads) as desk:
        desk.put(ok(1, b'{"who":"a"}'))
    assert [ping.payload for ping in read_pings(tmp_path / "s")] == [b'{"who":"a"}' if payloads else b""]


def test_payloads_of_a_group_keep_apart(tmp_path):
    """Empty ones, ones that are no JSON, and duplicates, whose payload is not kept, between them."""
    with Desk(tmp_path / "s") as desk:
        desk.put(
            ok(1, b'{"a":1}'),
            bad(2),
            ok(1, b"again"),
            Decision(uid(3), "bad_utf8", "", b"\xff\0"),
            ok(4, b""),
        )
        desk.put(ok(5, "é".encode()))
        found = [(ping.id, ping.payload, ping.copies) for ping in read_pings(tmp_path / "s")]
    assert found == [
        (uid(1), b'{"a":1}', 2),
        (uid(2), b"{", 1),
        (uid(3), b"\xff\0", 1),
        (uid(4), b"", 1),
        (uid(5), "é".encode(), 1),
    ]


def test_sql_sees_a_row_a_ping(tmp_path):
    with Desk(tmp_path / "s") as desk:
        desk.put(ok(1), bad(2))
        desk.put(ok(3))
        with closing(sqlite3.connect(tmp_path / "s")) as database:
            rows = database.execute("SELECT seq, id, code, route FROM pings ORDER BY seq").fetchall()
    assert rows == [(1, uid(1), "ok", ROUTE), (2, uid(2), "bad_json", ROUTE), (3, uid(3), "ok", ROUTE)]


def test_large_groups_are_stored_in_order(tmp_path):
    count = 1234
    with Desk(tmp_path / "s") as desk:
        desk.put(*(ok(number) for number in range(count)))
    ids = [line.split(b'"')[5].decode() for line in entries(tmp_path / "s", after=0, limit=10_000)]
    assert ids == [uid(number) for number in range(count)]


def test_many_threads_lose_nothing(tmp_path):
    with Desk(tmp_path / "s") as desk:

        def work(start):
            for number in range(start, start + 100):
                desk.put(ok(number))

        threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 800, 100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        totals = desk.store.totals()
    assert totals.accepted == 800
    assert totals.batches <= 800


def test_a_full_store_refuses_whole_groups_and_recovers(tmp_path):
    with Desk(tmp_path / "s", max_bytes=64 * 1024) as desk:
        stored = desk.put(ok(1))
        refused = desk.put(ok(2), ok(3, b"x" * 100_000), ok(1))
        assert (stored.failure, refused.failure, refused.duplicates) == ("ok", "disk_full", ())
        assert desk.store.trouble == "disk_full"
        # neither id of the refused group counts as seen
        assert not desk.put(ok(2)).duplicates
        assert desk.store.trouble == "ok"
        totals = desk.store.totals()
    assert (totals.accepted, totals.duplicates) == (2, 0)


@pytest.mark.parametrize("fsync", [True, False])
def test_the_file_says_how_durable_it_is(tmp_path, fsync):
    with Desk(tmp_path / "s", fsync=fsync) as desk:
        database = desk.store._file.database
        assert database.execute("PRAGMA synchronous").fetchone() == (2 if fsync else 0,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def refuse(path):
    before = path.read_bytes()
    beside = sorted(path.parent.iterdir())
    with pytest.raises(InputError) as caught:
        Desk(path)
    assert path.read_bytes() == before
    assert str(path) in str(caught.value)
    assert sorted(path.parent.iterdir()) == beside
    return str(caught.value)


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    path = tmp_path / "s"
    path.write_bytes(b"my precious notes\n" * 100)
    assert "not a database" in refuse(path)


@pytest.mark.parametrize("name", ["d", "d/..", ".", "/"])
def test_a_directory_is_called_one(tmp_path, monkeypatch, name):
    (tmp_path / "d").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="it is a directory; nothing was changed"):
        Desk(Path(name))
    assert list(tmp_path.iterdir()) == [tmp_path / "d"]


def test_the_lock_file_of_a_store_stays_if_it_cannot_be_used_now(tmp_path):
    Desk(tmp_path / "s").store.close()
    (tmp_path / "s").write_bytes(b"my precious notes\n" * 100)
    refuse(tmp_path / "s")
    assert (tmp_path / "s.lock").exists()


def test_somebody_elses_database_is_left_alone(tmp_path):
    path = tmp_path / "s"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE precious (notes)")
    database.commit()
    database.close()
    assert "not a store" in refuse(path)


def test_a_damaged_store_is_left_alone(tmp_path):
    path = tmp_path / "s"
    with Desk(path) as desk:
        desk.put(*(ok(number, b"x" * 500) for number in range(200)))
    damage(path)
    assert "damaged" in refuse(path)


def test_a_store_with_a_damaged_group_is_left_alone(tmp_path):
    path = tmp_path / "s"
    with Desk(path) as desk:
        desk.put(ok(1))
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE groups SET decisions = substr(decisions, 2)")
        database.commit()
    assert "damaged (group 1" in refuse(path)
    Desk(tmp_path / "other").store.close()  # and nothing of the first is still open


def test_a_truncated_store_is_left_alone(tmp_path):
    path = tmp_path / "s"
    with Desk(path) as desk:
        desk.put(*(ok(number, b"x" * 500) for number in range(200)))
    path.write_bytes(path.read_bytes()[:20_000])
    assert "damaged" in refuse(path)


@pytest.mark.parametrize("version", [1, 99])
def test_a_store_of_another_format_is_left_alone(tmp_path, version):
    path = tmp_path / "s"
    Desk(path).store.close()
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {version}")
    database.close()
    assert f"its format is {version}, this telsim reads 2" in refuse(path)


def test_an_empty_file_and_an_empty_database_become_stores(tmp_path):
    (tmp_path / "a").touch()
    database = sqlite3.connect(tmp_path / "b")
    database.execute("PRAGMA journal_mode = WAL")
    database.close()
    for name in "ab":
        with Desk(tmp_path / name) as desk:
            assert desk.put(ok(1)).failure == "ok"


def test_two_endpoints_cannot_share_a_store(tmp_path):
    with Desk(tmp_path / "s"), pytest.raises(EndpointError, match="another endpoint"):
        Desk(tmp_path / "s")
    Desk(tmp_path / "s").store.close()


def test_a_store_in_no_directory(tmp_path):
    with pytest.raises(EndpointError, match="cannot make"):
        Desk(tmp_path / "no" / "s")


def test_close_stores_what_was_handed_over(tmp_path):
    desk = Desk(tmp_path / "s")
    futures = []
    for number in range(50):
        future: Future[Submission] = Future()
        desk.store.put([Submission([ok(number)], future)])
        futures.append(future)
    desk.store.close()
    desk.store.close()
    assert all(future.done() for future in futures)
    assert len(list(entries(tmp_path / "s", after=0, limit=100))) == 50
