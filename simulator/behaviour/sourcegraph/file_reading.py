"""What somebody does on the files of a code host: hovers in bursts, clicks in the overlay, tools afterwards.

Nothing else can come between the moments of one file, so they are drawn beforehand, for many files at once: some
operations on arrays take the place of some calls for every hover. Files that nothing is done around follow each other
without a pause, so what is read is told in stretches of several files.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.behaviour.sourcegraph.reading_habits import SCALE, ReadingHabits
from simulator.client.sourcegraph_extension import FileFact
from simulator.randomness import U64, client_keys, keys_within, ranks, uniforms

Ints = npt.NDArray[np.int64]

#: Positions in a file's stream: its own numbers come first, then two for each burst, each hover and each click.
_BURSTS_FROM, _HOVERS_FROM, _CLICKS_FROM = 16, 1 << 20, 1 << 40
_PAIR = np.arange(2, dtype=np.uint64)
_FILES_AT_ONCE = 64
_HOVERS_AT_ONCE = 1 << 17


@dataclass(frozen=True, slots=True)
class Files:
    """Consecutive files that one developer reads, on a clock that runs only while a file is read.

    Args:
        opened_ms: when each comes up, and at last when the last one is left: one more than there are files.
        tools: what is done around each when it has been read, as bits.
        tooled: the positions of those around which anything is done.
        first: the positions of each file's first moment, and at last how many moments there are.
        moments_ms: when things happen on the files, in order.
        facts: what happens then, `FileFact` numbers.
    """

    opened_ms: list[int]
    tools: list[int]
    tooled: list[int]
    first: list[int]
    moments_ms: Ints
    facts: Ints


class Stretch(NamedTuple):
    """Files read one after the other, up to one around which something is done or to the end of a session.

    Args:
        lasts_ms: how long that takes.
        from_ms: what the moments count from, in milliseconds after the stretch begins (0 or less).
        moments_ms: when things happen, in order.
        facts: what happens then, `FileFact` numbers.
        tools: what is done around the last file, as bits; 0 where the session ends first.
    """

    lasts_ms: int
    from_ms: int
    moments_ms: Ints
    facts: Ints
    tools: int


class FileReader:
    """Reads a developer's files, one after the other without end.

    Args:
        habits: what developers do.
        key: the developer's stream.
        files: the first files, drawn beforehand.
    """

    __slots__ = ("_file", "_files", "_habits", "_key", "_read_before", "_tooled")

    def __init__(self, habits: ReadingHabits, key: U64, files: Files) -> None:
        self._habits = habits
        self._key = key
        self._files = files
        self._file = 0
        self._tooled = 0
        self._read_before = 0

    def read(self, most_ms: int) -> Stretch:
        """The next stretch. A file that is not read to its end is not come back to.

        Args:
            most_ms: how long there is time.
        """
        if self._file == len(self._files.tools):
            self._draw_more()
        files, begins = self._files, self._file
        opened, tooled, from_ms = files.opened_ms, files.tooled, files.opened_ms[begins]
        is_tooled = self._tooled < len(tooled)
        ends = tooled[self._tooled] + 1 if is_tooled else len(files.tools)
        lasts_ms, tools, last = opened[ends] - from_ms, files.tools[ends - 1], files.first[ends]
        if lasts_ms >= most_ms:
            ends = bisect_left(opened, from_ms + most_ms, begins, ends)
            is_tooled = is_tooled and tooled[self._tooled] < ends
            lasts_ms, tools = most_ms, 0
            last = int(files.moments_ms.searchsorted(from_ms + most_ms))
        self._file = ends
        self._tooled += is_tooled
        what = slice(files.first[begins], last)
        return Stretch(lasts_ms, -from_ms, files.moments_ms[what], files.facts[what], tools)

    def _draw_more(self) -> None:
        self._read_before += self._file
        count = np.array([_FILES_AT_ONCE])
        (self._files,) = draw_files(self._habits, self._key, np.array([self._read_before]), count)
        self._file = self._tooled = 0


def cohort_readers(
    habits: ReadingHabits, seed: int, developers: Sequence[int], planned_ms: Sequence[int]
) -> list[FileReader]:
    """Some developers, each with the files that are likely to be read.

    Args:
        habits: what developers do.
        seed: the corpus's seed.
        developers: client numbers.
        planned_ms: how long each is going to read; what that takes is drawn beforehand.
    """
    keys = client_keys(seed, "files", developers)
    expected = np.array(planned_ms) / habits.mean_file_dwell_ms
    # How many it will be varies by about the root; drawing some in vain costs less than drawing again for one.
    counts = (expected + 2.5 * np.sqrt(expected) + 2).astype(np.int64)
    hovers = round(int(counts.sum()) * habits.settings.hovers_a_file)
    if hovers > _HOVERS_AT_ONCE:
        counts = np.maximum(counts * _HOVERS_AT_ONCE // hovers, 1)
    first = draw_files(habits, keys, np.zeros_like(counts), counts)
    return [FileReader(habits, keys[i : i + 1], files) for i, files in enumerate(first)]


def draw_files(habits: ReadingHabits, keys: U64, positions: Ints, counts: Ints) -> list[Files]:
    """The next files of each of some developers.

    Args:
        habits: what developers do.
        keys: the developers' streams.
        positions: how many files each has read before.
        counts: how many more of each to draw.
    """
    numbers = np.repeat(positions, counts) + ranks(counts)
    files = keys_within(np.repeat(keys, counts), numbers.astype(np.uint64))
    u = uniforms(files[:, None], np.arange(2 + len(habits.tools), dtype=np.uint64)).T
    dwell = np.maximum(habits.file_dwell.each(u[0]), 1)
    bursts = habits.bursts.each(u[1])
    tools = np.zeros(len(files), dtype=np.int64)
    for (tool, share), drawn in zip(habits.tools.items(), u[2:], strict=True):
        tools |= np.where(drawn < share, tool, 0)
    opened = _running_total(dwell, counts) - dwell
    owner, moments, facts = _pointer(habits, files, dwell, bursts)
    moments += opened[owner]
    first = np.searchsorted(owner, np.arange(len(files) + 1))
    drawn_files = []
    for end, count in zip(np.cumsum(counts).tolist(), counts.tolist(), strict=True):
        begin = end - count
        opened_ms, its_tools, edges = opened[begin:end].tolist(), tools[begin:end], first[begin : end + 1]
        of_files = slice(int(edges[0]), int(edges[-1]))
        drawn_files.append(
            Files(
                opened_ms=[*opened_ms, opened_ms[-1] + int(dwell[end - 1])],
                tools=its_tools.tolist(),
                tooled=np.flatnonzero(its_tools).tolist(),
                first=(edges - edges[0]).tolist(),
                moments_ms=moments[of_files],
                facts=facts[of_files],
            )
        )
    return drawn_files


def _pointer(habits: ReadingHabits, files: U64, dwell: Ints, bursts: Ints) -> tuple[Ints, Ints, Ints]:
    """All that happens on files: the file (a position in `files`), the moment and the fact of each, in order.

    A file comes up first of all. A burst of hovers begins after a pause; the overlay comes up with its first hover,
    whatever it then shows, and later hovers of the burst count where there is something to show. What would come
    after `dwell` never happens.
    """
    in_file = np.repeat(np.arange(len(files)), bursts)
    u = _pairs(files[in_file], _BURSTS_FROM, ranks(bursts))
    pause = habits.gap.each(u[0]) * dwell[in_file] // ((bursts[in_file] + 1) * SCALE)
    hovers = 1 + habits.more_hovers.each(u[1])
    of_file = np.repeat(in_file, hovers)
    in_all = np.bincount(of_file, minlength=len(files))
    rank = ranks(in_all)
    u = _pairs(files[of_file], _HOVERS_FROM, rank)
    outcome, rests = u[0], habits.hover_gap.each(u[1])
    clicks = np.flatnonzero((habits.empty_below <= outcome) & (outcome < habits.references_below))
    u = _pairs(files[of_file[clicks]], _CLICKS_FROM, rank[clicks])
    until_click = np.zeros(len(outcome), dtype=np.int64)
    until_click[clicks] = habits.until_click.each(u[0])
    definition = np.where(
        u[1] < habits.settings.preloaded, FileFact.PRELOADED_DEFINITION, FileFact.DEFINITION
    )
    clicked = np.zeros(len(outcome), dtype=np.int64)
    clicked[clicks] = np.where(outcome[clicks] < habits.definition_below, definition, FileFact.REFERENCES)

    opens = ranks(hovers) == 0
    pauses = np.zeros(len(outcome), dtype=np.int64)
    pauses[opens] = pause
    moment = _running_total(pauses, in_all) + _running_total(rests + until_click, in_all)
    moment -= rests + until_click
    shown = outcome >= habits.empty_below
    left = dwell[of_file]
    overlay = np.where(shown, FileFact.OVERLAY, FileFact.EMPTY_OVERLAY)
    facts = np.stack((np.where(opens, overlay, FileFact.HOVER), clicked), axis=-1).ravel()
    moments = np.stack((moment, moment + until_click), axis=-1).ravel()
    told = np.stack((opens | shown, clicked > 0), axis=-1).ravel()
    told = np.flatnonzero(told & (moments < np.repeat(left, 2)))
    owner = of_file[told // 2]
    comes_up = np.searchsorted(owner, np.arange(len(files)))
    return (
        np.insert(owner, comes_up, np.arange(len(files))),
        np.insert(moments[told], comes_up, 0),
        np.insert(facts[told], comes_up, FileFact.OPENED),
    )


def _pairs(streams: U64, start: int, ranks: Ints) -> npt.NDArray[np.float64]:
    """Two numbers for each of some streams: those with number `ranks` of the pairs that begin at `start`."""
    counters = (np.uint64(start) + np.uint64(2) * ranks.astype(np.uint64))[:, None] + _PAIR
    return uniforms(streams[:, None], counters).T


def _running_total(values: Ints, sizes: Ints) -> Ints:
    """The sums so far within each of consecutive groups of the given sizes."""
    total = np.cumsum(values)
    before = np.concatenate((np.zeros(1, dtype=np.int64), total))[np.cumsum(sizes) - sizes]
    since: Ints = total - np.repeat(before, sizes)
    return since
