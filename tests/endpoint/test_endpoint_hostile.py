"""Clients that are slow, many, endless or wrong about lengths. The time limits are set short from outside."""

import contextlib
import gzip
import re
import resource
import socket
import time
import zlib
from dataclasses import replace

import httpx
import pytest
from endpoint_kit import GOOD, click
from endpoint_process import ask, connected, raw_ping, read_answer

from simulator.endpoint import EndpointProcess, Settings

pytestmark = pytest.mark.slow


def start(schema_directory, **more):
    return EndpointProcess(replace(Settings(schemas=str(schema_directory)), **more))


def port_of(endpoint):
    return int(endpoint.url.rsplit(":", 1)[1])


@pytest.fixture(scope="module")
def hasty(schema_directory):
    """An endpoint with little patience."""
    with start(schema_directory, head_s=1, body_s=1, idle_s=1, write_s=1) as running:
        yield running


@pytest.mark.parametrize("said", [b"", b"POST /sub", b"POST / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n"])
def test_a_head_that_never_ends_is_cut_off(hasty, said):
    with connected(port_of(hasty)) as opened:
        opened.sendall(said)
        status, headers, _ = read_answer(opened)
        assert (status, headers["connection"]) == (408, "close")
        assert opened.recv(1) == b""


def test_a_head_that_drips_is_cut_off(hasty):
    with connected(port_of(hasty)) as opened:
        began = time.monotonic()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() - began < 8:
                opened.sendall(b"X")
                opened.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    if opened.recv(1000):
                        break
        assert time.monotonic() - began < 8


def test_a_body_that_never_ends_is_cut_off_and_in_the_ledger(hasty):
    with connected(port_of(hasty)) as opened:
        opened.sendall(raw_ping(1)[:-3])
        status, headers, body = read_answer(opened)
    assert (status, headers["connection"]) == (408, "close")
    assert b"body_timeout" in body
    assert httpx.get(hasty.url + "/ledger").json()["by_code"]["body_timeout"] >= 1


def test_an_idle_connection_is_closed(hasty):
    with connected(port_of(hasty)) as opened:
        opened.sendall(raw_ping(2))
        assert read_answer(opened)[0] == 200
        assert opened.recv(1) == b""


def test_a_client_that_does_not_read_is_cut_off(hasty):
    with httpx.Client(base_url=hasty.url) as http:
        for number in range(100, 105):
            items = [
                {"id": f"{number:08x}-{n:04x}-4000-8000-000000000000", "route": "shop/click/1", "body": GOOD}
                for n in range(1000)
            ]
            assert http.post("/batch", json=items).status_code == 200
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", port_of(hasty)))
            deaf.sendall(b"GET /ledger/entries?limit=100000 HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
            cut = 0
            for _ in range(100):
                text = http.get("/metrics").text
                cut = sum(line.startswith("telsim_deaf_clients_total ") for line in text.splitlines())
                if cut:
                    break
                time.sleep(0.1)
        assert cut == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Header: " + b"y" * 400_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 400_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(40_000)) + b"\r\n",
    ],
)
def test_a_head_has_a_most(hasty, raw):
    assert ask(port_of(hasty), raw)[0] in (404, 431)


@pytest.mark.parametrize(
    ("opening", "more"), [(b"0\r\nX-A: ", b"a" * 1_000_000), (b"0\r\n", b"X-A: b\r\n" * 125_000)]
)
def test_trailers_have_a_most_and_take_no_memory(schema_directory, opening, more):
    with start(schema_directory) as endpoint, connected(port_of(endpoint)) as opened:
        before = memory_mb(endpoint.pid)
        opened.sendall(f"POST {click(1)} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        time.sleep(0.1)  # the head is read before its body comes
        sent = 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            opened.sendall(b"2\r\n{}\r\n" + opening)
            while sent < 100:
                opened.sendall(more)
                sent += 1
        assert sent < 100
        assert memory_mb(endpoint.pid) - before < 60
        assert httpx.get(endpoint.url + "/ledger").json()["by_code"] == {"header_too_large": 1}


@pytest.mark.parametrize(
    ("raw", "statuses"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {400}),  # a TLS hello
        (b"GET\r\n\r\n", {400}),
        (b"POST /batch HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", {400}),
        (b"POST /batch HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", {400, 413}),
        (b"POST /batch HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", {413}),
        (b"POST /batch HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", {400}),
        (b"POST /batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", {400}),
        (
            b"POST /batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            {400},
        ),
        (b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, 405}),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404}),
        (b"GET http://example.org/ledger HTTP/1.1\r\nHost: x\r\n\r\n", {200, 400}),
        (
            b"POST /batch HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n[]",
            {200, 400, 411},
        ),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404}),
        (b"POST /batch HTTP/9.9\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]", {200, 400}),
    ],
)
def test_what_is_not_quite_http_is_never_5xx(hasty, raw, statuses):
    assert ask(port_of(hasty), raw)[0] in statuses
    assert httpx.get(hasty.url + "/__lbheartbeat__").status_code == 200


def test_a_content_length_that_is_too_small_makes_the_rest_a_bad_request(hasty):
    raw = raw_ping(10, b'{"who":"a"}').replace(b"Content-Length: 11", b"Content-Length: 5")
    status, _, body = ask(port_of(hasty), raw)
    assert status == 400
    assert b"bad_json" in body


def test_a_content_length_that_is_too_large_is_a_body_cut_short(hasty):
    raw = raw_ping(12, b'{"who":"a"}').replace(b"Content-Length: 11", b"Content-Length: 50")
    status, _, body = ask(port_of(hasty), raw, finish=True)
    assert status == 400
    assert b"body_cut" in body


