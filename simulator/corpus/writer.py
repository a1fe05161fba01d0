"""Writing a corpus: rows to record lines and index, part by part, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
from numpy.lib.format import dtype_to_descr, write_array_header_1_0

from simulator.corpus.columns import Columns
from simulator.corpus.document_ids import DocumentIds
from simulator.corpus.lines import complete_index, record_lines, rest_of_line
from simulator.corpus.rows import Kinds, Row
from simulator.corpus.standing import StandingPings
from simulator.errors import CorpusError
from simulator.randomness import split_uuids
from simulator.records import INDEX_DTYPE, CorpusMeta, CorpusPart

Ints = npt.NDArray[np.int64]

META_FILE = "corpus.json"
#: Written in one go: the arrays of more do not fit into a core's own cache, which costs more than a go's calls.
_PINGS_AT_ONCE = 8_192


def part_name(number: int) -> str:
    """The record file of part `number`."""
    return f"pings-{number:05d}.ndjson"


def index_name(part_file: str) -> str:
    """The index beside a record file."""
    return part_file.removesuffix(".ndjson") + ".index.npy"


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """What a finished part holds; enough for `corpus.json`, small enough to cross processes."""

    file: str
    records: int
    bytes: int
    first_due_ms: int
    last_due_ms: int
    pings: dict[str, int]
    labels: dict[str, int]
    products: dict[str, int]


class PartWriter:
    """Writes one part: the records of a cohort of consecutive clients.

    Args:
        directory: the corpus directory.
        number: the part's number.
        kinds: gives meaning to the rows' kind codes.
        seed: document ids are drawn from (seed, client, "document id", how many the client had before).
        clients: the clients that may occur in the rows.
        hasher: if given, is fed every byte as it is written.
        standing: the cohort's standing pings, which are written with the rows.
    """

    def __init__(
        self,
        directory: Path,
        number: int,
        *,
        kinds: Kinds,
        seed: int,
        clients: range,
        hasher: hashlib._Hash | None = None,
        standing: StandingPings | None = None,
    ) -> None:
        self._standing = StandingPings(kinds) if standing is None else standing
        self._path = directory / part_name(number)
        self._kinds = kinds
        self._hasher = hasher
        self._ids = DocumentIds(seed, clients)
        self._index_path = self._path.with_name(index_name(self._path.name))
        self._file: BinaryIO = open(_partial(self._path), "wb", buffering=0)  # noqa: SIM115 - closed in finish or discard
        self._index_file: BinaryIO = open(_partial(self._index_path), "wb")  # noqa: SIM115 - likewise
        _write_index_header(self._index_file, 0)
        self._of_kind = Counter[int]()
        self._bytes = 0
        self._span: tuple[int, int] | None = None
        self._held = Columns.of([], made=np.arange(0))
        self._rows_before = 0

    def flush(self, rows: list[Row], until_ms: int | None = None) -> None:
        """Write the pings due before `until_ms` in the corpus's order, and hold back the others.

        Args:
            rows: in the order in which each client made them. The list is emptied; standing pings are taken with it.
            until_ms: milliseconds since the Unix epoch before which nothing more will come; None writes all.
        """
        waiting = self._held.joined(self._made(rows))
        ready = waiting.due < until_ms if until_ms is not None else np.ones(len(waiting), dtype=bool)
        self._held = waiting.at(np.flatnonzero(~ready))
        order = np.flatnonzero(ready)
        if len(order):
            keys = waiting.made.take(order), waiting.client.take(order), waiting.due.take(order)
            order = order[np.lexsort(keys)]
            for start in range(0, len(order), _PINGS_AT_ONCE):
                self._write(waiting.at(order[start : start + _PINGS_AT_ONCE]))

    def _made(self, rows: list[Row]) -> Columns:
        """What was made since the last time."""
        before, count = self._rows_before, len(rows)
        # A row has an odd number; what was told before it and after the last one has the even number between.
        columns = Columns.of(rows, made=2 * np.arange(before, before + count) + 1)
        rows.clear()
        self._rows_before += count
        if not len(self._standing):
            return columns
        told = self._standing.take()
        made = 2 * (before + told.after_rows)
        client, code = (
            np.array(each, dtype=np.int64).take(told.ping)
            for each in (self._standing.client, self._standing.code)
        )
        return columns.joined(Columns(told.due_ms, client, code, made=made, source=told.ping))

    def _write(self, pings: Columns) -> None:
        """Write pings, which are in the corpus's order."""
        # Numbered as they are due, so that neither a flush nor a ping that was made early changes any id.
        _, id_text = self._ids.take(pings.client)
        rests, index = self._rests(pings, id_text)
        for data in record_lines(id_text, pings.due, rests):
            _write_all(self._file, data)
            if self._hasher is not None:
                self._hasher.update(data)
        complete_index(index, id_text, pings.due)
        index["offset"] += np.uint64(self._bytes)
        self._bytes += int(index["length"].sum(dtype=np.int64))
        self._index_file.write(index.data)
        self._of_kind.update(dict(enumerate(np.bincount(pings.code).tolist())))
        self._span = (self._span[0] if self._span else int(pings.due[0]), int(pings.due[-1]))

    def _rests(
        self, pings: Columns, id_text: npt.NDArray[np.uint8]
    ) -> tuple[list[bytes], npt.NDArray[np.void]]:
        """What follows the moment in each line, and the beginnings of the index. Rows' own ids go to their places."""
        is_row = pings.source < 0
        places = np.flatnonzero(is_row)
        for place, own in zip(places.tolist(), pings.own_ids, strict=True):
            if own is not None:
                id_text[place] = np.frombuffer(own.encode("ascii"), dtype=np.uint8)
        texts, ids = self._kinds.texts, split_uuids(id_text[places])
        client, code = pings.client.take(places), pings.code.take(places)
        of_rows = [
            rest_of_line(client, texts[code], body, document_id)
            for client, code, body, document_id in zip(
                client.tolist(), code.tolist(), pings.bodies, ids, strict=True
            )
        ]
        standing = self._standing
        sizes = np.fromiter(map(len, pings.bodies), np.int64, len(places))
        index = np.concatenate((standing.index(), standing.beginnings.of(client, code, sizes)))
        source = np.where(is_row, np.cumsum(is_row) + (len(standing.rest) - 1), pings.source)
        rests = standing.rest + of_rows
        return list(map(rests.__getitem__, source.tolist())), index.take(source)

    def finish(self) -> WrittenPart:
        """Write what is held back, and give both files their names: the part is whole."""
        self.flush([])
        self._file.close()
        _write_index_header(self._index_file, self._of_kind.total())
        self._index_file.close()
        _partial(self._index_path).rename(self._index_path)
        _partial(self._path).rename(self._path)
        return self._summary()

    def discard(self) -> None:
        """Remove what was written so far."""
        for file, path in ((self._file, self._path), (self._index_file, self._index_path)):
            with contextlib.suppress(OSError):  # a full disk refuses what is buffered still
                file.close()
            _partial(path).unlink(missing_ok=True)

    def _summary(self) -> WrittenPart:
        names = self._kinds
        pings, labels, products = Counter[str](), Counter[str](), Counter[str]()
        for code, count in sorted(self._of_kind.items()):
            if count:
                kind = names.kinds[code]
                pings[kind.ping] += count
                labels[kind.label] += count
                products[kind.product] += count
        first_due_ms, last_due_ms = self._span or (0, 0)
        return WrittenPart(
            file=self._path.name,
            records=self._of_kind.total(),
            bytes=self._bytes,
            first_due_ms=first_due_ms,
            last_due_ms=last_due_ms,
            pings=dict(pings),
            labels=dict(labels),
            products=dict(products),
        )


