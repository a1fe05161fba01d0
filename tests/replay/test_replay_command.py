"""`telsim replay` against the embedded endpoint and against servers that nobody here wrote."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import numpy as np
import pytest
from replay_rig import free_port

from simulator.records import STATES
from simulator.rundir import read_outcomes, read_run_meta

pytestmark = pytest.mark.slow

PRODUCTION = "incoming.telemetry.mozilla.org"


def telsim(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulator", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, cwd=cwd, check=False
    )


@pytest.fixture(scope="module")
def smoke_corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("smoke")
    done = telsim(
        "generate", "smoke", "--clients", 40, "--dialect", "wire", "--out", folder / "corpus", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return folder / "corpus"


class Endpoint:
    """`telsim serve` in a process of its own."""

    def __init__(self, store: Path, port: int = 0) -> None:
        command = [sys.executable, "-m", "simulator", "serve", "--dialect", "wire"]
        command += ["--port", str(port), "--store", str(store)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.search(r"listening on (http://\S+)", line):
                self.url = found[1]
                return
        raise AssertionError("the endpoint does not come up")

    def entries(self) -> list[dict[str, object]]:
        text = httpx.get(f"{self.url}/ledger/entries?after=0&limit=1000000", trust_env=False).text
        return [json.loads(line) for line in text.splitlines()]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def endpoint(tmp_path) -> Iterator[Endpoint]:
    running = Endpoint(tmp_path / "store.sqlite3")
    yield running
    running.kill()


@pytest.mark.parametrize(
    "target", [["structured"], ["structured", "--gzip", "on"], ["ndjson", "--batch", "50"]]
)
def test_replay_accounts_for_every_ping_and_passes(target, smoke_corpus, endpoint, tmp_path):
    done = telsim(
        *("replay", smoke_corpus, "--host", endpoint.url, "--run-dir", tmp_path / "run", "--target", *target),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    rows = read_outcomes(tmp_path / "run")
    assert summary["pings"] == summary["accepted"] == len(rows)
    assert summary["lost"] == summary["duplicated"] == summary["unknown"] == 0
    ledger = {entry["id"] for entry in endpoint.entries() if entry["state"] == "accepted"}
    assert {row.decode() for row in rows["id"]} == ledger


def test_an_option_that_nobody_knows_is_told_in_locusts_name(smoke_corpus, tmp_path):
    done = telsim("replay", smoke_corpus, "--host", "http://127.0.0.1:9", "--no-such-option", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.endswith("locust: error: unrecognized arguments: --no-such-option\n")
    assert list(tmp_path.iterdir()) == []


def test_an_endpoint_killed_in_the_middle_leaves_nothing_falsely_accepted(smoke_corpus, endpoint, tmp_path):
    """SIGKILL under load, then a new endpoint on the same store and port: every ping ends in one state."""
    port = int(endpoint.url.rsplit(":", 1)[1])
    command = [sys.executable, "-m", "simulator", "replay", str(smoke_corpus), "--host", endpoint.url]
    command += ["--run-dir", str(tmp_path / "run"), "--pace", "rate 500", "--ledger", "none", "-u", "16"]
    replay = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path
    )
    try:
        _wait_until(lambda: endpoint_count(endpoint.url) > 300)
        endpoint.kill()
        threading.Event().wait(0.5)
        again = Endpoint(tmp_path / "store.sqlite3", port)
        try:
            replay.wait(60)
            stored = {str(entry["id"]) for entry in again.entries() if entry["state"] == "accepted"}
        finally:
            again.kill()
    finally:
        replay.kill()
        replay.wait()
    rows = read_outcomes(tmp_path / "run")
    records = read_run_meta(tmp_path / "run").corpus.records
    assert np.unique(rows["row"]).size == len(rows) == records
    states = {STATES[number]: int(count) for number, count in enumerate(np.bincount(rows["state"])) if count}
    assert set(states) <= {"accepted", "unknown"}
    assert states["accepted"] > records * 0.9
    accepted = {row["id"].decode() for row in rows if row["state"] == STATES.index("accepted")}
    assert accepted <= stored  # every ping that was acknowledged is in the store


def endpoint_count(url: str) -> int:
    return int(httpx.get(f"{url}/ledger", trust_env=False).json()["accepted"])


def _wait_until(condition) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if condition():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it did not come to that")


class Foreign(BaseHTTPRequestHandler):
    """The standard library's server; it answers in pieces and closes in its own way."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        if self.protocol_version == "HTTP/1.1":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"2\r\nok\r\n")
            self.wfile.write(b"0\r\n\r\n")
            self.close_connection = len(self.server.seen) % 50 == 0  # closes now and then without a word
        else:
            self.end_headers()
            self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("protocol", ["HTTP/1.0", "HTTP/1.1"])
