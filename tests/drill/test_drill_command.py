"""Drills from the command line, against telsim's endpoint and against one that is broken by commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.endpoint import EndpointProcess, Settings
from simulator.engine import generate
from simulator.scenario import load_scenario
from simulator.simulation import Plan

pytestmark = pytest.mark.slow

SHORT = ("--rate", "100", "--before", "2s", "--outage", "3s", "--after", "4s", "--json")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drill") / "corpus"
    scenario, text = load_scenario("outage-recovery", overrides={"clients": 100})
    generate(Plan(scenario, scenario.seed, scenario.dialect), path, scenario_text=text)
    return path


def telsim_drill(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulator", "drill", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)


def drilled(corpus: Path, out: Path, *options: str) -> dict[str, Any]:
    done = telsim_drill(corpus, "--out", out, *SHORT, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result == json.loads((out / "drill.json").read_text())
    assert (out / "run" / "report.html").exists()
    return result


def adds_up(result: dict[str, Any]) -> None:
    fates = result["fates"]
    ended = ("delivered", "rejected", "stored_unanswered", "lost_by_policy", "lost_by_fault", "unsent")
    assert sum(fates[name] for name in ended) == fates["pings"] == 900
    assert fates["lost_by_fault"] == 0
    assert fates["ledger"] == fates["delivered"] + fates["stored_unanswered"]
    assert result["verdict"] == "pass"


def test_killed_under_clients_that_keep_their_pings(corpus: Path, tmp_path: Path) -> None:
    result = drilled(corpus, tmp_path / "d", "--mode", "down", "--policy", "glean")
    adds_up(result)
    assert result["fates"]["delivered"] == 900
    assert result["fates"]["tried_again"] > 100
    assert result["recovery"]["peak_per_s"] > 110, "the wave is higher than the steady load"


def test_killed_under_clients_that_forget(corpus: Path, tmp_path: Path) -> None:
    result = drilled(corpus, tmp_path / "d", "--mode", "down", "--policy", "none")
    adds_up(result)
    assert result["fates"]["lost_by_policy"] + result["fates"]["stored_unanswered"] > 100
    assert result["fates"]["tried_again"] < 50, "but for requests on connections that were closed already"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "policy"),
    [("500", "legacy"), ("hang", "none"), ("slow", "glean"), ("reset", "glean"), ("disk_full", "glean")],
)
def test_each_failure_leaves_a_ledger_that_adds_up(
    corpus: Path, tmp_path: Path, mode: str, policy: str
) -> None:
    result = drilled(corpus, tmp_path / "d", "--mode", mode, "--policy", policy)
    adds_up(result)
    met = result["recovery"]
    assert met["delayed"] + met["given_up"] + met["tried_again"] > 100


def test_an_endpoint_of_ones_own_is_broken_and_mended_by_commands(corpus: Path, tmp_path: Path) -> None:
    post = "import sys, httpx; httpx.post(sys.argv[1], json={'mode': sys.argv[2]}).raise_for_status()"
    with EndpointProcess(Settings(schemas="wire", faults=True)) as endpoint:
        switch = f'{sys.executable} -c "{post}" {endpoint.url}/__fault__'
        result = drilled(
            corpus,
            tmp_path / "d",
            *("--host", endpoint.url, "--down-command", f"{switch} 500", "--up-command", f"{switch} none"),
        )
    adds_up(result)
    assert result["fates"]["tried_again"] > 100


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--mode", "explode"), "down, 500, hang"),
        (("--policy", "pray"), "glean, legacy, none"),
        (("--rate", "100000"), "pings, and"),
        (("--outage", "2h"), "longer than an hour"),
        (("--outage", "0s"), "at least 1 s"),
        (("--host", "http://127.0.0.1:9"), "--down-command"),
        (("--host", "http://198.51.100.7", "--down-command", "x", "--up-command", "y"), "--allow-host"),
        (("--down-command", "true"), "go with --host"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    corpus: Path, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    done = telsim_drill(corpus, "--out", tmp_path / "d", *options)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr


def test_a_directory_holds_one_drill(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    done = telsim_drill(corpus, "--out", tmp_path)
    assert done.returncode == 2
    assert "already holds a drill" in done.stderr


def test_a_command_that_fails_fails_the_drill_and_is_named(corpus: Path, tmp_path: Path) -> None:
    with EndpointProcess(Settings(schemas="wire")) as endpoint:
        commands = ("--down-command", "false", "--up-command", "true")
        done = telsim_drill(corpus, "--out", tmp_path / "d", *SHORT, "--host", endpoint.url, *commands)
    assert done.returncode == 1
    assert "false ended with 1" in done.stderr
