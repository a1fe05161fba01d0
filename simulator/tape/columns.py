"""The tape's arrays while they grow."""

from __future__ import annotations

import mmap
from array import array

import numpy as np
import numpy.typing as npt

from simulator.corpus import Corpus
from simulator.tape.fresh import ID_LENGTH, FreshIds
from simulator.tape.tape import Places, Tape

BATCH_NAME = "batch"


class Columns:
    """The tape's arrays while they grow."""

    def __init__(self) -> None:
        self.start = array("q", [0])
        self.first = array("q", [0])
        self.due_ms = array("q")
        self.name = array("H")
        self.carrier = array("B")
        self.closes = array("B")
        self.rows = array("Q")
        self.ids = bytearray()
        self.expect = array("B")
        self.label = array("H")
        self.left_out = array("Q")
        self.left_out_ids = bytearray()
        self.place_ping = array("q")
        self.place_offset = array("q")
        self.packed_ping = array("q")
        self.packed_offset = array("q")

    def finish(self, data: mmap.mmap, corpus: Corpus) -> Tape:
        """The tape whose requests stand in `data`."""
        ids = np.frombuffer(bytes(self.ids), dtype="S36")
        return Tape(
            data=data,
            start=np.array(self.start, dtype=np.int64),
            first=np.array(self.first, dtype=np.int64),
            due_ms=np.array(self.due_ms, dtype=np.int64),
            name=np.array(self.name, dtype=np.uint16),
            carrier=np.array(self.carrier, dtype=np.uint8),
            closes=np.array(self.closes, dtype=np.bool_),
            names=(*corpus.ping_names, BATCH_NAME),
            rows=np.array(self.rows, dtype=np.uint64),
            ids=ids,
            expect=np.array(self.expect, dtype=np.uint8),
            label=np.array(self.label, dtype=np.uint16),
            left_out=np.array(self.left_out, dtype=np.uint64),
            left_out_ids=np.frombuffer(bytes(self.left_out_ids), dtype="S36"),
            places=Places(ping=_i64(self.place_ping), offset=_i64(self.place_offset)),
            packed_places=Places(ping=_i64(self.packed_ping), offset=_i64(self.packed_offset)),
            fresh=FreshIds(ids),
        )


def _i64(values: array[int]) -> npt.NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def padded(id_: bytes) -> bytes:
    """An id as a row of the id column."""
    return id_[:ID_LENGTH].ljust(ID_LENGTH, b"\0")
