"""Writing a corpus: rows to record lines and index, part by part, whole or not at all.

Lines are made some hundred at a time: bigger blocks cost more in page faults than they save in calls.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt

from simulator.corpus.rows import Kinds, KindText, Row
from simulator.errors import CorpusError
from simulator.randomness import client_keys, split_uuids, uuid_text
from simulator.records import INDEX_DTYPE, CorpusMeta, CorpusPart

Ints = npt.NDArray[np.int64]

META_FILE = "corpus.json"
_LINES_A_BLOCK = 256
_ID_LENGTH = 36
_BEFORE_DUE = len('{"id":"') + _ID_LENGTH + len('","due_ms":')
_BEFORE_CLIENT = len(',"client":')
_POWERS_OF_TEN = np.array([10**n for n in range(1, 19)], dtype=np.int64)


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
    ) -> None:
        self._path = directory / part_name(number)
        self._kinds = kinds
        self._hasher = hasher
        self._clients = clients
        self._id_keys = client_keys(seed, "document id", np.arange(clients.start, clients.stop))
        self._ids_drawn = np.zeros(len(clients), dtype=np.int64)
        self._index: list[npt.NDArray[np.void]] = []
        self._file: BinaryIO = open(_partial(self._path), "wb", buffering=0)  # noqa: SIM115 - closed in finish or discard
        self._bytes = 0
        self._held: list[Row] = []

    def flush(self, rows: list[Row], until_ms: int | None = None) -> None:
        """Write the rows due before `until_ms` in the corpus's order, and hold back the others.

        Args:
            rows: in the order in which each client made them. The list is emptied.
            until_ms: milliseconds since the Unix epoch before which nothing more will come; None writes all.
        """
        if self._held:
            rows[:0] = self._held
            self._held = []
        if not rows:
            return
        due_ms, clients, codes, bodies, own_ids = zip(*rows, strict=True)
        count = len(rows)
        due = np.fromiter(due_ms, np.int64, count)
        client = np.fromiter(clients, np.int64, count)
        code = np.fromiter(codes, np.int64, count)
        ready = np.arange(count) if until_ms is None else np.flatnonzero(due < until_ms)
        order = ready[np.lexsort((client[ready], due[ready]))]
        id_text = self._draw_ids(client[order])
        if len(ready) < count:
            waiting = np.setdiff1d(np.arange(count), ready, assume_unique=True)
            self._held = [rows[i] for i in waiting.tolist()]
        rows.clear()
        if own_ids.count(None) < count:
            for position, i in enumerate(order.tolist()):
                own = own_ids[i]
                if own is not None:
                    id_text[position] = np.frombuffer(own.encode("ascii"), dtype=np.uint8)
        self._write(due[order], client[order], code[order], [bodies[i] for i in order.tolist()], id_text)

    def _draw_ids(self, client: Ints) -> npt.NDArray[np.uint8]:
        """Document ids of rows in the corpus's order.

        Each client's are numbered in the order in which its pings are due, so that neither the moment of a flush
        nor a ping that was made early and is due late changes any id.
        """
        member = client - self._clients.start
        grouped = np.argsort(member, kind="stable")
        counts = np.bincount(member, minlength=len(self._clients))
        starts = np.cumsum(counts) - counts
        number = np.empty(len(member), dtype=np.int64)
        number[grouped] = np.arange(len(member)) - np.repeat(starts, counts)
        number += self._ids_drawn[member]
        self._ids_drawn += counts
        return uuid_text(self._id_keys[member], number.astype(np.uint64))

    def _write(
        self, due: Ints, client: Ints, code: Ints, bodies: list[str], id_text: npt.NDArray[np.uint8]
    ) -> None:
        ids, due_ms, clients, codes = split_uuids(id_text), due.tolist(), client.tolist(), code.tolist()
        frames = line_frames(self._kinds.texts)
        lengths: list[int] = []
        for start in range(0, len(bodies), _LINES_A_BLOCK):
            block = slice(start, start + _LINES_A_BLOCK)
            lines = record_lines(
                ids[block],
                due_ms[block],
                clients[block],
                codes[block],
                bodies[block],
                frames,
            )
            data = "".join(lines).encode("ascii")
            _write_all(self._file, data)
            if self._hasher is not None:
                self._hasher.update(data)
            lengths += map(len, lines)
        sizes = np.fromiter(lengths, np.int64, len(lengths))
        index = index_rows(due, client, code, id_text, sizes, self._kinds.texts)
        index["offset"] += np.uint64(self._bytes)
        self._bytes += int(sizes.sum())
        self._index.append(index)

    def finish(self) -> WrittenPart:
        """Write what is held back, then the index, and give both files their names: the part is whole."""
        self.flush([])
        index = np.concatenate(self._index) if self._index else np.empty(0, dtype=INDEX_DTYPE)
        self._file.close()
        index_path = self._path.with_name(index_name(self._path.name))
        with open(_partial(index_path), "wb") as file:
            np.save(file, index)
        _partial(index_path).rename(index_path)
        _partial(self._path).rename(self._path)
        return self._summary(index)

    def discard(self) -> None:
        """Remove what was written so far."""
        self._file.close()
        _partial(self._path).unlink(missing_ok=True)

    def _summary(self, index: npt.NDArray[np.void]) -> WrittenPart:
        names = self._kinds
        codes, counts = np.unique(index["ping"], return_counts=True)
        label_codes, label_counts = np.unique(index["label"], return_counts=True)
        products = Counter[str]()
        product_of = {text.ping: kind.product for text, kind in zip(names.texts, names.kinds, strict=True)}
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            products[product_of[code]] += count
        return WrittenPart(
            file=self._path.name,
            records=len(index),
            bytes=self._bytes,
            first_due_ms=int(index["due_ms"][0]) if len(index) else 0,
            last_due_ms=int(index["due_ms"][-1]) if len(index) else 0,
            pings={names.ping_names[c]: n for c, n in zip(codes.tolist(), counts.tolist(), strict=True)},
            labels={
                names.label_names[c]: n
                for c, n in zip(label_codes.tolist(), label_counts.tolist(), strict=True)
            },
            products=dict(products),
        )


def line_frames(texts: Sequence[KindText]) -> list[tuple[str, str]]:
    """What stands before and after the id in the path of each kind's lines; all before, where there is no id."""
    return [(text.head, text.tail) if text.id_in_path else (text.head + text.tail, "") for text in texts]


