"""A finished tape: request bytes in one memory-mapped file, and arrays that say what each of them holds."""

from __future__ import annotations

import gzip
import mmap
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.tape.fresh import WORD, FreshIds

I64 = npt.NDArray[np.int64]

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"Content-Length: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where ids stand: `offset[i]` is the place of an id of ping `ping[i]`; pings ascend."""

    ping: I64
    offset: I64

    def of(self, first_ping: int, last_ping: int) -> slice:
        """The positions in the arrays of the ids of pings `first_ping` to `last_ping - 1`."""
        start, stop = np.searchsorted(self.ping, (first_ping, last_ping))
        return slice(int(start), int(stop))


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
        label: for each ping, position in the corpus's label names.
        left_out: rows of the corpus that this target cannot carry.
        left_out_ids: their ids.
        places: ids in `data`.
        packed_places: ids inside compressed bodies; offsets count from the start of the plain body.
        fresh: the ids' digits.
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
    label: npt.NDArray[np.uint16]
    left_out: npt.NDArray[np.uint64]
    left_out_ids: npt.NDArray[np.bytes_]
    places: Places
    packed_places: Places
    fresh: FreshIds

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def pings(self) -> int:
        """How many pings are on the tape."""
        return len(self.rows)

    @property
    def repeats_by_rendering(self) -> bool:
        """Whether repetitions must be made request by request, because ids stand inside compressed bodies."""
        return len(self.packed_places.ping) > 0

    def request(self, k: int) -> bytes:
        """Request `k` as it stands on the tape."""
        return self.data[int(self.start[k]) : int(self.start[k + 1])]

    def rewrite(self, first_request: int, last_request: int, round_: int) -> None:
        """Puts the ids of repetition `round_` into requests `first_request` to `last_request - 1`."""
        chosen = self.places.of(int(self.first[first_request]), int(self.first[last_request]))
        if chosen.start == chosen.stop:
            return
        words = self.fresh.words(round_, self.places.ping[chosen])
        # Every byte of the file is the start of one word of this overlapping view.
        view = np.ndarray(shape=(len(self.data) - WORD + 1,), dtype="<u8", buffer=self.data, strides=(1,))
        view[self.places.offset[chosen]] = words

    def render(self, k: int, round_: int) -> bytes:
        """Request `k` of repetition `round_`, whatever stands on the tape by now."""
        request = bytearray(self.request(k))
        pings = int(self.first[k]), int(self.first[k + 1])
        self._patch(request, self.places, pings, round_, int(self.start[k]))
        packed = self.packed_places.of(*pings)
        if packed.start == packed.stop:
            return bytes(request)
        head, _, body = bytes(request).partition(_HEAD_END)
        plain = bytearray(gzip.decompress(body))
        self._patch(plain, self.packed_places, pings, round_, 0)
        body = pack(bytes(plain))
        kept = head[: head.rindex(_LENGTH)]
        return b"".join((kept, _LENGTH, b"%d" % len(body), _HEAD_END, body))

    def _patch(
        self, text: bytearray, places: Places, pings: tuple[int, int], round_: int, offset: int
    ) -> None:
        chosen = places.of(*pings)
        words = self.fresh.words(round_, places.ping[chosen])
        for place, word in zip(places.offset[chosen].tolist(), words.tolist(), strict=True):
            text[place - offset : place - offset + WORD] = word.to_bytes(WORD, "little")

    def ids_in_round(self, round_: int, pings: I64) -> npt.NDArray[np.bytes_]:
        """The document ids of the given pings in repetition `round_`."""
        ids = self.ids[pings]
        if round_ and len(ids):
            text = ids.view(np.uint8).reshape(len(ids), -1)
            text[:, :WORD] = self.fresh.words(round_, pings).view(np.uint8).reshape(len(ids), WORD)
        return ids

    def close(self) -> None:
        """Lets go of the file. The arrays stay usable."""
        self.data.close()


def pack(plain: bytes) -> bytes:
    """A body compressed as clients do: level 6, without a time stamp, so that the same tape has the same bytes."""
    return gzip.compress(plain, compresslevel=6, mtime=0)
