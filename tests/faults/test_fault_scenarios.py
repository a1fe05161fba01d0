"""The shipped scenarios hold what their names say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from simulator.corpus import open_corpus
from simulator.engine import generate
from simulator.faults import FAULTS
from simulator.records import VALID, CorpusMeta
from simulator.scenario import load_scenario, parse_scenario
from simulator.simulation import Plan

INVALID = ("invalid-05", "invalid-50", "invalid-100")


def generated(directory: Path, name: str, clients: int = 80) -> CorpusMeta:
    scenario, text = load_scenario(name, overrides={"clients": clients})
    return generate(Plan(scenario, scenario.seed, scenario.dialect), directory, scenario_text=text)


def by_expectation(meta: CorpusMeta) -> Counter[str]:
    found = Counter[str]()
    for label, count in meta.labels.items():
        found["accept" if label == VALID else FAULTS[label].expect] += count
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "share"), [*zip(INVALID, (0.05, 0.5, 1.0), strict=True)])
def test_the_invalid_share_is_that_of_the_name(tmp_path: Path, name: str, share: float) -> None:
    meta = generated(tmp_path / "c", name)
    rejects = by_expectation(meta)["reject"]
    assert abs(rejects - meta.records * share) <= 4 * (meta.records * share * (1 - share)) ** 0.5
    assert by_expectation(meta)["duplicate"] == 0


def test_invalid_scenarios_name_every_fault_that_must_be_rejected() -> None:
    wanted = {name for name, fault in FAULTS.items() if fault.expect == "reject"}
    for name in INVALID:
        assert set(load_scenario(name)[0].faults.weights) == wanted


def test_duplicates_are_one_to_ten(tmp_path: Path) -> None:
    meta = generated(tmp_path / "c", "duplicates")
    copies = by_expectation(meta)["duplicate"]
    originals = meta.records - copies
    assert abs(copies - originals / 10) <= 4 * (originals * 0.09) ** 0.5
    assert meta.labels["duplicate"] > 4 * meta.labels["duplicate_id"] > 0


def test_late_arrivals_are_all_to_be_accepted_and_in_order_of_sending(tmp_path: Path) -> None:
    meta = generated(tmp_path / "c", "late-arrivals")
    assert set(by_expectation(meta)) == {"accept"}
    assert set(meta.labels) == {VALID, "late", "early", "out_of_order", "clock_skew"}
    assert meta.last_due_ms <= meta.end_ms + 12 * 3_600_000
    for part in open_corpus(tmp_path / "c").parts:
        due = part.index["due_ms"]
        assert (due[1:] >= due[:-1]).all()


def test_the_drill_has_nothing_but_valid_pings(tmp_path: Path) -> None:
    assert set(generated(tmp_path / "c", "outage-recovery").labels) == {VALID}


def test_peak_is_half_as_large_again_as_what_it_states() -> None:
    scenario, text = load_scenario("peak")
    assert "2 000 clients" in text
    assert scenario.clients == 1.5 * 2_000


def test_soak_never_repeats_itself_within_days() -> None:
    scenario, _ = load_scenario("soak")
    assert scenario.duration == 3 * 86_400_000


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("share = 1.5", "less than or equal to 1"),
        ("share = 0.1\n[faults.weights]\nno_such_fault = 1", "wrong_type"),
        ("share = 0.1\n[faults.weights]\nlate = -1", "greater than or equal to 0"),
        ("shar = 0.1", "did you mean 'share'"),
    ],
)
def test_a_wrong_section_is_told_with_its_place(text: str, problem: str) -> None:
    from simulator.errors import ScenarioError

    head = 'format = 1\nname = "x"\nstart = 2021-12-15T00:00:00Z\nduration = "1d"\nclients = 5\n[faults]\n'
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(head + text)
    assert "faults" in str(caught.value.findings[0])
    assert problem in str(caught.value.findings[0])
