"""What was acknowledged stays: death of the process at any moment, a full disk, an orderly stop."""

import json
import resource
import signal
import threading

import httpx
import pytest
from endpoint_kit import GOOD, ROUTE, click, damage, uid
from endpoint_process import Served, all_entries, ask, connected, raw_ping, read_answer, totals

from simulator.endpoint.stored import read_pings

pytestmark = pytest.mark.slow


def flood(served, *, first, count, batch, acknowledged, body=GOOD, enough=None):
    """Send pings one after another until they run out or the endpoint dies; note what it acknowledged.

    `enough` is an event that ends it sooner.
    """
    with httpx.Client(base_url=served.url, timeout=10) as http:
        for start in range(first, first + count, batch):
            if enough is not None and enough.is_set():
                return
            numbers = range(start, start + batch)
            try:
                if batch == 1:
                    answered = http.post(click(start), json=body)
                else:
                    items = [{"id": uid(number), "route": ROUTE, "body": body} for number in numbers]
                    answered = http.post("/batch", json=items)
            except httpx.TransportError:
                return
            if answered.status_code == 200:
                acknowledged.extend(numbers)


def floods(served, batches, **options):
    """A client for each batch size, all at once, each with ids of its own."""
    threads = [
        threading.Thread(
            target=flood,
            args=(served,),
            kwargs={"first": lane * 1_000_000, "batch": batch, **options},
        )
        for lane, batch in enumerate(batches)
    ]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.parametrize("kill_at", [40, 300])
def test_sigkill_in_the_middle_of_a_load_loses_nothing_acknowledged(schema_directory, tmp_path, kill_at):
    options = ("--schemas", schema_directory, "--store", tmp_path / "s")
    acknowledged: list[int] = []
    with Served(*options) as served:
        threads = floods(served, [20, 1, 20, 1, 20, 1], count=100_000, acknowledged=acknowledged)
        while len(acknowledged) < kill_at:  # the load itself is the clock
            threads[0].join(0.001)
        served.end(signal.SIGKILL)
        for thread in threads:
            thread.join()
    assert len(acknowledged) >= kill_at
    with Served(*options) as again:
        listed = all_entries(again.url)
        stored = {one["id"] for one in listed if one["state"] == "accepted"}
        assert {uid(number) for number in acknowledged} <= stored
        assert len(stored) == len(listed)  # nothing twice
        assert [one["seq"] for one in listed] == list(range(1, len(listed) + 1))
        # and the ids are known: sending again stores nothing
        with httpx.Client(base_url=again.url) as http:
            for number in acknowledged[:20]:
                assert http.post(click(number), json=GOOD).json()["code"] == "duplicate"
        assert totals(again.url)["accepted"] == len(stored)


def test_killed_again_and_again_it_still_loses_nothing_acknowledged(schema_directory, tmp_path):
    """Batches large enough for checkpoints, so that deaths meet those too; every restart adds to the same store."""
    options = ("--schemas", schema_directory, "--store", tmp_path / "s")
    acknowledged: list[int] = []
    for life in range(6):
        with Served(*options) as served:
            had = len(acknowledged)
            threads = [
                threading.Thread(
                    target=flood,
                    args=(served,),
                    kwargs={
                        "first": (life * 4 + lane) * 1_000_000,
                        "count": 100_000,
                        "batch": 250,
                        "acknowledged": acknowledged,
                        "body": {"who": "x" * 400},
                    },
                )
                for lane in range(4)
            ]
            for thread in threads:
                thread.start()
            while len(acknowledged) < had + 12_000 + life * 1_777:
                threads[0].join(0.001)
            served.end(signal.SIGKILL)
            for thread in threads:
                thread.join()
    with Served(*options) as again:
        listed = all_entries(again.url)
        assert [one["seq"] for one in listed] == list(range(1, len(listed) + 1))
        stored = [one["id"] for one in listed]
        assert len(set(stored)) == len(stored)
        assert {uid(number) for number in acknowledged} <= set(stored)
        assert totals(again.url)["accepted"] == len(stored)
    assert [ping.id for ping in read_pings(tmp_path / "s")] == stored
    assert {ping.payload for ping in read_pings(tmp_path / "s")} == {b'{"who":"%b"}' % (b"x" * 400)}


