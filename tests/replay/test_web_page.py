"""Locust's web page with our options in the start form and our tabs, in a real browser."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from replay_rig import LOCUSTFILES, OK, free_port

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


STAGES = OK.replace(b"Content-Length", b"Server-Timing: parse;dur=0.25, store;dur=1.5\r\nContent-Length")


def slow(connection, seen) -> None:
    threading.Event().wait(0.02)
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nServer-Timing: parse;dur=0.25, store;dur=1.5\r\nContent-Length: 0\r\n\r\n"
        if seen.number
        else OK
    )


@pytest.fixture
def page(corpus, odd_server, tmp_path) -> Iterator[tuple[str, dict[str, str]]]:
    """A Locust with its page, not yet started, and the form to start it with."""
    server = odd_server(slow)
    made, port = corpus(3000), free_port()
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILES / "replay.py")]
    command += ["--web-host", "127.0.0.1", "--web-port", str(port)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    url = f"http://127.0.0.1:{port}"
    form = {
        "host": server.url,
        "user_count": "4",
        "spawn_rate": "100",
        "corpus": str(made.path),
        "pace": "rate 100",
        "run_dir": str(tmp_path / "run"),
    }
    try:
        _wait_for(url)
        yield url, form
    finally:
        process.kill()
        process.communicate()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            httpx.get(url, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            threading.Event().wait(0.1)
        else:
            return
    raise AssertionError("the page does not come up")


def dom(url: str, profile: Path) -> str:
    """The page as a browser shows it after some seconds."""
    done = subprocess.run(
        [
            str(CHROMIUM),
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server"),
            f"--user-data-dir={profile}",
            "--virtual-time-budget=8000",
            "--dump-dom",
            url,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def start(url: str, form: dict[str, str]) -> None:
    answer = httpx.post(f"{url}/swarm", data=form, trust_env=False)
    assert answer.json()["success"], answer.text


def test_the_page_starts_a_run_and_its_figures_are_there(page):
    url, form = page
    start(url, form)
    deadline = time.monotonic() + 20
    tables: dict[str, list[dict[str, object]]] = {}
    while time.monotonic() < deadline and not tables.get("telsim-hot-path"):
        threading.Event().wait(0.3)
        document = httpx.get(f"{url}/stats/requests", trust_env=False).json()
        tables = {entry["key"]: entry["data"] for entry in document["extended_stats"]}
    assert [row["label"] for row in tables["telsim-labels"]] == ["valid"]
    assert {row["what"].split(",")[0] for row in tables["telsim-latency"]} == {
        "response time",
        "service time",
        "lateness",
    }
    stages = {row["stage"]: row["mean_ms_a_request"] for row in tables["telsim-hot-path"]}
    assert stages == {"parse": 0.25, "store": 1.5}
    httpx.post(f"{url}/stop", trust_env=False).raise_for_status()
    # Again in the same process: a run directory of its own, and nothing left of the first run's figures.
    start(url, form)
    deadline = time.monotonic() + 20
    second = Path(form["run_dir"] + "-2")
    while time.monotonic() < deadline and not second.exists():
        threading.Event().wait(0.2)
    httpx.post(f"{url}/stop", trust_env=False).raise_for_status()
    assert (Path(form["run_dir"]) / "run.json").exists()
    assert (second / "run.json").exists()


def test_a_pings_part_of_a_stage_is_that_of_the_batches_as_they_were():
    from web_tab import _stage_rows

    collector = SimpleNamespace(
        request=SimpleNamespace(batch=500), totals={"requests": 4, "pings": 40}, stages={"parse": [8.0, 2]}
    )
    (row,) = _stage_rows(collector)
    assert (row["mean_ms_a_request"], row["mean_ms_a_ping"]) == (4.0, 0.4)


def test_a_host_in_the_form_is_guarded_like_one_on_the_command_line(page):
    url, form = page
    start(url, {**form, "host": "http://192.0.2.1"})
    deadline = time.monotonic() + 10
    state = ""
    while time.monotonic() < deadline and state != "stopped":
        threading.Event().wait(0.2)
        document = httpx.get(f"{url}/stats/requests", trust_env=False).json()
        state = document["state"]
    assert state == "stopped"
    assert document["total_rps"] == 0


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the PATH")
def test_a_browser_shows_form_and_tabs(page, tmp_path):
    url, form = page
    shown = dom(url, tmp_path / "profile")
    for option in ("corpus", "pace", "batch", "warmup"):
        assert f'name="{option}"' in shown or f">{option}" in shown.lower()
    start(url, form)
    threading.Event().wait(2)
    labels = dom(f"{url}/?tab=telsim-labels", tmp_path / "profile")
    for title in ("Lateness", "Labels", "Hot path"):
        assert title in labels
    assert ">valid<" in labels
    stages = dom(f"{url}/?tab=telsim-hot-path", tmp_path / "profile")
    assert ">store<" in stages
    assert ">1.5<" in stages
    lateness = dom(f"{url}/?tab=telsim-latency", tmp_path / "profile")
    assert "from the real send" in lateness
