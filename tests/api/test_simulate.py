"""The stream of pings from Python is the corpus that the command line makes, without the disk."""

import subprocess
import sys
from itertools import islice

import pytest

import simulator
from simulator.corpus import open_corpus
from simulator.engine import generate
from simulator.errors import ScenarioError
from simulator.scenario import parse_scenario
from simulator.simulation import Plan

FAULTY = """
format = 1
name = "faulty"
start = 2021-12-15T00:00:00Z
duration = "1d"
clients = 40
cohort_clients = 16
faults = { share = 0.2, weights = { missing_required = 1, duplicate = 1, late = 1, early = 1, truncated_json = 1 } }
"""


@pytest.mark.parametrize("dialect", ["documented", "wire"])
def test_records_are_those_of_the_corpus(tmp_path, dialect) -> None:
    scenario = tmp_path / "faulty.toml"
    scenario.write_text(FAULTY)
    plan = Plan(parse_scenario(FAULTY), 5, dialect)
    generate(plan, tmp_path / "corpus", scenario_text=FAULTY)
    corpus = list(open_corpus(tmp_path / "corpus").pings())
    streamed = list(simulator.simulate(scenario, seed=5, dialect=dialect))
    assert len({ping.label for ping in streamed}) > 3
    assert streamed == corpus


def test_it_streams() -> None:
    first = list(islice(simulator.simulate("smoke", clients=100_000), 3))
    assert len(first) == 3


def test_overrides_reach_the_scenario() -> None:
    pings = list(simulator.simulate("smoke", clients=10, duration="6h", seed=3))
    assert pings
    assert {ping.client for ping in pings} <= set(range(10))
    assert max(ping.due_ms for ping in pings) - min(ping.due_ms for ping in pings) <= 6 * 3_600_000


def test_unknown_scenario_is_told_at_once() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'smoke'"):
        simulator.simulate("smokes")


def test_a_directory_named_like_a_shipped_scenario_does_not_hide_it(tmp_path, monkeypatch) -> None:
    """A corpus of `smoke` in `smoke`, say, or a project's smoke tests: `telsim smoke` must go on there."""
    (tmp_path / "smoke").mkdir()
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert next(simulator.simulate("smoke", clients=5)).label == "valid"
    with pytest.raises(ScenarioError, match="mine: cannot be read: Is a directory"):
        simulator.simulate("mine")


def test_importing_the_package_loads_nothing_else() -> None:
    program = (
        "import sys, simulator; print([m for m in ('numpy', 'msgspec', 'simulator.api') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_everything_public_is_there() -> None:
    assert {name for name in simulator.__all__ if getattr(simulator, name, None) is None} == set()
    assert set(simulator.__all__) <= set(dir(simulator))
    with pytest.raises(AttributeError, match="no attribute 'pong'"):
        simulator.pong  # noqa: B018 - the access is what is tested


@pytest.mark.slow
def test_a_type_checker_knows_the_names_that_are_there(tmp_path) -> None:
    program = tmp_path / "user.py"
    program.write_text(
        "import simulator as telsim\ntelsim.simulate('smoke')\ntelsim.simulat\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 'user.py:3: error: Module has no attribute "simulat"' in done.stdout
    assert "Found 1 error" in done.stdout