def record_lines(
    ids: Iterable[str],
    due_ms: Iterable[int],
    clients: Iterable[int],
    codes: Iterable[int],
    bodies: Iterable[str],
    frames: Sequence[tuple[str, str]],
) -> list[str]:
    """The record lines of rows, in the given order: the one place that knows a line's layout."""
    return [
        f'{{"id":"{document}","due_ms":{due},"client":{client},{before}{document}{after}{body}}}\n'
        if after
        else f'{{"id":"{document}","due_ms":{due},"client":{client},{before}{body}}}\n'
        for document, due, client, (before, after), body in zip(
            ids, due_ms, clients, [frames[code] for code in codes], bodies, strict=True
        )
    ]


def _digits(values: Ints) -> Ints:
    return np.searchsorted(_POWERS_OF_TEN, values, side="right") + 1


def index_rows(
    due: Ints,
    client: Ints,
    code: Ints,
    id_text: npt.NDArray[np.uint8],
    lengths: Ints,
    texts: Sequence[KindText],
) -> npt.NDArray[np.void]:
    """The index of rows in the given order, computed from lengths alone; `record_lines` gives the layout.

    Args:
        due: when each is due, in milliseconds since the Unix epoch.
        client: who sends it.
        code: kind codes, positions in `texts`.
        id_text: document ids, 36 ASCII bytes each.
        lengths: bytes of each line.
        texts: the kinds.
    """
    index = np.empty(len(code), dtype=INDEX_DTYPE)
    index["id"] = np.ascontiguousarray(id_text).view("S36").ravel()
    index["due_ms"] = due
    index["client"] = client
    index["length"] = lengths
    index["offset"] = np.cumsum(lengths) - lengths

    def of_kind(name: str) -> Ints:
        return np.array([getattr(text, name) for text in texts], dtype=np.int64)[code]

    head_length = np.array([len(text.head) for text in texts], dtype=np.int64)[code]
    tail_length = np.array([len(text.tail) for text in texts], dtype=np.int64)[code]
    head_end = _BEFORE_DUE + _digits(due) + _BEFORE_CLIENT + _digits(client) + 1 + head_length
    index["path_offset"] = head_end + of_kind("path_from_head_end")
    index["path_length"] = of_kind("path_length")
    tail_start = head_end + of_kind("id_in_path") * _ID_LENGTH
    index["headers_length"] = of_kind("headers_length")
    index["headers_offset"] = tail_start + of_kind("headers_from_tail_start")
    quotes = of_kind("base64")
    body_start = tail_start + tail_length
    index["body_offset"] = body_start + quotes
    index["body_length"] = lengths - body_start - len("}\n") - 2 * quotes
    index["ping"] = of_kind("ping")
    index["label"] = of_kind("label")
    index["expect"] = of_kind("expect")
    index["body_b64"] = quotes
    return index


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
        with open(self.directory / part.file, "rb") as file:
            while block := file.read(1 << 18):
                hasher.update(block)

    def commit(self, meta: CorpusMeta) -> CorpusMeta:
        """Write `corpus.json`: from here on the directory is a corpus."""
        partial = self.directory / (META_FILE + ".partial")
        with open(partial, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(meta), indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
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
