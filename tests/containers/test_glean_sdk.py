"""A real client agrees: glean-sdk 52.2.0 on loopback sends what our sender sends for the same events."""

from __future__ import annotations

import gzip
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from glean_client import EVENTS_BEFORE_CAPACITY

from simulator.pings.nimbus.change import Change
from simulator.pings.nimbus.standard_events import glean_event
from simulator.wire import CARRIER_HEADERS

pytestmark = [
    pytest.mark.skipif(find_spec("glean") is None, reason="glean-sdk is not installed here"),
    pytest.mark.slow,
]

CLIENT = Path(__file__).with_name("glean_client.py")
#: What the Python client does not say of itself, and Firefox does.
ONLY_OURS = {".client_info.locale:str"}
START = 1_639_562_430_123
PINGS = 7


@contextmanager
def real_client(server: str, data_dir: Path) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(CLIENT), server, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.fixture
def sink() -> Iterator[tuple[str, queue.Queue[tuple[str, dict[str, str], bytes]]]]:
    received: queue.Queue[tuple[str, dict[str, str], bytes]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.put((self.path, dict(self.headers), body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


def structure(value: Any, path: str = "") -> set[str]:
    """Every key of a document with the type of what it holds. Items of a list share one place."""
    if isinstance(value, dict):
        return set().union(*(structure(item, f"{path}.{key}") for key, item in value.items())) or {path}
    if isinstance(value, list):
        return set().union(*(structure(item, f"{path}[]") for item in value))
    return {f"{path}:{type(value).__name__}"}


def ours(bench) -> list[tuple[str, dict[str, Any]]]:
    """Our sender, told what the real client is told."""
    change = Change(
        "enroll", "exp-a", branch="control", feature="cfr", experiment_type="nimbus", enrollment_id="id"
    )
    enrollment = glean_event("wire", "enroll", change, mobile=False)
    exposure = glean_event("wire", "expose", change, mobile=False)
    glean = bench.glean()
    glean.start(START)
    glean.active(START)
    bench.annotations.enrol(
        "exp-a",
        "control",
        experiment_type="nimbus",
        enrollment_id="f1c1b4f0-7d0e-4c8e-9a49-0d0e7d5f7a11",
    )
    glean.record(START, enrollment)
    glean.record(START, exposure)
    glean.inactive(START)
    glean.active(START)
    for _ in range(EVENTS_BEFORE_CAPACITY):
        glean.record(START, exposure)
    bench.annotations.unenrol("exp-a")
    glean.inactive(START)
    return [(ping, document) for _, ping, document in bench.pings()]


def by_place(pings: list[tuple[str, dict[str, Any]]]) -> dict[tuple[str, str, int], dict[str, Any]]:
    """Pings by name, reason and sequence number; delivery may reorder them."""
    return {(name, d["ping_info"]["reason"], d["ping_info"]["seq"]): d for name, d in pings}


def test_our_pings_have_the_keys_of_the_real_ones(bench, sink, tmp_path):
    server, received = sink
    with real_client(server, tmp_path):
        requests = [received.get(timeout=30) for _ in range(PINGS)]
    real = []
    for path, headers, body in requests:
        _, _, application, name, version, document_id = path.split("/")
        assert (application, version, len(document_id)) == ("firefox-desktop", "1", 36)
        assert headers["Content-Encoding"] == "gzip"
        expected = CARRIER_HEADERS["glean"]
        assert headers["Content-Type"] == expected["Content-Type"]
        assert headers["X-Telemetry-Agent"].split(" ")[0] == expected["X-Telemetry-Agent"].split(" ")[0]
        document = json.loads(gzip.decompress(body))
        assert list(document) == sorted(document)
        real.append((f"glean_{name}_ping", document))
    theirs, mine = by_place(real), by_place(ours(bench))
    assert set(theirs) == set(mine)
    for place, document in theirs.items():
        assert structure(mine[place]) - ONLY_OURS == structure(document), place
        assert ("experiments" in document["ping_info"]) == ("experiments" in mine[place]["ping_info"])
        assert len(document.get("events", [])) == len(mine[place].get("events", []))
        counted = document.get("metrics", {}).get("labeled_counter")
        assert mine[place].get("metrics", {}).get("labeled_counter") == counted, place


def test_serve_accepts_what_the_real_client_sends(tmp_path):
    endpoint = subprocess.Popen(
        [sys.executable, "-m", "simulator", "serve", "--port", "0", "--dialect", "wire"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = endpoint.stdout.readline().split()[-1]
        with real_client(url, tmp_path):
            ledger = _wait_for(f"{url}/ledger", PINGS)
    finally:
        endpoint.terminate()
        endpoint.communicate(timeout=30)
    assert (ledger["accepted"], ledger["rejected"], ledger["duplicates"]) == (PINGS, 0, 0)


def _wait_for(url: str, count: int) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while True:
        ledger: dict[str, Any] = httpx.get(url, timeout=5).json()
        if ledger["accepted"] + ledger["rejected"] >= count or time.monotonic() > deadline:
            return ledger
        time.sleep(0.05)
