"""Cuts a corpus into a tape, in steps short enough for an event loop to breathe between them."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from simulator.corpus import Corpus
from simulator.tape.columns import Columns
from simulator.tape.compose import Composer
from simulator.tape.items import Item, Items, LeftOut
from simulator.tape.order import I64, DueOrder
from simulator.tape.spec import TapeSpec
from simulator.tape.tape import Tape

#: Pings a step: a few milliseconds of work. Steps also end after so many bytes (see `packing`).
STEP_PINGS = 500


class TapeBuilder:
    """Builds one worker's tape.

    Args:
        corpus: what to send.
        spec: for which endpoint.
        directory: where the tape's file is kept while the run lasts; None: the system's place for such files.
    """

    def __init__(self, corpus: Corpus, spec: TapeSpec, *, directory: Path | None = None) -> None:
        self._corpus = corpus
        self._spec = spec
        self._directory = directory
        self._columns = Columns()
        self._items = Items(corpus, spec.target)
        self._composer = Composer(spec, self._columns, batch_name=len(corpus.ping_names))

    def build(self) -> Tape:
        """The tape, in one go."""
        for _ in self.steps():
            pass
        return self.tape

    def steps(self) -> Iterator[int]:
        """Builds the tape; yields the number of pings done after each step. `tape` is set at the end.

        No step's time grows with the corpus.

        Raises:
            CorpusError: a record cannot be read.
        """
        order = DueOrder(self._corpus, worker=self._spec.worker, workers=self._spec.workers)
        for _ in order.steps():
            yield 0
        with tempfile.TemporaryFile(prefix="telsim-tape-", dir=self._directory) as file:
            yield from self._write(order, file)
            file.flush()
            size = file.tell()
            data = mmap.mmap(file.fileno(), size) if size else mmap.mmap(-1, 1)
        for tape in self._columns.finish(data, self._corpus.ping_names):
            if tape is not None:
                self.tape = tape
            yield len(order)

    def _write(self, order: DueOrder, file: BinaryIO) -> Iterator[int]:
        spec = self._spec
        waiting: list[Item] = []
        window_end = 0
        for start in range(0, len(order), STEP_PINGS):
            items = self._that_go_out(order.rows(start, start + STEP_PINGS))
            if self._composer.writes_lone:
                for _ in self._composer.write_lone(items, file):
                    yield start
            for item in items:  # all that are left: none, or all of them
                due = item.due_ms
                full = len(waiting) >= spec.batch
                if waiting and (full or (spec.window_ms is not None and due >= window_end)):
                    for _ in self._composer.write(waiting, file):
                        yield start
                    waiting = []
                if not waiting and spec.window_ms is not None:
                    window_end = due - due % spec.window_ms + spec.window_ms
                waiting.append(item)
            yield min(start + STEP_PINGS, len(order))
        if waiting:
            for _ in self._composer.write(waiting, file):
                yield len(order)

    def _that_go_out(self, rows: I64) -> Iterator[Item]:
        for item in self._items.of(rows):
            if isinstance(item, LeftOut):
                self._columns.leave_out(item)
            else:
                yield item
