"""How many pings the endpoint takes: validated, deduplicated, durable; one a request, and in batches of 100.

    python tests/benchmarks/endpoint/run.py            about a minute
    python tests/benchmarks/endpoint/run.py --tiny     a few seconds, for a look whether it still runs

Everything runs over loopback with the whole process. Each ping is the catalogue's example with an id and a client id
of its own, sent by a closed loop of ready-made bytes from a second process, each side on a core of its own where
there are two. The forms take turns, so what else the machine does meets all of them alike; figures are medians.
Beside each stands its ratio to a reference from the same run: uvicorn alone, answering the same requests without
looking at them.

Two columns tell whether the figure is the endpoint's: `busy`, the share of the time that its process computed (far
below 1: the sender was the limit), and CPU time a ping. The stores lie in a directory that is deleted at the end.
Their files have room for all rounds before the first one, so that writing meets page cache that is there already: a
virtual machine gets each page from its host when it first touches it, and may give it back two seconds after it was
freed; growing the file instead made a ping cost up to 2 us more, depending on what ran before.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import orjson

from simulator.catalogue import example
from simulator.endpoint import EndpointProcess, Settings

ROUTE = "activity-stream/events/1"
PING = "topsite_click"
CLIENT = b"26288a14-5cc4-d14f-ae0a-bb01ef45be9c"  # in the example

BYTES = 700  # more than a ping takes in the store


def uid(run: int, number: int) -> bytes:
    return b"%08x-%04x-4000-8000-000000000000" % (number, run)


def one_each(run: int, count: int, make: Callable[[int], bytes]) -> list[bytes]:
    size = len(make(0))
    head = (
        b"POST /submit/%b/%%b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json; charset=UTF-8\r\n"
        % ROUTE.encode()
    )
    head += b"Date: Sat, 21 Nov 2026 04:56:06 GMT\r\nContent-Length: %d\r\n\r\n" % size
    return [head % uid(run, number) + make(number) for number in range(count)]


def in_batches(run: int, count: int, make: Callable[[int], bytes], size: int) -> list[bytes]:
    requests = []
    for start in range(0, count, size):
        items = b",".join(
            b'{"id":"%b","route":"%b","body":%b}' % (uid(run, number), ROUTE.encode(), make(number))
            for number in range(start, start + size)
        )
        head = b"POST /batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
        requests.append(head % (len(items) + 2) + b"[" + items + b"]")
    return requests


class Lane(asyncio.Protocol):
    """One connection that sends its requests one after another."""

    def __init__(self, requests: list[bytes], finished: asyncio.Future) -> None:
        self.requests = iter(requests)
        self.finished = finished
        self.left = b""

    def connection_made(self, transport) -> None:
        self.transport = transport
        transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        self.left += data
        head, end, body = self.left.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.partition(b"content-length: ")[2].partition(b"\r")[0]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.finished.set_exception(AssertionError(self.left))
            return
        self.left = b""
        request = next(self.requests, None)
        if request is None:
            self.finished.set_result(None)
            self.transport.close()
        else:
            self.transport.write(request)


async def _send(port: int, requests: list[bytes], connections: int) -> float:
    loop = asyncio.get_running_loop()
    futures = []
    began = time.perf_counter()
    for lane in range(connections):
        finished = loop.create_future()
        futures.append(finished)
        await loop.create_connection(
            lambda f=finished, n=lane: Lane(requests[n::connections], f), "127.0.0.1", port
        )
    await asyncio.gather(*futures)
    return time.perf_counter() - began


def send(port: int, requests: list[bytes], connections: int) -> float:
    """Seconds to have everything acknowledged."""
    import uvloop

    return uvloop.run(_send(port, requests, connections))


async def _blind(scope, receive, answer) -> None:
    more = True
    while more:
        more = (await receive())["more_body"]
    await answer({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await answer({"type": "http.response.body", "body": b""})


def serve_blind(listener: socket.socket) -> None:
    import uvicorn

    pin(os.getpid(), 0)
    uvicorn.Server(
        uvicorn.Config(
            _blind, loop="uvloop", http="httptools", lifespan="off", log_level="critical", access_log=False
        )
    ).run(sockets=[listener])


def pin(pid: int, core: int) -> None:
    cores = sorted(os.sched_getaffinity(0) | {0})
    if len(cores) > 1:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {cores[core % len(cores)]})


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Round(NamedTuple):
    pings_per_s: float
    cpu_us_per_ping: float
    busy: float


@contextlib.contextmanager
def blind_server() -> Iterator[tuple[int, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = multiprocessing.get_context("fork").Process(
            target=serve_blind, args=(listener,), daemon=True
        )
        process.start()
        try:
            yield process.pid, listener.getsockname()[1]
        finally:
            process.terminate()
            process.join()


@contextlib.contextmanager
def endpoint(store: Path, *, fsync: bool, two_cores: bool) -> Iterator[tuple[int, int]]:
    with EndpointProcess(Settings(schemas="wire", store=str(store), fsync=fsync)) as running:
        if not two_cores:
            pin(running.pid, 0)
        yield running.pid, int(running.url.rsplit(":", 1)[1])


def accepted(port: int) -> int:
    return httpx.get(f"http://127.0.0.1:{port}/ledger").json()["accepted"]


def one_round(server: tuple[int, int], requests: list[bytes], pings: int, connections: int) -> Round:
    pid, port = server
    before = cpu_s(pid)
    took = send(port, requests, connections)
    spent = cpu_s(pid) - before
    return Round(pings / took, spent / pings * 1e6, spent / took)


def make_room(store: Path, size: int) -> None:
    """Have the store's file own so many bytes of free pages, and the page cache with them."""
    with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as database:
        database.execute("CREATE TABLE room (bytes BLOB)")
        for _ in range((size >> 23) + 1):
            database.execute("INSERT INTO room VALUES (zeroblob(8388608))")
        database.execute("DROP TABLE room")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def median(rounds: list[Round]) -> Round:
    return Round(*map(statistics.median, zip(*rounds, strict=True)))


