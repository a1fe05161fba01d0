"""What is drawn for files on a code host: it looks like the scenario's figures, and blocks do not show in it."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sourcegraph_kit import team

from simulator.behaviour.sourcegraph.file_reading import Files, cohort_readers, draw_files
from simulator.behaviour.sourcegraph.reading_habits import ERROR, LINK, PALETTE, TOOLBAR, ReadingHabits
from simulator.client.sourcegraph_extension import FileFact
from simulator.population.code import CodeContent
from simulator.randomness import client_keys

CLICKS = {FileFact.DEFINITION, FileFact.PRELOADED_DEFINITION, FileFact.REFERENCES}
SHOWN = {FileFact.OVERLAY, FileFact.HOVER}
DAY_MS = 86_400_000


class Read(NamedTuple):
    """One file: how long it is read, what happens on it and when, and what is done afterwards."""

    dwell_ms: int
    happens: list[tuple[int, int]]
    tools: int


@cache
def habits(**changes: object) -> ReadingHabits:
    return ReadingHabits(team(**changes).sourcegraph, CodeContent(3))


def one_by_one(files: Files) -> list[Read]:
    return [
        Read(
            closed - opened,
            list(zip((files.moments_ms[a:b] - opened).tolist(), files.facts[a:b].tolist(), strict=True)),
            tools,
        )
        for opened, closed, (a, b), tools in zip(
            files.opened_ms, files.closed_ms, pairwise(files.first), files.tools, strict=True
        )
    ]


def drawn(some: ReadingHabits, position: int, count: int) -> list[Read]:
    keys = client_keys(3, "files", [7])
    return one_by_one(draw_files(some, keys, np.array([position]), np.array([count])))


@pytest.fixture(scope="module")
def many() -> list[Read]:
    return drawn(habits(), 0, 20_000)


def test_a_file_comes_up_first_and_all_else_happens_in_order_before_it_is_left(many: list[Read]) -> None:
    for dwell_ms, happens, _ in many:
        moments = [moment for moment, _ in happens]
        assert happens[0] == (0, FileFact.OPENED)
        assert moments == sorted(moments)
        assert moments[-1] < dwell_ms
        assert FileFact.OPENED not in {fact for _, fact in happens[1:]}


def test_a_click_follows_a_hover_that_showed_something(many: list[Read]) -> None:
    for _, happens, _ in many:
        for (_, before), (_, fact) in pairwise(happens):
            if fact in CLICKS:
                assert before in SHOWN


def facts_of(files: list[Read]) -> np.ndarray:
    return np.array([fact for _, happens, _ in files for _, fact in happens])


@pytest.mark.slow
def test_shares_are_those_of_the_scenario() -> None:
    """Within four standard errors of a binomial with so many trials, at most 0.02. Files are long here, so that
    hardly a click comes too late."""
    files = drawn(habits(file_dwell_median=DAY_MS), 0, 20_000)
    settings = habits().settings
    facts = facts_of(files)
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
        assert np.mean([bool(tools & tool) for *_, tools in files]) == pytest.approx(share, abs=0.01)


def test_dwell_and_hovers_are_those_of_the_scenario() -> None:
    """Files are left long after the last hover here, so nothing is cut: means of 20 000 files within 3 %."""
    settings = {"file_dwell_median": DAY_MS, "hovers_a_file": 6.0, "hovers_a_burst": 3.0}
    files = drawn(habits(**settings, hover_is_empty=0.0), 0, 20_000)
    assert np.median([dwell_ms for dwell_ms, *_ in files]) == pytest.approx(
        settings["file_dwell_median"], rel=0.05
    )
    facts = facts_of(files)
    hovers = (facts == FileFact.HOVER).sum() + (facts == FileFact.OVERLAY).sum()
    # A burst's pause is exponential, so the last bursts of a file may come too late and never happen.
    assert 0.6 < hovers / len(files) / settings["hovers_a_file"] <= 1.0
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

    def read(seed: int, developers: list[int], planned_ms: list[int], which: int) -> list[tuple[int, ...]]:
        reader = cohort_readers(some, seed, developers, planned_ms)[which]
        stretches = [reader.read(DAY_MS) for _ in range(200)]
        found: list[tuple[int, ...]] = []
        begins = 0
        for stretch in stretches:
            moments = (begins + stretch.from_ms + stretch.moments_ms).tolist()
            found += zip(moments, stretch.facts.tolist(), strict=True)
            begins += stretch.lasts_ms
            found.append((begins, -stretch.tools))
        # How many were drawn beforehand shows in where a stretch without tools ends, and in nothing else.
        return [each for each in found if each[1]]

    alone = read(3, [7], [3_600_000], 0)
    together = read(3, list(range(40)), [0, DAY_MS] * 20, 7)
    both = min(len(alone), len(together))
    assert both > 1_000
    assert alone[:both] == together[:both]
    assert alone[:5] != read(4, [7], [0], 0)[:5]


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 900_000), min_size=1, max_size=30), st.integers(0, 3 * DAY_MS))
def test_stretches_are_the_files_cut_where_sessions_end(sessions: list[int], planned_ms: int) -> None:
    """Told by a reader in stretches, and file by file as the sessions would have it."""
    some = habits()
    reader = cohort_readers(some, 3, [7], [planned_ms])[0]
    files = iter(drawn(some, 0, 4_000))
    for left_ms in sessions:
        told: list[tuple[int, int]] = []
        expected: list[tuple[int, int]] = []
        tools_told: list[tuple[int, int]] = []
        tools_expected: list[tuple[int, int]] = []
        at = 0
        while at < left_ms:
            stretch = reader.read(left_ms - at)
            told += zip(
                (at + stretch.from_ms + stretch.moments_ms).tolist(), stretch.facts.tolist(), strict=True
            )
            at += stretch.lasts_ms
            if stretch.tools:
                tools_told.append((at, stretch.tools))
        assert at == left_ms
        at = 0
        while at < left_ms:
            dwell_ms, happens, tools = next(files)
            expected += [(at + moment, fact) for moment, fact in happens if at + moment < left_ms]
            at += dwell_ms
            if tools and at < left_ms:
                tools_expected.append((at, tools))
        assert told == expected
        assert tools_told == tools_expected


def test_a_scenario_without_hovers_still_has_files() -> None:
    files = drawn(habits(hovers_a_file=0.0), 0, 50)
    assert {tuple(happens) for _, happens, _ in files} == {((0, FileFact.OPENED),)}
