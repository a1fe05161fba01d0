"""How much is drawn ahead follows from how long is simulated, within bounds."""

from __future__ import annotations

import pytest

from simulator.scenario import load_scenario
from simulator.simulation.ahead import ahead


@pytest.mark.parametrize(
    ("duration", "a_day", "at_first", "expected"),
    [
        ("1d", 10, 0, 10),
        ("7d", 10, 3, 73),
        ("1h", 10, 0, 1),  # rounded up: nobody draws nothing in vain
        ("1h", 0, 8, 8),
        ("1h", 0, 0, 0),
        ("1d", 0.5, 1, 2),
        ("365d", 100, 16, 2_048),  # a cohort's memory has an end
    ],
)
def test_so_many_a_day_and_some_however_short_it_is(
    duration: str, a_day: float, at_first: int, expected: int
) -> None:
    scenario, _ = load_scenario("smoke", overrides={"duration": duration})
    assert ahead(scenario, a_day, at_first=at_first) == expected


@pytest.mark.parametrize(("cohort", "expected"), [(128, 2_048), (1_024, 256), (100_000, 128)])
def test_a_large_cohort_draws_less_for_each_as_the_numbers_of_all_wait(cohort: int, expected: int) -> None:
    overrides = {"duration": "365d", "clients": 200_000, "cohort_clients": cohort}
    scenario, _ = load_scenario("smoke", overrides=overrides)
    assert ahead(scenario, 100, at_first=16) == expected
