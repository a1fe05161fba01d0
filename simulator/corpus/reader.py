"""Reading a corpus: memory-mapped lines and indexes, nothing parsed until somebody asks for a record."""

from __future__ import annotations

import base64
import mmap
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from simulator.corpus.writer import META_FILE, index_name
from simulator.errors import CorpusError
from simulator.records import CORPUS_FORMAT, INDEX_DTYPE, CorpusMeta, CorpusPart, Ping

if TYPE_CHECKING:
    import pyarrow as pa

#: A mapped file keeps its descriptor: the lines and the index of each part.
_FILES_A_PART = 2
#: What else a process has open: a replay's connections, most of all.
_OTHER_FILES = 512

_DECODER = msgspec.json.Decoder(Ping)


class Part:
    """One record file and its index."""

    def __init__(self, directory: Path, part: CorpusPart, *, first_row: int) -> None:
        self.path = directory / part.file
        self.first_row = first_row
        self._part = part
        self.index: npt.NDArray[np.void] = self._open_index()
        self.lines: memoryview = self._open_lines()

    def _open_lines(self) -> memoryview:
        try:
            with open(self.path, "rb") as file:
                size = self.path.stat().st_size
                view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        except OSError as error:
            raise CorpusError(f"{self.path}: cannot be read: {error.strerror}") from error
        if size != self._part.bytes:
            whole = int(np.count_nonzero(self.index["offset"] + self.index["length"] <= size))
            raise CorpusError(
                f"{self.path}: {size} bytes where corpus.json says {self._part.bytes}; "
                f"record {whole + 1} of {self._part.records} is the first that is not there whole; "
                "generate the corpus again"
            )
        return memoryview(view)

    def _open_index(self) -> npt.NDArray[np.void]:
        path = self.path.with_name(index_name(self.path.name))
        try:
            index = np.load(path, mmap_mode="r" if self._part.records else None, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise CorpusError(
                f"{path}: the index cannot be read ({error}); generate the corpus again"
            ) from error
        if index.dtype != INDEX_DTYPE or len(index) != self._part.records:
            raise CorpusError(
                f"{path}: the index does not fit: {len(index)} rows where corpus.json says "
                f"{self._part.records} records; generate the corpus again"
            )
        return np.asarray(index)

    def __len__(self) -> int:
        return len(self.index)

    def _span(self, row: np.void, offset: str, length: str) -> bytes:
        start = int(row["offset"]) + int(row[offset])
        return bytes(self.lines[start : start + int(row[length])])

    def line(self, i: int) -> bytes:
        """Record `i` as it stands in the file, without its line feed."""
        row = self.index[i]
        start = int(row["offset"])
        return bytes(self.lines[start : start + int(row["length"]) - 1])

    def body(self, i: int) -> bytes:
        """The payload of record `i`, before compression."""
        row = self.index[i]
        span = self._span(row, "body_offset", "body_length")
        return base64.b64decode(span) if row["body_b64"] else span

    def path_of(self, i: int) -> bytes:
        """The request target of record `i`."""
        return self._span(self.index[i], "path_offset", "path_length")

    def headers(self, i: int) -> dict[str, str]:
        """The headers of record `i` that differ from its carrier's."""
        row = self.index[i]
        if not row["headers_length"]:
            return {}
        return msgspec.json.decode(self._span(row, "headers_offset", "headers_length"), type=dict[str, str])

    def ping(self, i: int) -> Ping:
        """Record `i`, parsed.

        Raises:
            CorpusError: the line is not a record.
        """
        try:
            return _DECODER.decode(self.line(i))
        except msgspec.DecodeError as error:
            raise CorpusError(f"{self.path}:{i + 1}: not a record: {error}") from error


class Corpus:
    """A corpus that is whole. `open_corpus` makes one."""

    def __init__(self, path: Path, meta: CorpusMeta) -> None:
        self.path = path
        self.meta = meta
        self.ping_names = meta.ping_names
        self.label_names = meta.label_names

    @cached_property
    def parts(self) -> list[Part]:
        """Every part, opened and checked against `corpus.json`."""
        _have_files(self.path, _FILES_A_PART * len(self.meta.parts))
        parts, first_row = [], 0
        for part in self.meta.parts:
            parts.append(Part(self.path, part, first_row=first_row))
            first_row += part.records
        return parts

    def __len__(self) -> int:
        return self.meta.records

    def pings(self) -> Iterator[Ping]:
        """Every record, parsed, in order."""
        for part in self.parts:
            for i in range(len(part)):
                yield part.ping(i)

    def to_arrow(self) -> pa.Table:
        """Every record as a row of an Arrow table. Raises UsageError without the extra `parquet`."""
        from simulator.corpus.arrow import to_table

        return to_table(self.pings())

    def to_dataframe(self) -> Any:
        """Every record as a row of a pandas DataFrame. Raises UsageError without pandas."""
        from simulator.corpus.arrow import to_frame

        return to_frame(self.pings())

    def __repr__(self) -> str:
        meta = self.meta
        return f"<Corpus {meta.scenario_name!r} seed {meta.seed} {meta.dialect}: {meta.records:,} pings>"


def _have_files(path: Path, needed: int) -> None:
    """See to it that a corpus's files can be open at the same time, as far as this process may decide that.

    Raises:
        CorpusError: the system allows fewer.
    """
    try:
        import resource
    except ImportError:  # a system without such limits
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed += _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise CorpusError(
            f"{path}: its parts need {needed:,} open files, and the system allows {hard:,}; raise the limit "
            "(ulimit -Hn), or generate with a larger cohort_clients, which makes fewer parts"
        )
    with suppress(OSError, ValueError):  # some systems have a limit below the hard one; opening will tell
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def open_corpus(path: Path | str) -> Corpus:
    """Open a corpus and check that its files are whole (not that every record is right: `check` does that).

    Raises:
        CorpusError: no corpus there, an unfinished or damaged one, or another format version.
    """
    directory = Path(path)
    try:
        text = (directory / META_FILE).read_bytes()
    except FileNotFoundError as error:
        if any(directory.glob("pings-*")):
            raise CorpusError(
                f"{directory}: an unfinished corpus (corpus.json is missing); generate it again"
            ) from error
        raise CorpusError(f"{directory}: no corpus there; `telsim generate` makes one") from error
    except OSError as error:
        raise CorpusError(f"{directory}: cannot be read: {error.strerror}") from error
    try:
        meta = msgspec.json.decode(text, type=CorpusMeta)
    except msgspec.DecodeError as error:
        raise CorpusError(f"{directory / META_FILE}: not a corpus description: {error}") from error
    if meta.format != CORPUS_FORMAT:
        raise CorpusError(
            f"{directory}: corpus format {meta.format}, this telsim reads {CORPUS_FORMAT}; generate it again"
        )
    corpus = Corpus(directory, meta)
    if sum(len(part) for part in corpus.parts) != meta.records:
        raise CorpusError(
            f"{directory}: its parts do not add up to {meta.records} records; generate it again"
        )
    return corpus