def test_the_ledger_may_be_read_while_it_grows(schema_directory, tmp_path):
    """By readers over HTTP and of the file: what is answered for is there, in order, whole, and stays."""
    options = ("--schemas", schema_directory, "--store", tmp_path / "s")
    acknowledged: list[int] = []
    enough = threading.Event()
    with Served(*options) as served:
        threads = floods(served, [10] * 3, count=900_000, acknowledged=acknowledged, enough=enough)
        before = 0
        for _look in range(5):
            while len(acknowledged) <= before:
                threads[0].join(0.001)
            told = list(acknowledged)
            pings = list(read_pings(tmp_path / "s"))
            page = httpx.get(served.url + "/ledger/entries?limit=100000").raise_for_status()
            listed = [
                json.loads(line) for line in page.text.splitlines()
            ]  # the end of it runs ahead of who pages
            assert {uid(number) for number in told} <= {ping.id for ping in pings}
            assert {ping.payload for ping in pings} <= {b'{"who":"a","clicks":3}'}
            assert before <= len(pings) <= len(listed)
            assert [one["id"] for one in listed[: len(pings)]] == [ping.id for ping in pings]
            assert [one["seq"] for one in listed] == list(range(1, len(listed) + 1))
            before = len(listed)
        enough.set()
        for thread in threads:
            thread.join()
        assert totals(served.url)["accepted"] == len(acknowledged)


def test_sigterm_answers_and_stores_what_is_in_flight(schema_directory, tmp_path):
    options = ("--schemas", schema_directory, "--store", tmp_path / "s")
    with Served(*options) as served:
        body = b'{"who":"a"}'
        with connected(served.port) as opened:
            opened.sendall(raw_ping(1, body)[:-5])
            assert ask(served.port, raw_ping(2))[0] == 200
            served.process.send_signal(signal.SIGTERM)
            # The half request is still in flight; new connections end once the signal is seen.
            while True:
                try:
                    ask(served.port, raw_ping(3))
                except ConnectionError:
                    break
            opened.sendall(body[-5:])
            status, headers, _ = read_answer(opened)
        assert (status, headers["connection"]) == (200, "close")
        assert served.process.wait(30) == 0
    with Served(*options) as again:
        assert {uid(1), uid(2)} <= {one["id"] for one in all_entries(again.url)}


def limit_file_size(served, size):
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_full_disk_is_507_and_recovers_by_itself(schema_directory, tmp_path):
    """The limit on file size stands for the disk: it fails writes the same way, and can be lifted from outside."""
    options = ("--schemas", schema_directory, "--store", tmp_path / "s")
    with Served(*options) as served, httpx.Client(base_url=served.url) as http:
        assert http.post(click(1), json=GOOD).status_code == 200
        limit_file_size(served, (tmp_path / "s-wal").stat().st_size)
        refused = http.post(click(2), json=GOOD)
        assert (refused.status_code, refused.json()["code"]) == (507, "disk_full")
        batch = http.post("/batch", json=[{"id": uid(3), "route": ROUTE, "body": GOOD}])
        assert batch.status_code == 507
        assert http.post(click(1), json=GOOD).status_code == 507  # counting a duplicate needs space as well
        assert http.get("/__heartbeat__").status_code == 503
        assert http.get("/__lbheartbeat__").status_code == 200
        assert http.get("/ledger").json()["accepted"] == 1
        limit_file_size(served, resource.RLIM_INFINITY)
        assert http.post(click(2), json=GOOD).content == b""  # new: the refused one left no trace
        assert http.get("/__heartbeat__").status_code == 200
        served.end(signal.SIGKILL)
    with Served(*options) as again:
        assert [one["id"] for one in all_entries(again.url)] == [uid(1), uid(2)]


def test_a_store_may_have_a_size(schema_directory, tmp_path):
    options = ("--schemas", schema_directory, "--store", tmp_path / "s", "--max-store-bytes", 100_000)
    with Served(*options) as served, httpx.Client(base_url=served.url) as http:
        statuses = [http.post(click(number), json={"who": "x" * 5000}).status_code for number in range(40)]
        assert set(statuses) == {200, 507}
        assert totals(served.url)["accepted"] == statuses.count(200)
        assert statuses == sorted(statuses)


def test_a_damaged_store_is_refused_and_kept(schema_directory, tmp_path):
    options = ("--schemas", schema_directory, "--store", tmp_path / "s")
    with Served(*options) as served:
        items = [{"id": uid(number), "route": ROUTE, "body": {"who": "x" * 500}} for number in range(200)]
        assert httpx.post(served.url + "/batch", json=items).status_code == 200
        assert served.end() == 0
    content = damage(tmp_path / "s")
    with pytest.raises(AssertionError, match="damaged"):
        Served(*options)
    assert (tmp_path / "s").read_bytes() == content


def test_memory_and_ledger_agree_after_many_restarts(schema_directory, tmp_path):
    options = ("--schemas", schema_directory, "--store", tmp_path / "s")
    for start in range(0, 40, 10):
        with Served(*options) as served:
            items = [{"id": uid(number), "route": ROUTE, "body": GOOD} for number in range(start, start + 20)]
            told = json.loads(httpx.post(served.url + "/batch", json=items).content)
            assert told["duplicates"] == (10 if start else 0)
            served.end(signal.SIGKILL)
    with Served(*options) as served:
        assert totals(served.url)["accepted"] == 50
        assert totals(served.url)["duplicates"] == 30
