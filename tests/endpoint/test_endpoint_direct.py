"""The short way for requests that arrive whole, and uvicorn's for all others: the same answers, store and metrics."""

import asyncio
import gzip
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from endpoint_kit import GOOD, ROUTE, click, uid
from uvicorn.server import ServerState

from simulator.endpoint.app import App
from simulator.endpoint.connection import guarded
from simulator.endpoint.direct import Direct
from simulator.endpoint.faultswitch import Fault, FaultSwitch
from simulator.endpoint.intake import Intake
from simulator.endpoint.metrics import Metrics
from simulator.endpoint.pages import Pages
from simulator.endpoint.queue import WriteQueue
from simulator.endpoint.settings import Settings
from simulator.endpoint.stored import StoredPing, read_pings


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


@dataclass
class Bench:
    """An endpoint without sockets, and one connection to it."""

    rules: object
    store: Path
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.metrics = Metrics()
        self.faults = FaultSwitch()
        self.queue = WriteQueue(
            self.store,
            asyncio.get_running_loop(),
            max_pings=self.settings.waiting_pings,
            max_bytes=self.settings.waiting_bytes,
            fsync=False,
            payloads=True,
            max_store_bytes=0,
        )
        pages = Pages(self.queue, self.metrics, connections=lambda: 1).table()
        config = uvicorn.Config(None, http=guarded(10), ws="none", log_config=None, access_log=False)
        config.load()
        config.loaded_app = App(
            Intake(
                self.rules,
                self.settings,
                writer=self.queue,
                metrics=self.metrics,
                soon=asyncio.get_running_loop().call_soon,
            ),
            self.settings,
            metrics=self.metrics,
            pages=pages,
            faults=self.faults,
        )
        state = ServerState()
        state.default_headers = [(b"date", b"Sat, 21 Nov 2026 04:56:06 GMT")]
        self.wire = Wire()
        self.connection = guarded(10)(config, state, {})
        self.connection.connection_made(self.wire)

    async def feed(self, *reads: bytes) -> type:
        """Deliver bytes as so many reads; tells what the last request became, and returns once all are answered.

        A task starts after the last read, so it finds its body whole.
        """
        for read in reads:
            if not self.wire.closed:
                self.connection.data_received(read)
        kind = type(self.connection.cycle)
        async with asyncio.timeout(10):
            while not self.answered():
                await asyncio.sleep(0.001)
        return kind

    def answered(self) -> bool:
        cycle = self.connection.cycle
        return self.wire.closed or (cycle is not None and cycle.response_complete)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_) -> None:
        self.queue.store.close()

    def counted(self) -> list[str]:
        """The metrics without times."""
        lines = self.metrics.text(self.queue.store.counts, {}).splitlines()
        return [line for line in lines if "_bucket" not in line and "_sum" not in line]


@dataclass
class Outcome:
    answer: bytes
    closed: bool
    stored: list[StoredPing]
    counted: list[str]