def measure(rounds: int, count: int, directory: Path, chosen: argparse.Namespace) -> dict[str, list[Round]]:
    """Every form's rounds, by its name and by `blind` and its name, after one round of warm-up each."""
    head, given, tail = orjson.dumps(example(PING, "wire")).partition(CLIENT)

    def body(number: int) -> bytes:
        return b"%b%08x%b%b" % (head, number, given[8:], tail)

    forms = {
        "one a request": (lambda run: one_each(run, count, body), count, 32),
        "batches of 100": (lambda run: in_batches(run, count * 4, body, 100), count * 4, 8),
    }
    found: dict[str, list[Round]] = defaultdict(list)
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(
                endpoint(directory / name, fsync=chosen.fsync, two_cores=chosen.two_cores)
            )
            for name in forms
        }
        for name, (_, pings, _) in forms.items():
            make_room(directory / name, (rounds + 1) * pings * BYTES)
        blind = stack.enter_context(blind_server())
        pin(os.getpid(), 1)
        for run in range(rounds + 1):
            for name, (make, pings, connections) in forms.items():
                requests = make(run)
                found[name].append(one_round(servers[name], requests, pings, connections))
                found["blind " + name].append(one_round(blind, requests, pings, connections))
        for name, (_, pings, _) in forms.items():
            counted = accepted(servers[name][1])
            assert counted == pings * (rounds + 1), (name, counted)
    return {name: timed[1:] for name, timed in found.items()}


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--tiny", action="store_true")
    options.add_argument("--fsync", action="store_true")
    options.add_argument("--two-cores", action="store_true", help="do not pin the endpoint to one core")
    chosen = options.parse_args()
    rounds, count = (1, 2_000) if chosen.tiny else (5, 40_000)
    with tempfile.TemporaryDirectory(prefix="telsim-bench-") as directory:
        timed = measure(rounds, count, Path(directory), chosen)
    single = median(timed["one a request"]).pings_per_s
    found = {}
    for name in [name for name in timed if not name.startswith("blind")]:
        middle = median(timed[name])
        rates = [each.pings_per_s for each in timed[name]]
        blind = median(timed["blind " + name]).pings_per_s
        found[name] = {
            "pings_per_s": round(middle.pings_per_s),
            "cpu_us_per_ping": round(middle.cpu_us_per_ping, 2),
            "busy": round(middle.busy, 2),
            "of_blind": round(middle.pings_per_s / blind, 3),
            "of_one_a_request": round(middle.pings_per_s / single, 2),
        }
        print(
            f"{name:>15}: {middle.pings_per_s:>9,.0f} pings/s ({min(rates):,.0f} to {max(rates):,.0f})"
            f"  {middle.cpu_us_per_ping:6.2f} us CPU a ping, busy {middle.busy:4.2f}"
            f"  {middle.pings_per_s / blind:5.3f} of a blind server"
            f"  {middle.pings_per_s / single:5.2f} of one a request"
        )
    json.dump(found, sys.stdout)
    print()


if __name__ == "__main__":
    main()
