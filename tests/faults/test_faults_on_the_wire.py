"""Every fault over a real socket: Locust sends it, the endpoint decides, the ledger agrees."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from simulator.corpus import open_corpus
from simulator.endpoint import EndpointProcess, Settings
from simulator.engine import generate
from simulator.faults import FAULTS
from simulator.reconcile import Summary, reconcile
from simulator.scenario import parse_scenario
from simulator.shipped import locustfile_path
from simulator.simulation import Plan

pytestmark = pytest.mark.slow

SCENARIO = """
format = 1
name = "every-fault"
start = 2021-12-15T00:00:00Z
duration = "1d"
clients = 40
dialect = "wire"
[faults]
share = 0.9
late = "1h"
[faults.weights]
"""
WEIGHTS = "".join(f"{name} = {0.05 if name == 'oversized_body' else 1}\n" for name in FAULTS)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faults") / "corpus"
    scenario = parse_scenario(SCENARIO + WEIGHTS)
    generate(Plan(scenario, scenario.seed, scenario.dialect), path, scenario_text="")
    return path


def replayed(corpus: Path, run: Path, *options: str) -> Summary:
    with EndpointProcess(Settings(schemas="wire")) as endpoint:
        command = [sys.executable, "-m", "locust", "-f", str(locustfile_path()), "--headless", "-u", "4"]
        command += ["--corpus", str(corpus), "--host", endpoint.url, "--run-dir", str(run), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return reconcile(run, open_corpus(corpus), allow_generator_bound=True)


@pytest.mark.parametrize(
    ("options", "left_out"),
    [((), set()), (("--gzip", "on"), set()), (("--target", "json-array"), {"frame"})],
    ids=["one a request", "gzip", "batches"],
)
def test_every_fault_is_decided_as_its_label_says(
    corpus: Path, tmp_path: Path, options: tuple[str, ...], left_out: set[str]
) -> None:
    summary = replayed(corpus, tmp_path / "run", *options)
    assert (summary.wrongly_accepted, summary.wrongly_rejected) == (0, 0)
    assert (summary.lost, summary.duplicated, summary.failed, summary.unknown) == (0, 0, 0, 0)
    unsent = {row.name: row.unsent for row in summary.labels if row.unsent}
    assert all(FAULTS[name].lies in left_out for name in unsent)
    assert summary.unsent == sum(unsent.values())
    copies = sum(row.pings for row in summary.labels if row.expect == "duplicate")
    assert summary.duplicates is not None
    assert summary.duplicates.noticed == copies, "each copy is noticed by its id, none is stored"
    sent = {row.name for row in summary.labels if row.pings - row.unsent}
    # One family has identities to confuse; structured pings set no limits to texts and numbers.
    seldom = {"both_identities", "neither_identity", "oversized_string", "out_of_range"}
    assert sent >= {name for name in FAULTS if FAULTS[name].lies not in left_out} - seldom
