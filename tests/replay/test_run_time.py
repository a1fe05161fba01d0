"""`-t`: how long a run lasts, from its first request to what is still under way at its end."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from replay_rig import OK, locust, locust_command, ok

from simulator.records import STATES
from simulator.rundir import read_outcomes, read_run_meta

pytestmark = pytest.mark.slow

ACCEPTED = STATES.index("accepted")


@pytest.fixture
def run_dir(tmp_path) -> Path:
    return tmp_path / "run"


def test_the_run_time_ends_the_run_and_what_is_under_way_is_finished(corpus, odd_server, run_dir):
    def slow(connection, seen) -> None:
        threading.Event().wait(0.02)
        connection.sendall(OK)

    server = odd_server(slow)
    done = locust(
        *(
            "--corpus",
            corpus(50).path,
            "--host",
            server.url,
            "-u",
            4,
            "-t",
            "2s",
            "--repeat",
            0,
            "--run-dir",
            run_dir,
        )
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = read_outcomes(run_dir)
    assert (rows["state"] == ACCEPTED).sum() == len(server.requests)
    assert len({row.decode() for row in rows["id"] if row}) == len(rows)
    assert rows["round"].max() >= 1


@pytest.mark.parametrize("processes", [1, 2])
def test_the_run_time_counts_from_the_first_request_however_long_the_preparation(
    processes, corpus, odd_server, run_dir
):
    server = odd_server(ok)
    done = locust(
        *("--corpus", corpus(50).path, "--host", server.url, "-u", 4, "--pace", "rate 100", "--repeat", 0),
        *("-t", "1s", "--calibrate", "3s", "--run-dir", run_dir),
        *(("--processes", processes) if processes > 1 else ()),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    meta = read_run_meta(run_dir)
    window_s = (meta.measured_to_ns - meta.measured_from_ns) / 1e9
    assert window_s == pytest.approx(
        1, abs=0.6 if processes == 1 else 4
    )  # a worker tells of its start every 3 s
    assert meta.requests == pytest.approx(100 * window_s, rel=0.3)
    assert window_s > 0.8


def test_a_run_is_ended_at_once_while_its_time_is_sat_out(corpus, odd_server, run_dir):
    server = odd_server(ok)
    arguments = ("--corpus", corpus(50).path, "--host", server.url, "--run-dir", run_dir)
    options = ("-u", 2, "--pace", "rate 20", "--repeat", 0, "-t", "4s", "--calibrate", "3s")
    process = subprocess.Popen(
        locust_command(*arguments, *options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        deadline = time.monotonic() + 30
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(2)  # Locust's clock is up by now, that of the run is not
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, output
    assert read_run_meta(run_dir).interrupted
    assert time.monotonic() - asked < 10
