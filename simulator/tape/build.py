"""Cuts a corpus into a tape, in steps short enough for an event loop to breathe between them."""

from __future__ import annotations

import mmap
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
import orjson

from simulator.corpus import Corpus, Part
from simulator.errors import CorpusError, UsageError
from simulator.faults import FAULTS
from simulator.records import Ping
from simulator.tape.fresh import FreshIds
from simulator.tape.tape import Places, Tape, pack
from simulator.target import Target
from simulator.target.template import PingFacts, Template

#: Pings a step: a few milliseconds of work, even with compression.
STEP_PINGS = 500
BATCH_NAME = "batch"

_DECODER = msgspec.json.Decoder(Ping)
_CRLF = b"\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeSpec:
    """What a tape is made for.

    Args:
        target: endpoint profile.
        netloc: value of the Host header.
        base_path: path in front of every request's path.
        headers: the target's headers with the environment's values filled in.
        user_agent: value of the User-Agent header.
        batch: pings a request at most.
        gzip: whether bodies are compressed.
        window_ms: pings that are due within one such stretch of recorded time make one batch; None: by size only.
        worker: number of this worker, from 0.
        workers: how many workers share the corpus; each takes the clients whose number leaves its rest.
    """

    target: Target
    netloc: str
    base_path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    user_agent: str = "telsim"
    batch: int = 1
    gzip: bool = False
    window_ms: int | None = None
    worker: int = 0
    workers: int = 1

    def __post_init__(self) -> None:
        if self.batch > 1 and self.target.envelope is None:
            raise UsageError(
                f"target {self.target.name} sends one ping a request, so --batch {self.batch} cannot be; "
                "json-array and ndjson take batches"
            )


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
        self._columns = _Columns()
        self._composer = _Composer(corpus, spec, self._columns)

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

    def _write(self, rows: _Rows, file: BinaryIO) -> Iterator[int]:
        spec = self._spec
        waiting: list[_Item] = []
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


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one shard in order of their due times: which part, which record in it, which row in all."""

    part: npt.NDArray[np.uint32]
    record: npt.NDArray[np.uint32]
    row: npt.NDArray[np.uint64]


def _shard_rows(corpus: Corpus, spec: TapeSpec) -> _Rows:
    parts, records, rows, dues = [], [], [], []
    for number, part in enumerate(corpus.parts):
        chosen = np.flatnonzero(part.index["client"] % spec.workers == spec.worker)
        parts.append(np.full(len(chosen), number, dtype=np.uint32))
        records.append(chosen.astype(np.uint32))
        rows.append((chosen + part.first_row).astype(np.uint64))
        dues.append(part.index["due_ms"][chosen])
    if not parts:
        return _Rows(np.empty(0, np.uint32), np.empty(0, np.uint32), np.empty(0, np.uint64))
    # Stable, so that records of one time stay in the order of the corpus.
    order = np.argsort(np.concatenate(dues), kind="stable")
    return _Rows(np.concatenate(parts)[order], np.concatenate(records)[order], np.concatenate(rows)[order])


@dataclass(slots=True)
class _Item:
    """One ping on its way into a request: its bytes there, and what the columns need to know of it."""

    id: bytes
    row: int
    due_ms: int
    ping: int
    label: int
    expect: int
    body: bytes
    carrier: int = 0
    path: bytes = b""
    method: bytes = b"POST"
    headers: dict[str, str] = field(default_factory=dict)
    facts: PingFacts | None = None


class _Columns:
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


class _Composer:
    """Turns records into items, and items into requests."""

    def __init__(self, corpus: Corpus, spec: TapeSpec, columns: _Columns) -> None:
        self._corpus = corpus
        self._spec = spec
        self._columns = columns
        self._batch_name = len(corpus.ping_names)
        self._offset = 0
        common = {"Host": spec.netloc, "User-Agent": spec.user_agent, "X-Source-Tags": "automation"}
        self._common = {**common, **spec.headers}
        target = spec.target
        self._envelope = target.envelope
        self._heads: dict[tuple[int, bool], bytes] = {}
        if target.envelope is not None:
            self._prefix, self._separator, self._suffix = (
                Template(text)
                for text in (target.envelope.prefix, target.envelope.separator, target.envelope.suffix)
            )
            self._item_prefix = Template(target.envelope.item_prefix)
            self._item_suffix = Template(target.envelope.item_suffix)
            self._envelope_path = (spec.base_path + target.envelope.path).encode()
        self._base_path = spec.base_path.encode()

    def items(self, rows: _Rows, start: int, stop: int) -> Iterator[_Item]:
        """The items of some rows; rows that the target cannot carry are noted and left out."""
        where = zip(
            rows.part[start:stop].tolist(),
            rows.record[start:stop].tolist(),
            rows.row[start:stop].tolist(),
            strict=True,
        )
        for number, record, row in where:
            part = self._corpus.parts[number]
            entry = part.index[record]
            item = self._in_envelope(part, entry, row) if self._envelope else self._carried(part, entry, row)
            if item is None:
                self._columns.left_out.append(row)
                self._columns.left_out_ids += _padded(bytes(entry["id"]))
            else:
                yield item

    def _record(self, part: Part, entry: np.void) -> Ping:
        start = int(entry["offset"])
        try:
            return _DECODER.decode(part.lines[start : start + int(entry["length"]) - 1])
        except msgspec.DecodeError as error:
            line = int(np.searchsorted(part.index["offset"], start)) + 1
            raise CorpusError(
                f"{part.path}:{line}: not a record: {error}; generate the corpus again"
            ) from error

    def _carried(self, part: Part, entry: np.void, row: int) -> _Item | None:
        record = self._record(part, entry)
        carrier = self._spec.target.carrier_of(record.path)
        if carrier is None:
            return None
        item = self._item(record, entry, row, record.payload())
        item.carrier = carrier
        item.path = record.path.encode("utf-8", "surrogatepass")
        item.method = record.method.encode()
        item.headers = record.headers
        return item

    def _in_envelope(self, part: Part, entry: np.void, row: int) -> _Item | None:
        envelope = self._spec.target.envelope
        if envelope is None:  # for the type checker; the caller has looked
            return None
        record = self._record(part, entry)
        fault = FAULTS.get(record.label)
        if fault is not None and not fault.fits_a_batch(whole_records=envelope.item == "record"):
            return None  # its fault would be lost, or would spoil the whole batch
        if envelope.item == "record":
            start = int(entry["offset"])
            body = bytes(part.lines[start : start + int(entry["length"]) - 1])
        elif envelope.item == "payload_string":
            text = record.payload().decode("utf-8", "replace")
            body = orjson.dumps(text)
        elif record.body_b64 or not record.body:
            return None  # not JSON: it would break everything else in the batch
        else:
            body = bytes(record.body)
        item = self._item(record, entry, row, body)
        item.facts = _facts(record)
        return item

    def _item(self, record: Ping, entry: np.void, row: int, body: bytes) -> _Item:
        return _Item(
            id=record.id.encode(),
            row=row,
            due_ms=record.due_ms,
            ping=int(entry["ping"]),
            label=int(entry["label"]),
            expect=int(entry["expect"]),
            body=body,
        )

    def write(self, items: list[_Item], file: BinaryIO) -> None:
        """Appends one request to the tape."""
        columns = self._columns
        first = items[0]
        if self._envelope:
            body, starts = self._wrapped(items)
            path, method, own = self._envelope_path, b"POST", {}
        else:
            body, starts = first.body, [0]
            path, method, own = self._base_path + first.path, first.method, first.headers
        plain = body
        lowered = {name.lower() for name in own}
        packed = self._spec.gzip and "content-encoding" not in lowered
        if packed:
            body = pack(plain)
        head = self._head(method, path, len(body), packed=packed, carrier=first.carrier, own=own)
        file.write(head)
        file.write(body)
        self._places(items, starts, plain, head=head, path=path, packed=packed)
        self._offset += len(head) + len(body)
        columns.start.append(self._offset)
        columns.due_ms.append(first.due_ms if self._spec.window_ms is None else items[-1].due_ms)
        alone = self._spec.batch == 1
        columns.name.append(first.ping if alone else self._batch_name)
        columns.carrier.append(first.carrier)
        columns.closes.append(not lowered.isdisjoint(("content-length", "transfer-encoding", "connection")))
        for item in items:
            columns.rows.append(item.row)
            columns.ids += _padded(item.id)
            columns.expect.append(item.expect)
            columns.label.append(item.label)
        columns.first.append(len(columns.rows))

    def _wrapped(self, items: list[_Item]) -> tuple[bytes, list[int]]:
        facts = items[0].facts or _NO_FACTS
        pieces = [self._prefix.fill(facts)]
        separator = self._separator.fill(facts)
        position, starts = len(pieces[0]), []
        for number, item in enumerate(items):
            own = item.facts or _NO_FACTS
            piece = self._item_prefix.fill(own) + item.body + self._item_suffix.fill(own)
            if number:
                piece = separator + piece
            starts.append(position)
            position += len(piece)
            pieces.append(piece)
        pieces.append(self._suffix.fill(facts))
        return b"".join(pieces), starts

    def _head(
        self, method: bytes, path: bytes, length: int, *, packed: bool, carrier: int, own: dict[str, str]
    ) -> bytes:
        if own:
            fixed = self._header_lines(carrier, packed=packed, own=own)
        elif (cached := self._heads.get((carrier, packed))) is not None:
            fixed = cached
        else:
            fixed = self._heads[carrier, packed] = self._header_lines(carrier, packed=packed, own={})
        start = b"%b %b HTTP/1.1\r\n%b" % (method, path, fixed)
        if any(name.lower() in ("content-length", "transfer-encoding") for name in own):
            return start + _CRLF
        # Content-Length stands last, where a repetition that is compressed anew can replace it.
        return b"%bContent-Length: %d\r\n\r\n" % (start, length)

    def _header_lines(self, carrier: int, *, packed: bool, own: dict[str, str]) -> bytes:
        target = self._spec.target
        headers = dict(self._common)
        if target.envelope is not None:
            headers["Content-Type"] = target.envelope.content_type
        else:
            headers["Content-Type"] = target.carrier[carrier].content_type
            headers.update(target.carrier[carrier].headers)
        if packed:
            headers["Content-Encoding"] = "gzip"
        names = {name.lower(): name for name in headers}
        for name, value in own.items():
            headers.pop(names.get(name.lower(), ""), None)
            headers[name] = value
        lines = [name.encode() + b": " + value.encode("utf-8", "replace") for name, value in headers.items()]
        return _CRLF.join(lines) + _CRLF

    def _places(
        self, items: list[_Item], starts: list[int], plain: bytes, *, head: bytes, path: bytes, packed: bool
    ) -> None:
        columns = self._columns
        in_path = head.index(path)
        body_offset = self._offset + len(head)
        stops = [*starts[1:], len(plain)]
        for number, (item, start, stop) in enumerate(zip(items, starts, stops, strict=True)):
            ping = len(columns.rows) + number
            if self._envelope is None:
                for place in _occurrences(path, item.id, 0, len(path)):
                    columns.place_ping.append(ping)
                    columns.place_offset.append(self._offset + in_path + place)
            for place in _occurrences(plain, item.id, start, stop):
                if packed:
                    columns.packed_ping.append(ping)
                    columns.packed_offset.append(place)
                else:
                    columns.place_ping.append(ping)
                    columns.place_offset.append(body_offset + place)


_NO_FACTS = PingFacts("", "", "", "", "", 0, 0)


def _facts(record: Ping) -> PingFacts:
    namespace, _, rest = record.route.partition("/")
    doctype, _, version = rest.partition("/")
    return PingFacts(record.id, record.ping, namespace, doctype, version, record.client, record.due_ms)


def _padded(id_: bytes) -> bytes:
    return id_[:36].ljust(36, b"\0")


def _occurrences(text: bytes, id_: bytes, start: int, stop: int) -> Iterator[int]:
    """Places of an id in a text, with dashes or (as Sentry wants its event id) without."""
    found = text.find(id_, start, stop)
    while found >= 0:
        yield found
        found = text.find(id_, found + len(id_), stop)
    bare = id_.replace(b"-", b"")
    if bare != id_ and (found := text.find(bare, start, stop)) >= 0:
        yield found
