"""The ASGI layer with a store that waits for the test's word, and the bounded queue before the real one."""

import asyncio
import json
from collections.abc import Callable

import pytest
from endpoint_kit import GOOD, ROUTE, click, uid

from simulator.endpoint.app import App
from simulator.endpoint.intake import Intake
from simulator.endpoint.message import Decision, Receipt
from simulator.endpoint.metrics import Metrics
from simulator.endpoint.queue import WriteQueue
from simulator.endpoint.settings import Settings
from simulator.endpoint.store import Submission


class HeldWriter:
    """Keeps everything waiting until told."""

    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self.waiting: list[tuple[Receipt, Callable[[Submission], None]]] = []

    def submit(self, receipt, settled):
        if not self.full:
            self.waiting.append((receipt, settled))
        return not self.full

    def settle(self, *, failure: str = "ok", duplicates=()) -> None:
        for receipt, settled in self.waiting:
            settled(Submission(receipt.decisions, None, duplicates, failure))
        self.waiting.clear()


class Exchange:
    """One request to an app, and what it has answered so far."""

    def __init__(self, the_rules, writer, body=None):
        soon = asyncio.get_running_loop().call_soon
        intake = Intake(the_rules, Settings(), writer=writer, metrics=Metrics(), soon=soon)
        self.app = App(intake, Settings(), metrics=Metrics(), pages={})
        self.body = json.dumps(GOOD if body is None else body).encode()
        self.sent = []
        headers = [(b"content-length", str(len(self.body)).encode())]
        self.scope = {
            "method": "POST",
            "raw_path": click(1).encode(),
            "query_string": b"",
            "headers": headers,
        }

    async def receive(self):
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message):
        self.sent.append(message)

    def start(self):
        return asyncio.create_task(self.app(self.scope, self.receive, self.send))


async def idle():
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("body", [GOOD, {"who": 1}])
def test_nothing_is_said_before_the_store_has_it(the_rules, body):
    async def scene():
        writer = HeldWriter()
        exchange = Exchange(the_rules, writer, body)
        task = exchange.start()
        await idle()
        assert exchange.sent == []
        assert len(writer.waiting) == 1
        writer.settle()
        await task
        assert exchange.sent[0]["status"] == (200 if body is GOOD else 400)

    asyncio.run(scene())


@pytest.mark.parametrize(("failure", "status"), [("disk_full", 507), ("store_error", 500)])
def test_a_failing_store_is_told(the_rules, failure, status):
    async def scene():
        writer = HeldWriter()
        exchange = Exchange(the_rules, writer)
        task = exchange.start()
        await idle()
        writer.settle(failure=failure)
        await task
        assert exchange.sent[0]["status"] == status
        assert json.loads(exchange.sent[1]["body"])["code"] == failure

    asyncio.run(scene())


def test_a_full_queue_is_503_with_retry_after(the_rules):
    async def scene():
        exchange = Exchange(the_rules, HeldWriter(full=True))
        await exchange.start()
        assert exchange.sent[0]["status"] == 503
        assert (b"retry-after", b"1") in exchange.sent[0]["headers"]

    asyncio.run(scene())


def receipt(count, first=0, size=10):
    decisions = [Decision(uid(first + number), "ok", ROUTE, b"{}") for number in range(count)]
    return Receipt(carrier="batch", decisions=decisions, size=size)


def submit(queue, receipt):
    """A future of the stored decisions; None where the queue is full."""
    future = asyncio.get_running_loop().create_future()
    return future if queue.submit(receipt, future.set_result) else None


def with_queue(tmp_path, scene, *, max_pings=10, max_bytes=1000):
    async def play():
        queue = WriteQueue(
            tmp_path / "s",
            asyncio.get_running_loop(),
            max_pings=max_pings,
            max_bytes=max_bytes,
            fsync=False,
            payloads=True,
            max_store_bytes=0,
        )
        try:
            await scene(queue)
        finally:
            queue.store.close()

    asyncio.run(play())


def test_the_queue_takes_so_many_pings_and_no_more(tmp_path):
    async def scene(queue):
        first = submit(queue, receipt(6))
        assert submit(queue, receipt(5, first=100)) is None
        second = submit(queue, receipt(4, first=100))
        assert queue.pings == 10
        await asyncio.gather(first, second)
        assert (queue.pings, queue.bytes) == (0, 0)
        assert submit(queue, receipt(5, first=200)) is not None

    with_queue(tmp_path, scene)


def test_the_queue_takes_so_many_bytes_and_no_more(tmp_path):
    async def scene(queue):
        assert submit(queue, receipt(1, size=600)) is not None
        assert submit(queue, receipt(1, first=1, size=600)) is None

    with_queue(tmp_path, scene)


def test_what_is_larger_than_the_queue_goes_in_when_it_is_empty(tmp_path):
    async def scene(queue):
        stored = await submit(queue, receipt(50, size=5000))
        assert stored.failure == "ok"
        assert queue.store.totals().accepted == 50

    with_queue(tmp_path, scene)


def test_nothing_keeps_a_stored_request_alive(tmp_path):
    """A submission is its future's result; did it also hold the future, neither would ever be freed."""

    async def scene(queue):
        stored = await submit(queue, receipt(1))
        assert stored.done is None

    with_queue(tmp_path, scene)


@pytest.mark.parametrize(("turns", "handed_over"), [(5, [5]), (400, [128, 128, 128, 16])])
def test_the_store_gets_a_full_group_or_what_there_is_when_the_sockets_run_dry(tmp_path, turns, handed_over):
    """What the store makes of it is its own affair: while it writes one group, two more may become one."""

    async def scene(queue):
        sizes, put = [], queue.store.put
        queue.store.put = lambda group: (sizes.append(len(group)), put(group))
        futures = []
        for number in range(turns):
            futures.append(submit(queue, receipt(1, first=number)))
            await asyncio.sleep(0)
        await asyncio.gather(*futures)
        assert sizes == handed_over

    with_queue(tmp_path, scene, max_pings=1000, max_bytes=10_000)
