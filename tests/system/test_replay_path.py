import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from outside import ROOT, Run, Served, wait_for

pytestmark = pytest.mark.slow

STATES = ("unsent", "accepted", "rejected", "failed", "unknown")


def outcomes(run: Path) -> np.ndarray:
    return np.concatenate([np.load(path) for path in sorted(run.glob("outcomes-*.npy"))])


def in_state(rows: np.ndarray, state: str) -> set[str]:
    return {one.decode() for one in rows["id"][rows["state"] == STATES.index(state)].tolist()}


def test_plain_locust_replays_by_itself(serve: Callable[..., Served], corpus: Path, tmp_path: Path) -> None:
    endpoint = serve("--dialect", "wire")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "locust", "-f", str(ROOT / "locustfiles" / "replay.py")),
            *("--corpus", str(corpus), "--host", endpoint.url, "--headless", "-u", "16", "-t", "10s"),
            *("--run-dir", "run"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = outcomes(tmp_path / "run")
    records = json.loads((corpus / "corpus.json").read_text())["records"]
    assert len(rows) == records == len(in_state(rows, "accepted"))
    assert set(endpoint.ledger()) == in_state(rows, "accepted")


def test_killing_the_endpoint_loses_nothing_that_was_acknowledged(
    serve: Callable[..., Served],
    started: Callable[..., subprocess.Popen[str]],
    corpus: Path,
    tmp_path: Path,
) -> None:
    store = tmp_path / "store.sqlite3"
    endpoint = serve("--dialect", "wire", "--store", store)
    replay = started("replay", corpus, "--host", endpoint.url, "--pace", "rate 1500", "--run-dir", "run")
    wait_for(lambda: len(endpoint.ledger()) > 500)
    endpoint.kill()
    replay.communicate(timeout=90)
    assert replay.returncode == 1
    again = serve("--dialect", "wire", "--store", store)
    stored = again.ledger()
    rows = outcomes(tmp_path / "run")
    records = json.loads((corpus / "corpus.json").read_text())["records"]
    assert len(rows) == records
    accepted = in_state(rows, "accepted")
    assert 500 <= len(accepted) < records
    assert accepted <= set(stored), "an acknowledged ping is gone"
    assert len(
        in_state(rows, "failed") | in_state(rows, "unknown") | in_state(rows, "unsent")
    ) == records - len(accepted)


def test_an_endpoint_that_is_down_is_said_to_be_down(telsim: Run, corpus: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    began = time.monotonic()
    done = telsim("replay", corpus, "--host", f"http://127.0.0.1:{port}", "--run-dir", "run")
    assert done.returncode == 1
    assert "connect" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert time.monotonic() - began < 60
    assert not in_state(outcomes(tmp_path / "run"), "accepted")


def test_strangers_are_refused_before_the_first_byte(telsim: Run, corpus: Path) -> None:
    done = telsim("replay", corpus, "--host", "http://192.0.2.1:80")
    assert done.returncode == 2
    assert "--allow-host" in done.stderr
    done = telsim(
        "replay",
        corpus,
        "--host",
        "https://incoming.telemetry.mozilla.org",
        "--allow-host",
        "incoming.telemetry.mozilla.org",
    )
    assert done.returncode == 2


def test_a_port_in_use_is_said_to_be_in_use(telsim: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = telsim("serve", "--port", taken.getsockname()[1])
    assert done.returncode == 1
    assert "in use" in done.stderr


def test_ctrl_c_keeps_what_is_done(
    serve: Callable[..., Served], started: Callable[..., subprocess.Popen[str]], corpus: Path, tmp_path: Path
) -> None:
    endpoint = serve("--dialect", "wire")
    replay = started("replay", corpus, "--host", endpoint.url, "--pace", "rate 300", "--run-dir", "run")
    wait_for(lambda: len(endpoint.ledger()) > 100)
    replay.send_signal(2)
    _, errors = replay.communicate(timeout=60)
    assert replay.returncode == 130
    assert "Traceback" not in errors
    rows = outcomes(tmp_path / "run")
    assert in_state(rows, "accepted") == set(endpoint.ledger())