def test_a_client_that_only_listens_on_still_gets_its_answers(hasty):
    with connected(port_of(hasty)) as opened:
        opened.sendall(raw_ping(13) + raw_ping(14, b"x"))
        opened.shutdown(socket.SHUT_WR)
        data = b""
        while more := opened.recv(65536):
            data += more
    assert re.findall(rb"HTTP/1.1 (\d+)", data) == [b"200", b"400"]


def test_expect_100_continue(hasty):
    with connected(port_of(hasty)) as opened:
        opened.sendall(raw_ping(11, extra=b"Expect: 100-continue\r\n")[: -len(b'{"who":"a"}')])
        assert opened.recv(1000).startswith(b"HTTP/1.1 100 ")
        opened.sendall(b'{"who":"a"}')
        assert read_answer(opened)[0] == 200


def bomb(size_mb):
    """A gzip file that grows a thousandfold."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"\0" * 1_000_000
    return b"".join([packer.compress(zeros) for _ in range(size_mb)] + [packer.flush()])


def test_a_gzip_bomb_does_not_grow_memory(schema_directory):
    packed = bomb(400)
    assert len(packed) < 1_000_000
    with start(schema_directory) as endpoint, httpx.Client(base_url=endpoint.url) as http:
        http.post(click(1), content=gzip.compress(b'{"who":"' + b"x" * 7_000_000 + b'"}', mtime=0))
        before = memory_mb(endpoint.pid)
        for number in range(10):
            assert http.post(click(number), content=packed).status_code == 413
        assert memory_mb(endpoint.pid) - before < 60


def test_memory_does_not_grow_with_what_went_through(schema_directory):
    """Only ids are kept, about a hundred bytes each; sixty thousand pings of a kilobyte would be 60 MB."""
    body = {"who": "x" * 1000}
    with start(schema_directory) as endpoint, httpx.Client(base_url=endpoint.url) as http:
        sizes = []
        for number in range(80):
            items = [
                {"id": f"{number:08x}-{n:04x}-4000-8000-000000000000", "route": "shop/click/1", "body": body}
                for n in range(1000)
            ]
            assert http.post("/batch", json=items).status_code == 200
            sizes.append(memory_mb(endpoint.pid))
        assert http.get("/ledger").json()["accepted"] == 80_000
    assert sizes[-1] - sizes[19] < 25


def test_many_endless_bodies_are_turned_away_with_retry_after(schema_directory):
    """Unfinished bodies share one budget of memory."""
    with start(schema_directory, reading_bytes=3_000_000) as endpoint, contextlib.ExitStack() as stack:
        answered = []
        for number in range(8):
            opened = stack.enter_context(connected(port_of(endpoint)))
            head = f"POST {click(number)} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000001\r\n\r\n".encode()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                opened.sendall(head + b"x" * 1_000_000)
            opened.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                answered.append(read_answer(opened))
        assert answered
        assert {(status, headers["retry-after"]) for status, headers, _ in answered} == {(503, "1")}
        assert memory_mb(endpoint.pid) < 300


def test_a_full_queue_pushes_back_and_what_was_taken_is_stored(schema_directory):
    with start(schema_directory, waiting_pings=5) as endpoint:
        connections = []
        for lane in range(40):
            opened = socket.create_connection(("127.0.0.1", port_of(endpoint)), timeout=10)
            opened.sendall(b"".join(raw_ping(lane * 1000 + n) for n in range(20)))
            connections.append(opened)
        counted = {200: 0, 503: 0}
        for opened in connections:
            counted_here = _count_answers(opened, 20)
            for status, number in counted_here.items():
                counted[status] += number
            opened.close()
        assert sum(counted.values()) == 800
        assert httpx.get(endpoint.url + "/ledger").json()["accepted"] == counted[200]


def _count_answers(opened, wanted):
    data = b""
    while data.count(b"HTTP/1.1 ") < wanted or not (data.endswith((b"\r\n\r\n", b"}"))):
        data += opened.recv(65536)
    return {200: data.count(b"HTTP/1.1 200"), 503: data.count(b"HTTP/1.1 503")}


def test_one_connection_too_many_is_told_so(schema_directory):
    with start(schema_directory, connections=20) as endpoint, contextlib.ExitStack() as stack:
        held = [stack.enter_context(connected(port_of(endpoint))) for _ in range(20)]
        with connected(port_of(endpoint)) as extra:
            status, headers, body = read_answer(extra)
        assert (status, headers["retry-after"]) == (503, "1")
        assert b"too_many_connections" in body
        held.pop().close()
        for _ in range(50):  # the freed place is there as soon as the endpoint has seen the goodbye
            if ask(port_of(endpoint), raw_ping(1))[0] == 200:
                break
        else:
            pytest.fail("the freed place was not given away")


@pytest.mark.slow
def test_ten_thousand_connections(schema_directory):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(10_000, hard - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with start(schema_directory, head_s=120) as endpoint, contextlib.ExitStack() as stack:
            held = [stack.enter_context(connected(port_of(endpoint), 30)) for _ in range(count)]
            for number, opened in enumerate(held):
                opened.sendall(raw_ping(number))
            assert {read_answer(opened)[0] for opened in held} == {200}
            assert httpx.get(endpoint.url + "/ledger", timeout=30).json()["accepted"] == count
            assert memory_mb(endpoint.pid) < 600
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def memory_mb(pid):
    from pathlib import Path

    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
