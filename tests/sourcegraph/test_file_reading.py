"""What is drawn for files on a code host: it looks like the scenario's figures, and blocks do not show in it."""

from __future__ import annotations

from functools import cache
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sourcegraph_kit import team

from simulator.behaviour.sourcegraph.file_reading import FileReading, cohort_readings, draw_readings
from simulator.behaviour.sourcegraph.reading_habits import ERROR, LINK, PALETTE, TOOLBAR, ReadingHabits
from simulator.client.sourcegraph_extension import FileFact
from simulator.population.code import CodeContent
from simulator.randomness import client_keys

CLICKS = {FileFact.DEFINITION, FileFact.PRELOADED_DEFINITION, FileFact.REFERENCES}
SHOWN = {FileFact.OVERLAY, FileFact.HOVER}


@cache
def habits(**changes: object) -> ReadingHabits:
    return ReadingHabits(team(**changes).sourcegraph, CodeContent(3))


def readings(count: int, **changes: object) -> list[FileReading]:
    return drawn(habits(**changes), 0, count)


def drawn(some: ReadingHabits, position: int, count: int) -> list[FileReading]:
    keys = client_keys(3, "files", [7])
    return list(draw_readings(some, keys, np.array([position]), np.array([count]))[0])


@pytest.fixture(scope="module")
def many() -> list[FileReading]:
    return readings(20_000)


def test_moments_are_in_order_and_a_hover_begins_before_the_file_is_left(many: list[FileReading]) -> None:
    for dwell_ms, moments_ms, facts, _ in many:
        assert dwell_ms > 0
        assert moments_ms == sorted(moments_ms)
        for moment, fact in zip(moments_ms, facts, strict=True):
            assert moment >= 0
            assert moment < dwell_ms or fact in CLICKS


def test_a_click_follows_a_hover_that_showed_something(many: list[FileReading]) -> None:
    for _, _, facts, _ in many:
        for before, fact in zip([0, *facts], facts, strict=False):
            if fact in CLICKS:
                assert before in SHOWN


def test_shares_are_those_of_the_scenario(many: list[FileReading]) -> None:
    """Within four standard errors of a binomial with so many trials, at most 0.02."""
    settings = habits().settings
    facts = np.concatenate([facts for _, _, facts, _ in many])
    count = {fact: int((facts == fact).sum()) for fact in FileFact}
    overlays = count[FileFact.OVERLAY] + count[FileFact.EMPTY_OVERLAY]
    assert count[FileFact.EMPTY_OVERLAY] / overlays == pytest.approx(settings.hover_is_empty, abs=0.01)
    shown = count[FileFact.OVERLAY] + count[FileFact.HOVER]
    definitions = count[FileFact.DEFINITION] + count[FileFact.PRELOADED_DEFINITION]
    assert definitions / shown == pytest.approx(settings.go_to_definition, abs=0.01)
    assert count[FileFact.PRELOADED_DEFINITION] / definitions == pytest.approx(settings.preloaded, abs=0.02)
    assert count[FileFact.REFERENCES] / shown == pytest.approx(settings.find_references, abs=0.01)
    for tool, share in (
        (PALETTE, settings.palette_action),
        (TOOLBAR, settings.toolbar_action),
        (LINK, settings.follow_link),
        (ERROR, settings.errors_a_file),
    ):
        assert np.mean([bool(tools & tool) for *_, tools in many]) == pytest.approx(share, abs=0.01)


def test_dwell_and_hovers_are_those_of_the_scenario() -> None:
    """Files are left long after the last hover here, so nothing is cut: means of 20 000 files within 3 %."""
    settings = {"file_dwell_median": 24 * 3_600_000, "hovers_a_file": 6.0, "hovers_a_burst": 3.0}
    drawn = readings(20_000, **settings, hover_is_empty=0.0)
    assert np.median([dwell_ms for dwell_ms, *_ in drawn]) == pytest.approx(
        settings["file_dwell_median"], rel=0.05
    )
    facts = np.concatenate([facts for _, _, facts, _ in drawn])
    hovers = (facts == FileFact.HOVER).sum() + (facts == FileFact.OVERLAY).sum()
    # A burst's pause is exponential, so the last bursts of a file may come too late and never happen.
    assert 0.6 < hovers / len(drawn) / settings["hovers_a_file"] <= 1.0
    assert hovers / (facts == FileFact.OVERLAY).sum() == pytest.approx(settings["hovers_a_burst"], rel=0.03)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 70), min_size=1, max_size=4))
def test_files_do_not_depend_on_how_many_are_drawn_at_once(blocks: list[int]) -> None:
    some = habits()
    whole = drawn(some, 0, sum(blocks))
    position, pieces = 0, []
    for block in blocks:
        pieces += drawn(some, position, block)
        position += block
    assert pieces == whole


def test_nor_on_who_else_reads_and_they_never_end() -> None:
    some = habits()
    alone = list(islice(cohort_readings(some, 3, [7], [3_600_000])[0], 200))
    together = list(islice(cohort_readings(some, 3, list(range(40)), [0, 86_400_000] * 20)[7], 200))
    assert alone == together
    assert alone[:5] != list(islice(cohort_readings(some, 4, [7], [0])[0], 5))


def test_a_scenario_without_hovers_still_has_files() -> None:
    assert {tuple(facts) for _, _, facts, _ in readings(50, hovers_a_file=0.0)} == {()}
