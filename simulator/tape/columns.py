"""The tape's arrays while they grow."""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from simulator.tape.checksums import Checksums, Factors
from simulator.tape.fresh import ID_LENGTH
from simulator.tape.items import Item, LeftOut
from simulator.tape.tape import Pieces, Places, Tape

BATCH_NAME = "batch"


class Columns:
    """The tape's arrays while they grow. Flat memory, so that millions of pings are no millions of objects."""

    def __init__(self) -> None:
        self.pings = 0
        self.start = array("q", [0])
        self.first = array("q", [0])
        self.due_ms = array("q")
        self.name = array("H")
        self.carrier = array("B")
        self.closes = array("B")
        self.rows = array("Q")
        self.ids = bytearray()
        self.expect = array("B")
        self.expects = array("B")
        self.label = array("H")
        self.left_out = array("Q")
        self.left_out_ids = bytearray()
        self.place_ping = array("q")
        self.place_offset = array("q")
        self.piece_start = array("I")
        self.piece_stop = array("I")
        self.change_ping = array("q")
        self.change_behind = array("q")
        self.checksum: int | None = None
        self.first_checksums = array("I")
        self.packed = array("B")
        self._expected = 0

    def add_place(self, ping: int, offset: int) -> None:
        """An id stands in the tape's file."""
        self.place_ping.append(ping)
        self.place_offset.append(offset)

    def add_ping(self, item: Item) -> None:
        """The next ping of the request that is being written."""
        self.rows.append(item.row)
        self.ids += _padded(item.id)
        self.expect.append(item.expect)
        self.label.append(item.label)
        self._expected |= 1 << item.expect
        self.pings += 1

    def add_lone(
        self,
        items: Sequence[Item],
        ends: Sequence[int],
        places: Sequence[Sequence[int]],
        *,
        closes: Sequence[bool],
    ) -> None:
        """A request of its own for each ping, none of them compressed.

        Args:
            items: the pings.
            ends: where their requests end in the file.
            places: for each, where its id stands in the file.
            closes: whether the connection must not be used again after them.
        """
        count = len(items)
        for ping, own in enumerate(places, start=self.pings):
            self.place_ping.extend([ping] * len(own))
        self.place_offset.extend(chain.from_iterable(places))
        self.start.extend(ends)
        self.first.extend(range(self.pings + 1, self.pings + count + 1))
        self.due_ms.extend([item.due_ms for item in items])
        self.name.extend([item.ping for item in items])
        self.carrier.extend([item.carrier for item in items])
        self.closes.extend(closes)
        self.rows.extend([item.row for item in items])
        self.ids += b"".join([_padded(item.id) for item in items])
        expect = [item.expect for item in items]
        self.expect.extend(expect)
        self.expects.extend([1 << value for value in expect])
        self.label.extend([item.label for item in items])
        self.packed.frombytes(bytes(count * self.packed.itemsize))
        self.first_checksums.frombytes(bytes(count * self.first_checksums.itemsize))
        self.pings += count

    def leave_out(self, item: LeftOut) -> None:
        """A record that stays where it is."""
        self.left_out.append(item.row)
        self.left_out_ids += _padded(item.id)

    def end_request(self, offset: int) -> None:
        """The request that was being written ends at `offset` of the file."""
        self.start.append(offset)
        self.first.append(self.pings)
        self.expects.append(self._expected)
        self.packed.append(self.checksum is not None)
        self.first_checksums.append(self.checksum or 0)
        self.checksum = None
        self._expected = 0

    def finish(self, data: mmap.mmap, names: list[str]) -> Iterator[Tape | None]:
        """The tape whose requests stand in `data`, after some steps that yield None."""
        checksums = None
        if 1 in self.packed:
            factors = Factors(self.pings, _i64(self.change_ping), _i64(self.change_behind))
            for _ in factors.steps():
                yield None
            checksums = Checksums(
                factor=factors.factor,
                first=np.frombuffer(self.first_checksums, dtype=np.uint32),
                packed=_flags(self.packed),
            )
        # All of these share the memory of what has grown: nothing is copied.
        yield Tape(
            data=data,
            start=_i64(self.start),
            first=_i64(self.first),
            due_ms=_i64(self.due_ms),
            name=np.frombuffer(self.name, dtype=np.uint16),
            carrier=np.frombuffer(self.carrier, dtype=np.uint8),
            closes=_flags(self.closes),
            names=(*names, BATCH_NAME),
            rows=np.frombuffer(self.rows, dtype=np.uint64),
            ids=np.frombuffer(self.ids, dtype="S36"),
            expect=np.frombuffer(self.expect, dtype=np.uint8),
            expects=np.frombuffer(self.expects, dtype=np.uint8),
            label=np.frombuffer(self.label, dtype=np.uint16),
            left_out=np.frombuffer(self.left_out, dtype=np.uint64),
            left_out_ids=np.frombuffer(self.left_out_ids, dtype="S36"),
            places=Places(ping=_i64(self.place_ping), offset=_i64(self.place_offset)),
            pieces=Pieces(
                start=np.frombuffer(self.piece_start, dtype=np.uint32),
                stop=np.frombuffer(self.piece_stop, dtype=np.uint32),
            ),
            checksums=checksums,
        )


def _i64(values: array[int]) -> npt.NDArray[np.int64]:
    return np.frombuffer(values, dtype=np.int64)


def _flags(values: array[int]) -> npt.NDArray[np.bool_]:
    return np.frombuffer(values, dtype=np.bool_)


def _padded(id_: bytes) -> bytes:
    """An id as a row of the id column."""
    return id_ if len(id_) == ID_LENGTH else id_[:ID_LENGTH].ljust(ID_LENGTH, b"\0")
