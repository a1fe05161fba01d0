import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from outside import Run

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


def test_json_output_is_json_alone(telsim: Run) -> None:
    done = telsim("smoke", "--clients", 16, "--json")
    assert json.loads(done.stdout)["verdict"] == "pass", done.stderr