def _write_index_header(file: BinaryIO, records: int) -> None:
    """NumPy's own header at the file's beginning; it leaves room, so its length does not depend on the number."""
    file.seek(0)
    header = {"descr": dtype_to_descr(INDEX_DTYPE), "fortran_order": False, "shape": (records,)}
    write_array_header_1_0(file, header)


def _write_all(file: BinaryIO, data: bytes) -> None:
    """Write all of `data`: where the disk is nearly full, an unbuffered file takes a part of it without a word."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _partial(path: Path) -> Path:
    return path.with_name(path.name + ".partial")


class CorpusWriter:
    """A corpus directory being written. It becomes a corpus when `commit` puts `corpus.json` in its place.

    Args:
        directory: made if missing; must not hold a corpus already unless `replace`.
        replace: remove the corpus that is there.

    Raises:
        CorpusError: the directory holds a corpus, or something that is not ours.
    """

    def __init__(self, directory: Path, *, replace: bool = False) -> None:
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
            strangers = [path for path in directory.iterdir() if not _is_ours(path)]
        except OSError as error:
            raise CorpusError(f"{directory}: cannot be used for a corpus: {error.strerror}") from error
        if strangers:
            raise CorpusError(
                f"{directory}: holds other files ({strangers[0].name}, …); give an empty or a new directory"
            )
        if (directory / META_FILE).exists() and not replace:
            raise CorpusError(
                f"{directory}: already holds a corpus; give another directory, or --force to replace it"
            )
        (directory / META_FILE).unlink(missing_ok=True)
        for path in directory.iterdir():
            path.unlink()

    def __enter__(self) -> CorpusWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for path in self.directory.glob("*.partial"):
            path.unlink()

    def hash_part(self, part: WrittenPart, hasher: hashlib._Hash) -> None:
        """Feed a finished part's bytes to `hasher` (needed when another process wrote it)."""
        if not part.bytes:
            return  # nothing cannot be mapped
        with (
            open(self.directory / part.file, "rb") as file,
            mmap.mmap(file.fileno(), part.bytes, access=mmap.ACCESS_READ) as whole,
        ):
            hasher.update(whole)  # spares the copy that reading makes, an eighth of the time

    def commit(self, meta: CorpusMeta) -> CorpusMeta:
        """Write `corpus.json`: from here on the directory is a corpus.

        Nothing is forced onto the disk, which would take as long as writing all parts there: a corpus is a cache.
        What a power cut leaves of it is found by its sizes and its digest.
        """
        partial = self.directory / (META_FILE + ".partial")
        with open(partial, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(meta), indent=2) + b"\n")
        partial.rename(self.directory / META_FILE)
        return meta


def _is_ours(path: Path) -> bool:
    name = path.name.removesuffix(".partial")
    return name == META_FILE or (name.startswith("pings-") and name.endswith((".ndjson", ".index.npy")))


def corpus_parts(parts: Iterable[WrittenPart], digests: Iterable[str]) -> list[CorpusPart]:
    """The parts as `corpus.json` lists them."""
    return [
        CorpusPart(file=part.file, records=part.records, bytes=part.bytes, sha256_so_far=digest)
        for part, digest in zip(parts, digests, strict=True)
    ]