def whole(head: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"{head} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def timeless(answer: bytes) -> bytes:
    return re.sub(rb"dur=[0-9.]+", b"dur=0", answer)


def play(rules, store: Path, *reads: bytes, settings: Settings | None = None) -> tuple[type, Outcome]:
    async def scene():
        async with Bench(rules, store, settings or Settings(limits=rules.limits)) as bench:
            kind = await bench.feed(*reads)
            outcome = Outcome(timeless(bench.wire.written), bench.wire.closed, [], bench.counted())
            outcome.stored = list(read_pings(store))
            return kind, outcome

    return asyncio.run(scene())


PING = json.dumps(GOOD).encode()
ITEM = {"id": uid(1), "route": ROUTE, "body": GOOD}
POST = f"POST {click(1)}"
LOG = json.dumps({"query": "mutation X { logEvent(a: 1) }", "variables": {"source": "x"}}).encode()
SENTRY = json.dumps({"event_id": "a" * 32}).encode()

REQUESTS = {
    "good": whole(POST, PING),
    "put": whole(f"PUT {click(1)}", PING),
    "gzip": whole(POST, gzip.compress(PING), "Content-Encoding: gzip"),
    "close": whole(POST, PING, "Connection: close"),
    "invalid": whole(POST, b'{"who":1}'),
    "not json": whole(POST, b'{"who"'),
    "not utf-8": whole(POST, b'{"who":"\xff"}'),
    "twice a key": whole(POST, b'{"who":"a","who":"b"}'),
    "bad gzip": whole(POST, b"\x1f\x8bnope"),
    "foreign encoding": whole(POST, PING, "Content-Encoding: br"),
    "no uuid": whole(f"POST /submit/{ROUTE}/nope", PING),
    "unknown route": whole(f"POST /submit/shop/none/1/{uid(1)}", PING),
    "glean": whole(f"POST /submit/app/events/1/{uid(1)}", b'{"ping_info":{}}'),
    "telemetry": whole(f"POST /submit/telemetry/{uid(1)}/event/A/1/release/2?v=4", b'{"type":"event"}'),
    "query": whole(POST + "?a=b&c", PING),
    "empty query": whole(POST + "?", PING),
    "fragment": whole(POST + "#x", PING),
    "absolute": whole(f"POST http://localhost{click(1)}?v=4", PING),
    "escaped": whole(POST.replace("click", "cl%69ck"), PING),
    "trailing slash": whole(POST + "/", PING),
    "no such path": whole("POST /nowhere", PING),
    "page by post": whole("POST /ledger", PING),
    "long path": whole("POST /submit/" + "x" * 2000, PING),
    "long header": whole(POST, PING, "User-Agent: " + "x" * 2000),
    "wrong method": whole("PUT /batch", b"[]"),
    "delete": whole(f"DELETE {click(1)}", PING),
    "too large": whole(POST, b'{"who":"' + b"x" * 11_000 + b'"}'),
    "batch": whole("POST /batch", json.dumps([ITEM]).encode()),
    "batch in part": whole("POST /batch", json.dumps([ITEM, ITEM, {}, 1]).encode()),
    "batch of none": whole("POST /batch", b"[]"),
    "empty batch": whole("POST /batch"),
    "graphql": whole("POST /.api/graphql?LogEvent", LOG),
    "sentry": whole("POST /api/1/store/", SENTRY),
    "record id": whole("POST /.api/graphql?LogEvent", LOG, f"X-Telsim-Record-Id: {uid(7)}"),
    "http/1.0": whole(POST, PING).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "chunked": whole(POST).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    + b"%x\r\n%b\r\n0\r\n\r\n" % (len(PING), PING),
    "trailers": whole(POST).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    + b"%x\r\n%b\r\n0\r\nContent-Encoding: br\r\n\r\n" % (len(PING), PING),
    "repeated header": whole(POST, PING, "X-Telsim-Record-Id: a", f"X-Telsim-Record-Id: {uid(8)}"),
}

#: What a task answers even if it comes whole.
BY_TASK = {"page by post", "delete", "too large", "http/1.0", "fragment", "absolute"}


@pytest.mark.parametrize("name", REQUESTS)
def test_both_ways_end_alike(the_rules, tmp_path, name):
    request = REQUESTS[name]
    kind, direct = play(the_rules, tmp_path / "direct", request)
    other, by_task = play(the_rules, tmp_path / "task", request[:-1], request[-1:])
    if name == "empty batch":  # without a body the head alone is in two reads, which is no reason for a task
        assert (kind, other) == (Direct, Direct)
    else:
        assert (kind is Direct) == (name not in BY_TASK)
        assert other is not Direct
    assert direct == by_task
    assert direct.answer.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("character", range(256))
def test_both_ways_read_a_path_alike(the_rules, tmp_path, character):
    request = whole(POST.replace("shop", f"sh{chr(character)}op"), PING)
    _, direct = play(the_rules, tmp_path / "direct", request)
    _, by_task = play(the_rules, tmp_path / "task", request[:-1], request[-1:])
    assert direct == by_task


NO_TARGETS = ["http://x", "http://x?y", "foo://x:99999999/submit/a#b", "http://[::1/"]


@pytest.mark.parametrize("target", NO_TARGETS)
@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
@pytest.mark.parametrize("cut", [0, -1])
def test_a_target_without_a_usable_path_is_bad_http(the_rules, tmp_path, target, method, cut):
    request = whole(f"{method} {target}", PING)
    _, outcome = play(the_rules, tmp_path / "s", request[:cut], request[cut:])
    assert outcome.answer.startswith(b"HTTP/1.1 400 ")
    assert b"bad_http" in outcome.answer
    assert outcome.closed
    assert outcome.stored == []


@pytest.mark.parametrize("target", NO_TARGETS)
@pytest.mark.parametrize("name", ["good", "page by post"])
def test_a_target_without_a_usable_path_does_not_keep_earlier_requests_from_their_answers(
    the_rules, tmp_path, target, name
):
    _, outcome = play(the_rules, tmp_path / "s", REQUESTS[name] + whole(f"POST {target}", PING))
    assert re.findall(rb"HTTP/1.1 (\d+)", outcome.answer) == [b"200" if name == "good" else b"405"]
    assert outcome.closed


@pytest.mark.parametrize("cut", [0, 60, -1])
def test_what_stands_behind_a_chunked_body_is_no_header(the_rules, tmp_path, cut):
    request = REQUESTS["trailers"]
    _, outcome = play(the_rules, tmp_path / "s", request[:cut], request[cut:])
    assert outcome.answer.startswith(b"HTTP/1.1 200 ")


CHUNKED = whole(POST).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
BODY = b"%x\r\n%b\r\n" % (len(PING), PING)
READ = 8_000


@pytest.mark.parametrize("before", [b"", REQUESTS["good"].replace(uid(1).encode(), uid(2).encode())])
@pytest.mark.parametrize(
    ("start", "more"),
    [
        (BODY + b"0\r\n", b"X-A: b\r\n" * (READ // 8)),
        (BODY + b"0\r\nX-A: ", b"a" * READ),
        (BODY + b"0;", b"a" * READ),
        (b"%x;a=" % len(PING), b"a" * READ),
        (BODY, b'1;b="%b"\r\nx\r\n' % (b"a" * READ)),
    ],
    ids=["many trailers", "one long trailer", "last extension", "first extension", "many extensions"],
)
def test_what_stands_around_a_chunked_body_has_a_most_like_a_head(the_rules, tmp_path, before, start, more):
    _, outcome = play(the_rules, tmp_path / "s", before + CHUNKED, start, *[more] * 20)
    wanted = [b"200", b"431"] if before else [b"431"]
    assert re.findall(rb"HTTP/1.1 (\d+)", outcome.answer) == wanted
    assert b"header_too_large" in outcome.answer
    assert outcome.answer.count(b"connection: close\r\n") == 1
    assert outcome.closed
    assert [ping.code for ping in outcome.stored] == ["ok", "header_too_large"][-len(wanted) :]


def test_a_body_in_chunks_of_one_byte_is_not_too_much_around_it(the_rules, tmp_path):
    body = b'{"who":"' + b"a" * 9_000 + b'"}'
    chunks = b"".join(b"1;x=y\r\n%c\r\n" % byte for byte in body)
    reads = [chunks[start : start + READ] for start in range(0, len(chunks), READ)]
    _, outcome = play(the_rules, tmp_path / "s", CHUNKED, *reads, b"0\r\n" + b"X-A: b\r\n" * 4_000, b"\r\n")
    assert outcome.answer.startswith(b"HTTP/1.1 200 ")
    assert not outcome.closed
    assert outcome.stored[0].payload == body


def test_a_body_that_nobody_wants_any_more_ends_the_connection_if_it_does_not_end(the_rules, tmp_path):
    async def scene():
        async with Bench(the_rules, tmp_path / "s", Settings(reading_bytes=1)) as bench:
            await bench.feed(CHUNKED, BODY)
            assert bench.wire.written.startswith(b"HTTP/1.1 503 ")
            for _ in range(20):
                if not bench.wire.closed:
                    bench.connection.data_received(b'1;b="%b"\r\nx\r\n' % (b"a" * READ))
            assert bench.wire.closed
            assert bench.wire.written.count(b"HTTP/1.1 ") == 1

    asyncio.run(scene())


def upgrading(request: bytes) -> bytes:
    """The same request from a client that would rather speak HTTP/2, as `curl --http2` sends it."""
    wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    head, _, body = request.partition(b"\r\n\r\n")
    return head + b"\r\n" + wish + b"\r\n" + body


@pytest.mark.parametrize("cut", [0, 90, -1])
@pytest.mark.parametrize("name", ["good", "chunked", "gzip", "invalid", "batch", "page by post", "http/1.0"])
def test_the_wish_for_an_upgrade_is_passed_over(the_rules, tmp_path, name, cut):
    request = REQUESTS[name]
    _, plain = play(the_rules, tmp_path / "plain", request[:cut], request[cut:])
    wish = upgrading(request)
    _, passed_over = play(the_rules, tmp_path / "wish", wish[:cut], wish[cut:])
    assert passed_over == plain


def test_after_an_upgrade_that_was_passed_over_the_connection_goes_on(the_rules, tmp_path):
    reads = [upgrading(whole(f"POST {click(number)}", PING)) for number in range(3)]
    reads.insert(1, whole(f"POST {click(7)}", PING))
    reads.append(upgrading(b"GET /__lbheartbeat__ HTTP/1.1\r\nHost: x\r\n\r\n"))
    _, together = play(the_rules, tmp_path / "together", b"".join(reads))
    assert re.findall(rb"HTTP/1.1 (\d+)", together.answer) == [b"200"] * 5
    assert [ping.id for ping in together.stored] == [uid(number) for number in (0, 7, 1, 2)]


def test_rubbish_after_an_upgrade_is_bad_http(the_rules, tmp_path):
    request = upgrading(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
    _, outcome = play(the_rules, tmp_path / "s", request + b"\0rubbish\r\n\r\n")
    assert outcome.closed
    assert outcome.stored == []


def test_edge_mode_is_the_same_both_ways(the_rules, tmp_path):
    request = REQUESTS["invalid"]
    settings = Settings(limits=the_rules.limits, edge=True)
    _, direct = play(the_rules, tmp_path / "direct", request, settings=settings)
    _, by_task = play(the_rules, tmp_path / "task", request[:-1], request[-1:], settings=settings)
    assert direct == by_task
    assert direct.answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("cut", [1, 30, 90, 150])
def test_wherever_the_reads_part_the_answer_is_the_same(the_rules, tmp_path, cut):
    request = REQUESTS["good"]
    _, direct = play(the_rules, tmp_path / "direct", request)
    _, parted = play(the_rules, tmp_path / "parted", request[:cut], request[cut:])
    assert direct == parted


def test_requests_in_one_read_are_answered_in_order(the_rules, tmp_path):
    reads = [whole(f"POST {click(number)}", PING if number % 2 else b"[]") for number in range(6)]
    _, together = play(the_rules, tmp_path / "together", b"".join(reads))
    assert re.findall(rb"HTTP/1.1 (\d+)", together.answer) == [b"400", b"200"] * 3
    assert [ping.id for ping in together.stored] == [uid(number) for number in range(6)]


def test_rubbish_after_a_whole_request_does_not_keep_it_from_its_answer(the_rules, tmp_path):
    _, outcome = play(the_rules, tmp_path / "s", REQUESTS["good"] + b"\0rubbish\r\n\r\n")
    assert outcome.answer.startswith(b"HTTP/1.1 200 ")
    assert outcome.closed


def test_a_drill_is_played_on_requests_that_come_whole(the_rules, tmp_path):
    async def scene():
        async with Bench(the_rules, tmp_path / "s") as bench:
            bench.faults.set(Fault("503"))
            assert await bench.feed(REQUESTS["good"]) is not Direct
            bench.faults.set(Fault("none"))
            assert await bench.feed(REQUESTS["good"]) is Direct
            assert re.findall(rb"HTTP/1.1 (\d+)", bench.wire.written) == [b"503", b"200"]

    asyncio.run(scene())


def test_nothing_is_written_to_a_client_that_has_gone_but_its_ping_is_stored(the_rules, tmp_path):
    async def scene():
        async with Bench(the_rules, tmp_path / "s") as bench:
            bench.connection.data_received(REQUESTS["good"])
            bench.connection.connection_lost(None)
            async with asyncio.timeout(10):
                while bench.queue.store.totals().accepted == 0 or bench.queue.pings:
                    await asyncio.sleep(0.001)
            assert bench.wire.written == b""
            assert bench.queue.store.totals().accepted == 1

    asyncio.run(scene())


def test_a_request_in_flight_at_shutdown_is_answered_and_then_the_connection_ends(the_rules, tmp_path):
    async def scene():
        async with Bench(the_rules, tmp_path / "s") as bench:
            bench.connection.data_received(REQUESTS["good"])
            assert bench.wire.written == b""  # the store has not said its word
            bench.connection.shutdown()
            assert not bench.wire.closed
            while not bench.wire.closed:
                await asyncio.sleep(0.001)
            assert bench.wire.written.startswith(b"HTTP/1.1 200 ")
            assert b"connection: close" in bench.wire.written

    asyncio.run(scene())


def test_a_client_that_does_not_read_is_not_answered_directly(the_rules, tmp_path):
    """uvicorn's tasks wait until it reads; answers that pile up would cost memory without a limit."""

    async def scene():
        async with Bench(the_rules, tmp_path / "s") as bench:
            bench.connection.pause_writing()
            bench.connection.data_received(REQUESTS["good"])
            await asyncio.sleep(0.05)
            assert bench.wire.written == b""
            bench.connection.resume_writing()
            assert await bench.feed() is not Direct
            assert bench.wire.written.startswith(b"HTTP/1.1 200 ")

    asyncio.run(scene())


def test_a_fault_of_ours_is_500_and_not_bad_http(the_rules, tmp_path):
    async def scene():
        async with Bench(the_rules, tmp_path / "s") as bench:
            bench.queue.submit = lambda _receipt, _settled: 1 / 0
            await bench.feed(REQUESTS["good"])
            assert bench.wire.written.startswith(b"HTTP/1.1 500 ")
            assert bench.wire.closed

    asyncio.run(scene())
