import json
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from outside import Run, Served

pytestmark = pytest.mark.slow

ACCOUNTED = ("accepted", "rejected", "failed", "unknown", "unsent")


@pytest.mark.parametrize("dialect", ["documented", "wire"])
def test_smoke_accounts_for_every_ping(telsim: Run, tmp_path: Path, dialect: str) -> None:
    done = telsim("smoke", "--dialect", dialect)
    assert done.returncode == 0, done.stderr
    assert "PASS" in done.stdout
    run = tmp_path / "runs" / "smoke-1"
    summary = json.loads((run / "summary.json").read_text())
    corpus = json.loads((run / "corpus" / "corpus.json").read_text())
    assert summary["verdict"] == "pass"
    assert summary["accepted"] == summary["pings"] == corpus["records"] > 4_000
    assert sum(summary[state] for state in ACCOUNTED if state in summary) == corpus["records"]
    assert summary["lost"] == summary["duplicated"] == summary["wrongly_rejected"] == 0
    assert {"run.json", "summary.json", "report.html", "junit.xml"} <= {path.name for path in run.iterdir()}
    assert list(run.glob("outcomes-*.npy"))


@pytest.mark.parametrize("dialect", ["documented", "wire"])
def test_every_carrier_is_accounted_for(telsim: Run, tmp_path: Path, dialect: str) -> None:
    # GraphQL names no document, so this also shows that the ledger can tell such pings apart.
    done = telsim("smoke", "mixed-fleet", "--clients", 25, "--dialect", dialect, "--run-dir", "mixed")
    assert done.returncode == 0, done.stdout + done.stderr
    pings = json.loads((tmp_path / "mixed" / "corpus" / "corpus.json").read_text())["pings"]
    assert {"newtab_session", "main_ping", "glean_baseline_ping", "sourcegraph_log_event"} <= set(pings)


def test_a_threshold_that_fails_turns_exit_code_and_junit_red(telsim: Run, tmp_path: Path) -> None:
    done = telsim("smoke", "--clients", 20, "--threshold", "p99<1us", "--run-dir", "red")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAIL" in done.stdout
    assert json.loads((tmp_path / "red" / "summary.json").read_text())["verdict"] == "fail"
    assert ET.parse(tmp_path / "red" / "junit.xml").getroot().findall(".//failure")  # noqa: S314 - our own file


def test_two_runs_in_one_directory_are_refused(telsim: Run) -> None:
    assert telsim("smoke", "--clients", 16, "--run-dir", "r").returncode == 0
    again = telsim("smoke", "--clients", 16, "--run-dir", "r")
    assert again.returncode == 2
    assert "already" in again.stderr


def test_nothing_temporary_is_left(telsim: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    done = telsim("smoke", "--clients", 16)
    assert done.returncode == 0, done.stderr
    assert list(temporary.iterdir()) == []


def test_json_output_is_json_alone(telsim: Run) -> None:
    done = telsim("smoke", "--clients", 16, "--json")
    assert json.loads(done.stdout)["verdict"] == "pass", done.stderr


def test_what_smoke_does_not_know_goes_to_locust(telsim: Run, tmp_path: Path) -> None:
    done = telsim("smoke", "--clients", 16, "-u", 3, "--pace", "rate 2000", "--run-dir", "r")
    assert done.returncode == 0, done.stderr
    run = json.loads((tmp_path / "r" / "run.json").read_text())
    assert run["command"][run["command"].index("-u") + 1] == "3"
    assert run["pacing"]["text"] == "rate 2000"
    wrong = telsim("smoke", "--no-such-option", "--run-dir", "q")
    assert wrong.returncode == 2
    assert "no-such-option" in wrong.stderr


def test_a_metric_of_the_server_may_stand_on_another_port(
    telsim: Run, tmp_path: Path, serve: Callable[..., Served]
) -> None:
    (tmp_path / "queue.txt").write_text("queue_depth 7\n")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as exporter:
        threading.Thread(target=exporter.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{exporter.server_port}/queue.txt"
        for limit, code in ((10, 0), (5, 1)):
            done = telsim(
                *("smoke", "--clients", 16, "--seed", limit, "--host", serve().url, "--run-dir", f"r{limit}"),
                *("--metrics-url", url, "--threshold", f"metric:queue_depth<{limit}"),
            )
            assert done.returncode == code, done.stdout + done.stderr
            assert "not measured" not in done.stdout
        exporter.shutdown()


@pytest.mark.parametrize(
    ("words", "environment"), [(["--allow-host=192.0.2.1"], ""), ([], "192.0.2.1"), ([], "x.test,192.0.2.1")]
)
def test_a_host_may_be_allowed_in_either_spelling_or_by_the_environment(
    telsim: Run, corpus: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], environment: str
) -> None:
    # The target is looked at after the host, and before anything is sent.
    monkeypatch.setenv("TELSIM_ALLOW_HOST", environment)
    for command in (["smoke"], ["replay", corpus]):
        done = telsim(*command, "--host", "http://192.0.2.1", *words, "--target", "nowhere")
        assert done.returncode == 2
        assert "there is no target" in done.stderr
