"""How many pings the endpoint takes: validated, deduplicated, durable; one a request, and in batches of 100.

    python tests/benchmarks/endpoint/run.py            about a minute
    python tests/benchmarks/endpoint/run.py --tiny     a few seconds, for a look whether it still runs

Everything runs over loopback with the whole process. The pings are catalogue examples with a fresh id each, sent
by a closed loop of ready-made bytes from a second process, each side on a core of its own where there are two.
Beside each figure stands its ratio to a reference from the same run: uvicorn alone, answering the same requests
without looking at them. CPU time of the endpoint's process tells more than the rate where the sender is slower.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import socket
import statistics
import sys
import time
from pathlib import Path

import httpx
import orjson

from simulator.catalogue import example
from simulator.endpoint import EndpointProcess, Settings

ROUTE = "activity-stream/events/1"
PING = "topsite_click"


def uid(run: int, number: int) -> bytes:
    return b"%08x-%04x-4000-8000-000000000000" % (number, run)


def one_each(run: int, count: int, body: bytes) -> list[bytes]:
    head = (
        b"POST /submit/%b/%%b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json; charset=UTF-8\r\n"
        % ROUTE.encode()
    )
    head += b"Date: Sat, 21 Nov 2026 04:56:06 GMT\r\nContent-Length: %d\r\n\r\n" % len(body)
    return [head % uid(run, number) + body for number in range(count)]


def in_batches(run: int, count: int, body: bytes, size: int) -> list[bytes]:
    requests = []
    for start in range(0, count, size):
        items = b",".join(
            b'{"id":"%b","route":"%b","body":%b}' % (uid(run, number), ROUTE.encode(), body)
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


@contextlib.contextmanager
def blind_server():
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


def measure(pid: int, port: int, make, *, rounds: int, count: int, connections: int) -> tuple[float, float]:
    """Median pings/s and median CPU microseconds a ping, after one round of warm-up."""
    rates, costs = [], []
    for run in range(rounds + 1):
        requests = make(run, count)
        before = cpu_s(pid)
        took = send(port, requests, connections)
        if run:
            rates.append(count / took)
            costs.append((cpu_s(pid) - before) / count * 1e6)
    return statistics.median(rates), statistics.median(costs)


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--tiny", action="store_true")
    options.add_argument("--fsync", action="store_true")
    options.add_argument("--two-cores", action="store_true", help="do not pin the endpoint to one core")
    chosen = options.parse_args()
    rounds, count = (1, 2_000) if chosen.tiny else (5, 40_000)
    body = orjson.dumps(example(PING, "wire"))
    forms = {
        "one a request": (lambda run, n: one_each(run, n, body), count, 32),
        "batches of 100": (lambda run, n: in_batches(run + 1000, n, body, 100), count * 4, 8),
    }
    found = {}
    for name, (make, pings, connections) in forms.items():
        with EndpointProcess(Settings(schemas="wire", fsync=chosen.fsync)) as endpoint:
            if not chosen.two_cores:
                pin(endpoint.pid, 0)
            pin(os.getpid(), 1)
            port = int(endpoint.url.rsplit(":", 1)[1])
            rate, cost = measure(
                endpoint.pid, port, make, rounds=rounds, count=pings, connections=connections
            )
            counted = httpx.get(endpoint.url + "/ledger").json()
            assert counted["accepted"] == pings * (rounds + 1), counted
        with blind_server() as (pid, port):
            blind, _ = measure(pid, port, make, rounds=1, count=pings, connections=connections)
        found[name] = {
            "pings_per_s": round(rate),
            "cpu_us_per_ping": round(cost, 2),
            "of_blind": round(rate / blind, 3),
        }
        print(
            f"{name:>15}: {rate:>9,.0f} pings/s  {cost:6.2f} us CPU a ping  {rate / blind:5.2f} of a blind server"
        )
    json.dump(found, sys.stdout)
    print()


if __name__ == "__main__":
    main()
