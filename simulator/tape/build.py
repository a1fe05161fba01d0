"""Cuts a corpus into a tape, in steps short enough for an event loop to breathe between them."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from simulator.corpus import Corpus
from simulator.tape.columns import Columns
from simulator.tape.compose import Composer, Item, Rows
from simulator.tape.spec import TapeSpec
from simulator.tape.tape import Tape

#: Pings a step: a few milliseconds of work, even with compression.
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
        self._composer = Composer(corpus, spec, self._columns)

    def build(self) -> Tape:
        """The tape, in one go."""
        for _ in self.steps():
            pass
        return self.tape

    def steps(self) -> Iterator[int]:
        """Builds the tape; yields the number of pings done after each step. `tape` is set at the end.

        Raises:
            CorpusError: a record cannot be read.
        """
        rows = _shard_rows(self._corpus, self._spec)
        with tempfile.TemporaryFile(prefix="telsim-tape-", dir=self._directory) as file:
            yield from self._write(rows, file)
            file.flush()
            size = file.tell()
            data = mmap.mmap(file.fileno(), size) if size else mmap.mmap(-1, 1)
        self.tape = self._columns.finish(data, self._corpus)

    def _write(self, rows: Rows, file: BinaryIO) -> Iterator[int]:
        spec = self._spec
        waiting: list[Item] = []
        window_end = 0
        for start in range(0, len(rows.row), STEP_PINGS):
            for item in self._composer.items(rows, start, start + STEP_PINGS):
                due = item.due_ms
                full = len(waiting) >= spec.batch
                if waiting and (full or (spec.window_ms is not None and due >= window_end)):
                    self._composer.write(waiting, file)
                    waiting = []
                if not waiting and spec.window_ms is not None:
                    window_end = due - due % spec.window_ms + spec.window_ms
                waiting.append(item)
            yield min(start + STEP_PINGS, len(rows.row))
        if waiting:
            self._composer.write(waiting, file)


def _shard_rows(corpus: Corpus, spec: TapeSpec) -> Rows:
    parts, records, rows, dues = [], [], [], []
    for number, part in enumerate(corpus.parts):
        chosen = np.flatnonzero(part.index["client"] % spec.workers == spec.worker)
        parts.append(np.full(len(chosen), number, dtype=np.uint32))
        records.append(chosen.astype(np.uint32))
        rows.append((chosen + part.first_row).astype(np.uint64))
        dues.append(part.index["due_ms"][chosen])
    if not parts:
        return Rows(np.empty(0, np.uint32), np.empty(0, np.uint32), np.empty(0, np.uint64))
    # Stable, so that records of one time stay in the order of the corpus.
    order = np.argsort(np.concatenate(dues), kind="stable")
    return Rows(np.concatenate(parts)[order], np.concatenate(records)[order], np.concatenate(rows)[order])
