"""Golden digests: what scenario and seed give, byte for byte. A digest changes only in a commit that says why.

python tests/golden/test_golden_digests.py      # writes digests.json anew
"""

import json
import sys
import tempfile
from pathlib import Path

import pytest

from simulator.engine import generate
from simulator.scenario import load_scenario
from simulator.shipped import shipped_scenarios
from simulator.simulation import Plan

DIGESTS = Path(__file__).with_name("digests.json")
CLIENTS = 12


def digest(name: str, dialect: str, directory: Path) -> str:
    """The digest of a shipped scenario, cut to a few clients so that all of them take seconds."""
    overrides = {"dialect": dialect, "clients": CLIENTS, "cohort_clients": 5}
    scenario, text = load_scenario(name, overrides=overrides)
    plan = Plan(scenario, scenario.seed, scenario.dialect)
    return generate(plan, directory / f"{name}-{dialect}", scenario_text=text).sha256


@pytest.mark.parametrize("dialect", ["documented", "wire"])
@pytest.mark.parametrize("name", shipped_scenarios())
def test_digest_is_what_it_was(name: str, dialect: str, tmp_path: Path) -> None:
    assert digest(name, dialect, tmp_path) == json.loads(DIGESTS.read_text())[name][dialect]


def test_no_digest_outlives_its_scenario() -> None:
    assert set(json.loads(DIGESTS.read_text())) == set(shipped_scenarios())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        found = {
            name: {dialect: digest(name, dialect, Path(made)) for dialect in ("documented", "wire")}
            for name in shipped_scenarios()
        }
    DIGESTS.write_text(json.dumps(found, indent=2) + "\n")
    sys.stdout.write(f"{len(found)} scenarios\n")
