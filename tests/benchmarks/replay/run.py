"""How fast the replay is: FastHttpUser, our lane and wrk in turn on the same null sink, with the ratios.

    python tests/benchmarks/replay/run.py            about two minutes
    python tests/benchmarks/replay/run.py --tiny     some seconds, for a look whether it still runs

One generator process each, 32 connections, POST bodies of 600 bytes; FastHttpUser and the replay send a fresh
document id and body with every request, wrk one fixed request. The sink is nginx (`return 200`, one process) where
it is installed, else telsim's own null sink; without wrk its column is left out. Every round runs all clients one
after the other; the table shows each one's best round, for whatever else the machine does can only slow it down.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from simulator.corpus import write_corpus
from simulator.histogram import unpack
from simulator.randomness import split_uuids, uuid_text
from simulator.records import Ping
from simulator.rundir import read_run_meta
from simulator.shipped import locustfile_path

HERE = Path(__file__).resolve().parent
BODY_BYTES = 600
LANES = 32
ROUTE = "activity-stream/events/1"

NGINX = """
worker_processes 1; daemon off; pid {d}/pid; error_log {d}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_buffer_size 1m; client_max_body_size 20m;
  client_body_temp_path {d}/b; proxy_temp_path {d}/p; fastcgi_temp_path {d}/f; uwsgi_temp_path {d}/u;
  scgi_temp_path {d}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 ""; }} }}
}}
"""
WRK = 'wrk.method = "POST"\nwrk.body = string.rep("x", {bytes})\n'


@dataclass(frozen=True)
class Settings:
    """How much to do."""

    seconds: float
    rounds: int
    pings: int


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def sink(directory: Path) -> Iterator[tuple[str, str]]:
    """A null sink's name and URL."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if nginx:
        port = free_port()
        (directory / "nginx.conf").write_text(NGINX.format(d=directory, port=port))
        command = [nginx, "-c", str(directory / "nginx.conf"), "-p", str(directory)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    else:
        command = [sys.executable, str(locustfile_path().with_name("null_sink.py"))]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        port = int(process.stdout.readline())
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield ("nginx" if nginx else "telsim's null sink (nginx is not here)"), f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def make_corpus(path: Path, count: int) -> None:
    ids = split_uuids(uuid_text(np.uint64(1), np.arange(count, dtype=np.uint64)))
    filler = "x" * (BODY_BYTES - 80)
    write_corpus(
        path,
        (
            Ping(
                id=id_,
                due_ms=1_700_000_000_000 + n,
                client=n % 1000,
                ping="topsite_click",
                product="firefox",
                route=ROUTE,
                label="valid",
                expect="accept",
                method="POST",
                path=f"/submit/{ROUTE}/{id_}",
                body=msgspec.Raw(msgspec.json.encode({"client_id": id_, "n": n, "filler": filler})),
            )
            for n, id_ in enumerate(ids)
        ),
        dialect="wire",
    )


def locust(file: Path, url: str, seconds: float, *more: str) -> str:
    command = [sys.executable, "-m", "locust", "-f", str(file), "--headless", "--only-summary", "--host", url]
    command += ["-t", f"{seconds:g}s", "--loglevel", "WARNING", *more]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        sys.exit(f"locust failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def fast_http_user(url: str, seconds: float) -> float:
    output = locust(HERE / "fast_http_user.py", url, seconds, "-u", str(LANES), "-r", "100")
    return float(next(line for line in output.splitlines() if line.startswith("RATE ")).split()[1])


@dataclass(frozen=True)
class Replayed:
    """What a replay's `run.json` says."""

    requests_per_s: float
    pings_per_s: float
    lateness_p99_ms: float
    corrected_p99_ms: float


def replay(corpus: Path, url: str, seconds: float, *more: str, lanes: int = LANES) -> Replayed:
    with tempfile.TemporaryDirectory() as directory:
        run = Path(directory) / "run"
        options = ("--corpus", str(corpus), "-u", str(lanes), "--repeat", "0", "--run-dir", str(run), *more)
        locust(locustfile_path(), url, seconds, *options)
        meta = read_run_meta(run)
    window_s = (meta.measured_to_ns - meta.measured_from_ns) / 1e9
    return Replayed(
        meta.requests / window_s,
        meta.pings / window_s,
        unpack(meta.histograms.lateness.total).percentile(99) / 1e6,
        unpack(meta.histograms.corrected.total).percentile(99) / 1e6,
    )


def wrk(directory: Path, url: str, seconds: float) -> float:
    script = directory / "post.lua"
    script.write_text(WRK.format(bytes=BODY_BYTES))
    command = ["wrk", "-t1", f"-c{LANES}", f"-d{max(int(seconds), 1)}s", "-s", str(script)]
    done = subprocess.run([*command, f"{url}/submit/{ROUTE}/x"], capture_output=True, text=True, check=True)
    return float(next(line for line in done.stdout.splitlines() if "Requests/sec" in line).split()[1])


def measure(settings: Settings) -> dict[str, float]:
    rates: dict[str, list[float]] = {"FastHttpUser": [], "replay": [], "wrk -t1": [], "batch 500": []}
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        corpus = directory / "corpus"
        make_corpus(corpus, settings.pings)
        with sink(directory) as (name, url):
            print(f"sink: {name}; {settings.rounds} rounds of {settings.seconds:g} s; {os.cpu_count()} cores")
            if shutil.which("wrk") is None:
                print("wrk is not here: its column and ratio are left out")
            for _ in range(settings.rounds):
                rates["FastHttpUser"].append(fast_http_user(url, settings.seconds))
                rates["replay"].append(replay(corpus, url, settings.seconds).requests_per_s)
                if shutil.which("wrk"):
                    rates["wrk -t1"].append(wrk(directory, url, settings.seconds))
                batches = replay(
                    corpus, url, settings.seconds, "--target", "ndjson", "--batch", "500", lanes=4
                )
                rates["batch 500"].append(batches.pings_per_s)
            late = [
                replay(corpus, url, settings.seconds, "--pace", "rate 2000").lateness_p99_ms
                for _ in range(settings.rounds)
            ]
    figures = {name: max(values) for name, values in rates.items() if values}
    figures["lateness p99"] = min(late)
    return figures


def table(figures: dict[str, float]) -> list[tuple[str, str, str, bool]]:
    fast, ours = figures["FastHttpUser"], figures["replay"]
    rows = [
        ("FastHttpUser", f"{fast:,.0f} requests/s", "", True),
        ("replay", f"{ours:,.0f} requests/s", "", True),
        ("replay / FastHttpUser", f"{ours / fast:.1f}", "at least 5", ours / fast >= 5),
    ]
    if reference := figures.get("wrk -t1"):
        rows.append(("wrk -t1", f"{reference:,.0f} requests/s", "", True))
        rows.append(("replay / wrk -t1", f"{ours / reference:.2f}", "at least 0.6", ours / reference >= 0.6))
    batch = figures["batch 500"]
    rows.append(("replay, batch 500", f"{batch:,.0f} pings/s", "at least 1,000,000", batch >= 1_000_000))
    late = figures["lateness p99"]
    rows.append(("lateness p99 at 2,000 requests/s", f"{late:.2f} ms", "under 2 ms", late < 2))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiny", action="store_true", help="some seconds; no budget is judged")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    settings = Settings(2.0, 1, 5_000) if options.tiny else Settings(5.0, 3, 100_000)
    figures = measure(settings)
    if options.json:
        print(json.dumps(figures))
    rows = table(figures)
    for name, value, budget, good in rows:
        print(f"{name:<34}{value:>22}   {budget}{'' if good or not budget else '   MISSED'}")
    if not options.tiny and not all(good for *_, good in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
