"""What somebody does on the files of a code host: hovers in bursts, clicks in the overlay, tools afterwards.

Nothing else can come between the moments of one file, so they are drawn beforehand, for many files at once: some
operations on arrays take the place of some calls for every hover. Files that nothing is done around follow each other
without a pause, so what is read is told in stretches of several files.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.behaviour.sourcegraph.reading_habits import SCALE, ReadingHabits
from simulator.client.sourcegraph_extension import FileFact
from simulator.randomness import U64, client_keys, keys_within, ranks, uniforms

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Positions in a file's stream: its own numbers come first, then two for each burst, each hover and each click.
_BURSTS_FROM, _HOVERS_FROM, _CLICKS_FROM = 16, 1 << 20, 1 << 40
_PAIR = np.arange(2, dtype=np.uint64)[:, None]
_FILES_AT_ONCE = 64
_HOVERS_AT_ONCE = 1 << 17


@dataclass(frozen=True, slots=True)
class Files:
    """Files that developers read, those of one after those of another, on clocks that run only while a file is read.

    Args:
        opened_ms: when each comes up, on its reader's clock.
        closed_ms: when it is left.
        tools: what is done around each when it has been read, as bits.
        tooled: the positions of those around which anything is done.
        first: the position of each file's first moment, and at last how many moments there are.
        moments_ms: when things happen on the files, in order, on their readers' clocks.
        facts: what happens then, `FileFact` numbers.
    """

    opened_ms: list[int]
    closed_ms: list[int]
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
        files: with those of others, the first of the developer, drawn beforehand.
        begin: the position of the developer's first.
        end: that of the first which is not the developer's.
    """

    __slots__ = ("_drawn", "_end", "_file", "_files", "_habits", "_key", "_tooled")

    def __init__(self, habits: ReadingHabits, key: U64, files: Files, begin: int, end: int) -> None:
        self._habits = habits
        self._key = key
        self._drawn = 0
        self._take(files, begin, end)

    def _take(self, files: Files, begin: int, end: int) -> None:
        self._files = files
        self._file, self._end = begin, end
        self._tooled = bisect_left(files.tooled, begin)
        self._drawn += end - begin

    def read(self, most_ms: int) -> Stretch:
        """The next stretch. A file that is not read to its end is not come back to.

        Args:
            most_ms: how long there is time, at least 1.
        """
        if self._file == self._end:
            more = draw_files(self._habits, self._key, np.array([self._drawn]), np.array([_FILES_AT_ONCE]))
            self._take(more, 0, _FILES_AT_ONCE)
        files, begins, ends = self._files, self._file, self._end
        from_ms, tooled = files.opened_ms[begins], files.tooled
        is_tooled = self._tooled < len(tooled) and tooled[self._tooled] < ends
        if is_tooled:
            ends = tooled[self._tooled] + 1
        lasts_ms, tools, last = files.closed_ms[ends - 1] - from_ms, files.tools[ends - 1], files.first[ends]
        if lasts_ms >= most_ms:
            ends = bisect_left(files.opened_ms, from_ms + most_ms, begins, ends)
            is_tooled = is_tooled and tooled[self._tooled] < ends
            lasts_ms, tools = most_ms, 0
            last = bisect_left(files.moments_ms, from_ms + most_ms, files.first[ends - 1], files.first[ends])
        self._file = ends
        self._tooled += is_tooled
        what = slice(files.first[begins], last)
        return Stretch(lasts_ms, -from_ms, files.moments_ms[what], files.facts[what], tools)


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
    files = draw_files(habits, keys, np.zeros_like(counts), counts)
    edges = _edges(counts).tolist()
    return [
        FileReader(habits, keys[i : i + 1], files, begin, end)
        for i, (begin, end) in enumerate(pairwise(edges))
    ]


def draw_files(habits: ReadingHabits, keys: U64, positions: Ints, counts: Ints) -> Files:
    """The next files of each of some developers.

    Args:
        habits: what developers do.
        keys: the developers' streams.
        positions: how many files each has read before.
        counts: how many more of each to draw.
    """
    numbers = np.repeat(positions, counts) + ranks(counts)
    files = keys_within(np.repeat(keys, counts), numbers.astype(np.uint64))
    u = uniforms(files, np.arange(2 + len(habits.tools), dtype=np.uint64)[:, None])
    dwell = np.maximum(habits.file_dwell.each(u[0]), 1)
    bursts = habits.bursts.each(u[1])
    tools = np.zeros(len(files), dtype=np.int64)
    for (tool, share), drawn in zip(habits.tools.items(), u[2:], strict=True):
        tools[drawn < share] |= tool
    closed = _running_total(dwell, counts)
    opened = closed - dwell
    in_file, moments, facts = _pointer(habits, files, dwell, bursts)
    moments += np.repeat(opened, in_file)
    return Files(
        opened_ms=opened.tolist(),
        closed_ms=closed.tolist(),
        tools=tools.tolist(),
        tooled=np.flatnonzero(tools).tolist(),
        first=_edges(in_file).tolist(),
        moments_ms=moments,
        facts=facts,
    )


