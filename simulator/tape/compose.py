"""Turns records of a corpus into requests of a target.

Everything is written here, before the run, so a request has no `Date` header, although the real clients set one: it
would be stale by the time the request leaves (an endpoint would take that for clock skew), and writing the true one
is work in the measured loop for a header that no endpoint's hot path looks at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
import orjson

from simulator.corpus import Corpus, Part
from simulator.errors import CorpusError
from simulator.faults import FAULTS
from simulator.records import Ping
from simulator.tape.columns import Columns, padded
from simulator.tape.fresh import WORD
from simulator.tape.spec import TapeSpec
from simulator.tape.tape import pack
from simulator.target.template import PingFacts, Template

_DECODER = msgspec.json.Decoder(Ping)
_CRLF = b"\r\n"
#: Names the record where neither path nor payload does, so that an endpoint's ledger can tell pings apart.
_RECORD_ID = b"X-Telsim-Record-Id: "


@dataclass(slots=True)
class Item:
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


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one shard in order of their due times: which part, which record in it, which row in all."""

    part: npt.NDArray[np.uint32]
    record: npt.NDArray[np.uint32]
    row: npt.NDArray[np.uint64]


class Composer:
    """Turns records into items, and items into requests."""

    def __init__(self, corpus: Corpus, spec: TapeSpec, columns: Columns) -> None:
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

    def items(self, rows: Rows, start: int, stop: int) -> Iterator[Item]:
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
                self._columns.left_out_ids += padded(bytes(entry["id"]))
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

    def _carried(self, part: Part, entry: np.void, row: int) -> Item | None:
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

    def _in_envelope(self, part: Part, entry: np.void, row: int) -> Item | None:
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

    def _item(self, record: Ping, entry: np.void, row: int, body: bytes) -> Item:
        return Item(
            id=record.id.encode(),
            row=row,
            due_ms=record.due_ms,
            ping=int(entry["ping"]),
            label=int(entry["label"]),
            expect=int(entry["expect"]),
            body=body,
        )

    def write(self, items: list[Item], file: BinaryIO) -> None:
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
        anonymous = not self._envelope and not self._spec.target.carrier[first.carrier].ids
        named = first.id if anonymous else b""
        head = self._head(method, path, len(body), packed=packed, carrier=first.carrier, own=own, named=named)
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
            columns.ids += padded(item.id)
            columns.expect.append(item.expect)
            columns.label.append(item.label)
        columns.first.append(len(columns.rows))

    def _wrapped(self, items: list[Item]) -> tuple[bytes, list[int]]:
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
        self,
        method: bytes,
        path: bytes,
        length: int,
        *,
        packed: bool,
        carrier: int,
        own: dict[str, str],
        named: bytes,
    ) -> bytes:
        if own:
            fixed = self._header_lines(carrier, packed=packed, own=own)
        elif (cached := self._heads.get((carrier, packed))) is not None:
            fixed = cached
        else:
            fixed = self._heads[carrier, packed] = self._header_lines(carrier, packed=packed, own={})
        start = b"%b %b HTTP/1.1\r\n%b" % (method, path, fixed)
        if named:
            start += _RECORD_ID + named + _CRLF
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
        self, items: list[Item], starts: list[int], plain: bytes, *, head: bytes, path: bytes, packed: bool
    ) -> None:
        columns = self._columns
        in_path = head.index(b" ") + 1
        body_offset = self._offset + len(head)
        stops = [*starts[1:], len(plain)]
        for number, (item, start, stop) in enumerate(zip(items, starts, stops, strict=True)):
            ping = len(columns.rows) + number
            if self._envelope is None:
                for place in _occurrences(path, item.id, 0, len(path)):
                    columns.place_ping.append(ping)
                    columns.place_offset.append(self._offset + in_path + place)
                named = head.find(_RECORD_ID + item.id)
                if named >= 0:
                    columns.place_ping.append(ping)
                    columns.place_offset.append(self._offset + named + len(_RECORD_ID))
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


def _occurrences(text: bytes, id_: bytes, start: int, stop: int) -> list[int]:
    """Places of an id in a text, with dashes or (as Sentry wants its event id) without."""
    places = []
    digits = id_[:WORD]  # the part that repetitions change, the same with dashes and without
    found = text.find(digits, start, stop)
    while found >= 0:
        if text.startswith(id_, found) or text.startswith(id_.replace(b"-", b""), found):
            places.append(found)
        found = text.find(digits, found + WORD, stop)
    return places
