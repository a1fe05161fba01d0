"""What somebody does on the files of a code host: hovers in bursts, clicks in the overlay, tools afterwards.

Nothing else can come between the moments of one file, so they are drawn beforehand, for many files at once: some
operations on arrays take the place of some calls for every hover.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

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


#: One file, from when it comes up to when it is left: how long that is in milliseconds, when things happen on it
#: (milliseconds after it came up, in order), what happens then (`FileFact` numbers), and the bits of what is done
#: afterwards. A tuple and not a class, because hundreds of thousands are made.
FileReading = tuple[int, list[int], list[int], int]


def cohort_readings(
    habits: ReadingHabits, seed: int, developers: Sequence[int], planned_ms: Sequence[int]
) -> list[Iterator[FileReading]]:
    """The files that each of some developers reads, one after the other without end.

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
    first = draw_readings(habits, keys, np.zeros_like(counts), counts)
    return [
        chain(some, _more(habits, keys[i : i + 1], count))
        for i, (some, count) in enumerate(zip(first, counts.tolist(), strict=True))
    ]


def _more(habits: ReadingHabits, key: U64, position: int) -> Iterator[FileReading]:
    while True:
        yield from draw_readings(habits, key, np.array([position]), np.array([_FILES_AT_ONCE]))[0]
        position += _FILES_AT_ONCE


def draw_readings(
    habits: ReadingHabits, keys: U64, positions: Ints, counts: Ints
) -> list[Iterator[FileReading]]:
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
    owner, moments, facts = _pointer(habits, files, dwell, bursts)
    ends = np.cumsum(np.bincount(owner, minlength=len(files))).tolist()
    columns = dwell.tolist(), [0, *ends[:-1]], ends, tools.tolist()
    moments_ms, what = moments.tolist(), facts.tolist()
    return [
        _cut(moments_ms, what, *(column[end - count : end] for column in columns))
        for count, end in zip(counts.tolist(), np.cumsum(counts).tolist(), strict=True)
    ]


def _cut(
    moments_ms: list[int],
    facts: list[int],
    dwell: list[int],
    starts: list[int],
    ends: list[int],
    tools: list[int],
) -> Iterator[FileReading]:
    """One developer's files, made when they are asked for: many a file drawn ahead is never read."""
    return (
        (stays, moments_ms[start:end], facts[start:end], done)
        for stays, start, end, done in zip(dwell, starts, ends, tools, strict=True)
    )


def _pointer(habits: ReadingHabits, files: U64, dwell: Ints, bursts: Ints) -> tuple[Ints, Ints, Ints]:
    """All that the pointer does: the file (a position in `files`), the moment and the fact of each, in order.

    A burst of hovers begins after a pause; the overlay comes up with its first hover, whatever it then shows, and
    later hovers of the burst count where there is something to show. What would come after `dwell` never happens.
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
    happens = moment < dwell[of_file]
    overlay = np.where(shown, FileFact.OVERLAY, FileFact.EMPTY_OVERLAY)
    facts = np.stack((np.where(opens, overlay, FileFact.HOVER), clicked), axis=-1).ravel()
    moments = np.stack((moment, moment + until_click), axis=-1).ravel()
    told = np.flatnonzero(np.stack((happens & (opens | shown), happens & (clicked > 0)), axis=-1).ravel())
    return of_file[told // 2], moments[told], facts[told]


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