def _pointer(habits: ReadingHabits, files: U64, dwell: Ints, bursts: Ints) -> tuple[Ints, Ints, Ints]:
    """All that happens on files: how much on each, and the moment and the fact of everything, in order.

    A file comes up first of all. A burst of hovers begins after a pause; the overlay comes up with its first hover,
    whatever it then shows, and later hovers of the burst count where there is something to show. What would come
    after `dwell` never happens.
    """
    u = _pairs(np.repeat(files, bursts), _BURSTS_FROM, ranks(bursts))
    pause = habits.gap.each(u[0]) * np.repeat(dwell, bursts) // (np.repeat(bursts + 1, bursts) * SCALE)
    hovers = 1 + habits.more_hovers.each(u[1])
    burst_edges = _edges(hovers)
    opening = burst_edges[:-1]
    hovers_in_file = np.diff(burst_edges[_edges(bursts)])
    streams, rank = np.repeat(files, hovers_in_file), ranks(hovers_in_file)
    outcome, u = _pairs(streams, _HOVERS_FROM, rank)
    rests = habits.hover_gap.each(u)
    clicks, until_click, clicked = _clicks(habits, streams, rank, outcome)

    rests[clicks] += until_click
    steps = rests.copy()
    steps[opening] += pause
    moment = _running_total(steps, hovers_in_file) - rests
    opens = np.zeros(len(moment), dtype=np.bool_)
    opens[opening] = True
    shown = outcome >= habits.empty_below
    left = np.repeat(dwell, hovers_in_file)
    told = np.flatnonzero((opens | shown) & (moment < left))
    overlay = np.where(shown[told], FileFact.OVERLAY, FileFact.EMPTY_OVERLAY)
    clicked_at = moment[clicks] + until_click
    in_time = clicked_at < left[clicks]
    return _in_order(
        hovers_in_file,
        (told, moment[told], np.where(opens[told], overlay, FileFact.HOVER)),
        (clicks[in_time], clicked_at[in_time], clicked[in_time]),
    )


def _clicks(habits: ReadingHabits, streams: U64, rank: Ints, outcome: Floats) -> tuple[Ints, Ints, Ints]:
    """The hovers that are followed by a click: their positions, how long after each the click comes, and its fact."""
    clicks = np.flatnonzero((habits.empty_below <= outcome) & (outcome < habits.references_below))
    u = _pairs(streams[clicks], _CLICKS_FROM, rank[clicks])
    preloaded = u[1] < habits.settings.preloaded
    definition = np.where(preloaded, FileFact.PRELOADED_DEFINITION, FileFact.DEFINITION)
    clicked = np.where(outcome[clicks] < habits.definition_below, definition, FileFact.REFERENCES)
    return clicks, habits.until_click.each(u[0]), clicked


def _in_order(
    hovers_in_file: Ints, hovers: tuple[Ints, Ints, Ints], clicks: tuple[Ints, Ints, Ints]
) -> tuple[Ints, Ints, Ints]:
    """What happens on files in order: that each comes up, then its hovers, and behind a hover its click.

    Args:
        hovers_in_file: how many there are on each file, told or not.
        hovers: those that are told: which of all, their moments, their facts.
        clicks: likewise, by the hovers that they follow.

    Returns:
        How much happens on each file, and all moments and facts.
    """
    tells = np.zeros(int(hovers_in_file.sum()), dtype=np.int64)
    tells[hovers[0]] = 1
    tells[clicks[0]] += 1
    before = _edges(tells)
    happens = np.diff(before[_edges(hovers_in_file)]) + 1
    # Those told before it, and one for each file that has come up, its own among them.
    place = before[:-1] + np.repeat(np.arange(1, len(happens) + 1), hovers_in_file)
    moments, facts = (
        np.zeros(int(happens.sum()), dtype=np.int64) for _ in range(2)
    )  # as of files that come up
    for which, when, what in (hovers, clicks):
        moments[place[which]] = when
        facts[place[which]] = what
        place[which] += 1
    return happens, moments, facts


def _pairs(streams: U64, start: int, ranks: Ints) -> Floats:
    """Two numbers for each of some streams: those with number `ranks` of the pairs that begin at `start`."""
    return uniforms(streams, np.uint64(start) + np.uint64(2) * ranks.astype(np.uint64) + _PAIR)


def _edges(sizes: Ints) -> Ints:
    """Where consecutive groups of the given sizes begin, and at last where they end."""
    edges = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=edges[1:])
    return edges


def _running_total(values: Ints, sizes: Ints) -> Ints:
    """The sums so far within each of consecutive groups of the given sizes."""
    total = _edges(values)
    since: Ints = total[1:] - np.repeat(total[_edges(sizes)[:-1]], sizes)
    return since
