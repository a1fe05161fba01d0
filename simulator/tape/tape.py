"""A finished tape: request bytes in one memory-mapped file, and arrays that say what each of them holds."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.tape.checksums import Checksums
from simulator.tape.fresh import WORD, first_words, fresh_words, round_mask
from simulator.tape.heads import HEAD_END, LENGTH
from simulator.tape.packing import TRAILER_BYTES, pack_now, unpack

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where ids stand in the file: `offset[i]` is the place of an id of ping `ping[i]`; requests ascend."""

    ping: I64
    offset: I64

    def of(self, first_ping: int, last_ping: int) -> slice:
        """The positions in the arrays of the ids of pings `first_ping` to `last_ping - 1`: those of whole requests."""
        start, stop = np.searchsorted(self.ping, (first_ping, last_ping))
        return slice(int(start), int(stop))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """Where each ping's item stands in its request's body before compression; empty where nobody asks."""

    start: npt.NDArray[np.uint32]
    stop: npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """Requests in the order in which they are due.

    Request k is `data[start[k]:start[k + 1]]` and holds pings `first[k]` to `first[k + 1] - 1` of the tape.

    Args:
        data: the file, mapped; repetitions rewrite the ids in it.
        start: one more than there are requests.
        first: one more than there are requests.
        due_ms: recorded time of each request, milliseconds since the Unix epoch.
        name: position of each request's name in `names`.
        carrier: position of each request's carrier in the target (0 with an envelope).
        closes: requests after which the connection must not be used again.
        names: bounded set of request names: ping types, or `batch`.
        rows: for each ping its row in the corpus.
        ids: for each ping its document id in the first round.
        expect: for each ping, position in `records.EXPECTATIONS`.
        expects: for each request, bit e is set where one of its pings has `expect` e.
        label: for each ping, position in the corpus's label names.
        left_out: rows of the corpus that this target cannot carry.
        left_out_ids: their ids.
        places: ids in `data`.
        pieces: the single items of batches, for targets that send some of them again.
        checksums: of compressed bodies; None where there are none, or where nothing is to be repeated.
        salt: 32 bits that change all ids beside what the repetition changes: 0 leaves the first one's as they are.
    """

    data: mmap.mmap
    start: I64
    first: I64
    due_ms: I64
    name: npt.NDArray[np.uint16]
    carrier: npt.NDArray[np.uint8]
    closes: npt.NDArray[np.bool_]
    names: tuple[str, ...]
    rows: npt.NDArray[np.uint64]
    ids: npt.NDArray[np.bytes_]
    expect: npt.NDArray[np.uint8]
    expects: npt.NDArray[np.uint8]
    label: npt.NDArray[np.uint16]
    left_out: npt.NDArray[np.uint64]
    left_out_ids: npt.NDArray[np.bytes_]
    places: Places
    pieces: Pieces
    checksums: Checksums | None
    salt: int = 0

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def pings(self) -> int:
        """How many pings are on the tape."""
        return len(self.rows)

    def request(self, k: int) -> bytes:
        """Request `k` as it stands on the tape."""
        return self.data[int(self.start[k]) : int(self.start[k + 1])]

    def _mask(self, round_: int) -> int:
        return round_mask(round_) ^ self.salt

    def rewrite(self, first_request: int, last_request: int, round_: int) -> None:
        """Puts the ids of repetition `round_` into requests `first_request` to `last_request - 1`."""
        self._renew(self.data, 0, slice(first_request, last_request), round_)

    def render(self, k: int, round_: int) -> bytes:
        """Request `k` of repetition `round_`, whatever stands on the tape by now."""
        request = bytearray(self.request(k))
        self._renew(request, int(self.start[k]), slice(k, k + 1), round_)
        return bytes(request)

    def render_part(self, k: int, round_: int, items: Sequence[int]) -> bytes:
        """A request like `k` of repetition `round_`, with only some of its items (numbers from 0, ascending).

        For targets whose answers tell items apart (`pieces`).
        """
        head, _, body = self.render(k, round_).partition(HEAD_END)
        packed = b"\r\nContent-Encoding: gzip" in head
        text = unpack(body) if packed else body
        own = slice(int(self.first[k]), int(self.first[k + 1]))
        starts, stops = self.pieces.start[own].tolist(), self.pieces.stop[own].tolist()
        separator = text[stops[0] : starts[1]] if len(starts) > 1 else b""
        chosen = separator.join(text[starts[item] : stops[item]] for item in items)
        part = b"".join((text[: starts[0]], chosen, text[stops[-1] :]))
        body = pack_now(part) if packed else part
        return b"%b%b%d%b%b" % (head[: head.rindex(LENGTH)], LENGTH, len(body), HEAD_END, body)

    def _renew(self, buffer: mmap.mmap | bytearray, offset: int, requests: slice, round_: int) -> None:
        """Gives requests the ids of a repetition; byte 0 of `buffer` is byte `offset` of the tape's file."""
        firsts = self.first[requests.start : requests.stop + 1]
        pings = slice(int(firsts[0]), int(firsts[-1]))
        chosen = self.places.of(pings.start, pings.stop)
        if chosen.start == chosen.stop:
            return
        old = first_words(self.ids)[pings]
        mask = self._mask(round_)
        new = fresh_words(old, mask) if mask else old
        words = new[self.places.ping[chosen] - pings.start]
        _every_place(buffer, "<u8", WORD)[self.places.offset[chosen] - offset] = words
        checksums = self.checksums
        if checksums is None:
            return
        sums = checksums.renewed(requests, pings, firsts[:-1] - pings.start, old ^ new)
        ends = self.start[requests.start + 1 : requests.stop + 1] - (TRAILER_BYTES + offset)
        packed = checksums.packed[requests]
        _every_place(buffer, "<u4", 4)[ends[packed]] = sums[packed]

    def ids_in_round(self, round_: int, pings: I64) -> npt.NDArray[np.bytes_]:
        """The document ids of the given pings in repetition `round_`."""
        ids = self.ids[pings]
        if (mask := self._mask(round_)) and len(ids):
            first_words(ids)[:] = fresh_words(first_words(self.ids)[pings], mask)
        return ids

    def close(self) -> None:
        """Lets go of the file. The arrays stay usable."""
        self.data.close()


def _every_place(buffer: mmap.mmap | bytearray, dtype: str, width: int) -> npt.NDArray[np.generic]:
    """An overlapping view: every byte of the buffer is the start of one number."""
    return np.ndarray(shape=(len(buffer) - width + 1,), dtype=dtype, buffer=buffer, strides=(1,))
