from __future__ import annotations

import pytest
from container_bench import Bench

from simulator.population import Profile, cohort_profiles
from simulator.records import DIALECTS
from simulator.scenario import parse_scenario

SCENARIO = """
format = 1
name = "containers"
start = 2021-12-15T00:00:00Z
duration = "1d"
clients = 4
products = { firefox = 1.0 }
"""


@pytest.fixture(scope="session")
def profile() -> Profile:
    return cohort_profiles(parse_scenario(SCENARIO), 3, range(4))[0]


@pytest.fixture
def bench(profile: Profile) -> Bench:
    return Bench(profile)


@pytest.fixture(params=DIALECTS)
def bench_in_each_dialect(profile: Profile, request: pytest.FixtureRequest) -> Bench:
    return Bench(profile, request.param)