def test_a_server_that_nobody_here_wrote_is_served_without_a_failure(protocol, smoke_corpus, tmp_path):
    handler = type("Handler", (Foreign,), {"protocol_version": protocol})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.seen = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        done = telsim(
            *(
                "replay",
                smoke_corpus,
                "--host",
                url,
                "--run-dir",
                tmp_path / "run",
                "--ledger",
                "none",
                "-u",
                8,
            ),
            cwd=tmp_path,
        )
        server.shutdown()
    rows = read_outcomes(tmp_path / "run")
    assert (rows["state"] == STATES.index("accepted")).all(), done.stdout
    assert len(server.seen) == len(rows)
    assert set(read_run_meta(tmp_path / "run").errors) == set()


def test_the_default_run_directory_is_the_next_free_one(smoke_corpus, endpoint, tmp_path):
    for _ in range(2):
        assert telsim("replay", smoke_corpus, "--host", endpoint.url, cwd=tmp_path).returncode in (0, 1)
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["corpus-1", "corpus-2"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--host", "http://192.0.2.1"], 2, "--allow-host"),
        (["--host", f"https://{PRODUCTION}", f"--allow-host={PRODUCTION}"], 2, "always"),
        (["--target", "nothing"], 2, "there is no target"),
        (["--threshold", "p99<soon"], 2, "p99"),
        (["--no-such-option"], 2, "no-such-option"),
    ],
)  # fmt: skip
def test_misuse_is_explained_with_exit_2(arguments, code, words, smoke_corpus, tmp_path):
    host = [] if "--host" in arguments else ["--host", f"http://127.0.0.1:{free_port()}"]
    done = telsim("replay", smoke_corpus, *host, *arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_endpoint_that_is_down_exits_1_and_keeps_the_outcomes(smoke_corpus, tmp_path):
    host = f"http://127.0.0.1:{free_port()}"
    done = telsim("replay", smoke_corpus, "--host", host, "--run-dir", tmp_path / "run", cwd=tmp_path)
    assert done.returncode == 1
    assert "Connection refused" in done.stderr
    rows = read_outcomes(tmp_path / "run")
    assert (rows["state"] == STATES.index("unsent")).all()
    assert len(rows) == read_run_meta(tmp_path / "run").corpus.records


def test_ctrl_c_reaches_the_run_once_and_exits_130(smoke_corpus, endpoint, tmp_path):
    command = [sys.executable, "-m", "simulator", "replay", str(smoke_corpus), "--host", endpoint.url]
    command += ["--run-dir", str(tmp_path / "run"), "--pace", "rate 200"]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        cwd=tmp_path, start_new_session=True,
    )  # fmt: skip
    try:
        _wait_until(lambda: endpoint_count(endpoint.url) > 100)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.wait()
    rows = read_outcomes(tmp_path / "run")
    assert len(rows) == read_run_meta(tmp_path / "run").corpus.records
    assert read_run_meta(tmp_path / "run").interrupted
    states = set(np.unique(rows["state"]).tolist())
    assert states == {STATES.index("accepted"), STATES.index("unsent")}


def test_targets_are_listed_shown_and_described(tmp_path):
    listed = telsim("targets", cwd=tmp_path)
    assert listed.returncode == 0
    assert len(listed.stdout.splitlines()) == 12
    assert "SPLUNK_HEC_TOKEN" in listed.stdout
    shown = telsim("targets", "json-array", cwd=tmp_path)
    (tmp_path / "mine.toml").write_text(shown.stdout, encoding="utf-8")
    assert telsim("targets", tmp_path / "mine.toml", cwd=tmp_path).returncode == 0
    (tmp_path / "mine.toml").write_text(shown.stdout.replace("separator", "seperator"), encoding="utf-8")
    bad = telsim("targets", tmp_path / "mine.toml", cwd=tmp_path)
    assert bad.returncode == 2
    assert "envelope.seperator" in bad.stderr
    assert "did you mean separator?" in bad.stderr
    assert json.loads(telsim("targets", "--json", cwd=tmp_path).stdout)[0]["name"] == "clickhouse-jsoneachrow"
    assert "properties" in json.loads(telsim("targets", "--json-schema", cwd=tmp_path).stdout)
