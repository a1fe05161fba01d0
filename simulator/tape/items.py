"""Records of a corpus as items: one ping's bytes, and what the tape needs to know of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import numpy as np
import orjson

from simulator.corpus import Corpus, Part
from simulator.errors import CorpusError
from simulator.faults import FAULTS
from simulator.records import Ping
from simulator.tape.order import I64
from simulator.target import Target
from simulator.target.template import PingFacts

_DECODER = msgspec.json.Decoder(Ping)


@dataclass(slots=True)
class Item:
    """One ping on its way into a request."""

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
class LeftOut:
    """A record that the target cannot carry."""

    id: bytes
    row: int


class Items:
    """Reads records as items of one target.

    Args:
        corpus: where the records stand.
        target: which of them can go out, and in which form.
    """

    def __init__(self, corpus: Corpus, target: Target) -> None:
        self._parts = corpus.parts
        self._first_rows = np.array([part.first_row for part in corpus.parts], dtype=np.int64)
        self._target = target

    def of(self, rows: I64) -> Iterator[Item | LeftOut]:
        """The items of some rows of the corpus."""
        numbers = np.searchsorted(self._first_rows, rows, side="right") - 1
        records = rows - self._first_rows[numbers]
        read = self._carried if self._target.envelope is None else self._in_envelope
        for number, record, row in zip(numbers.tolist(), records.tolist(), rows.tolist(), strict=True):
            part = self._parts[number]
            entry = part.index[record]
            item = read(part, entry, row)
            yield LeftOut(bytes(entry["id"]), row) if item is None else item

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
        carrier = self._target.carrier_of(record.path)
        if carrier is None:
            return None
        item = self._item(record, entry, row, record.payload())
        item.carrier = carrier
        item.path = record.path.encode("utf-8", "surrogatepass")
        item.method = record.method.encode()
        item.headers = record.headers
        return item

    def _in_envelope(self, part: Part, entry: np.void, row: int) -> Item | None:
        envelope = self._target.envelope
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


def _facts(record: Ping) -> PingFacts:
    namespace, _, rest = record.route.partition("/")
    doctype, _, version = rest.partition("/")
    return PingFacts(record.id, record.ping, namespace, doctype, version, record.client, record.due_ms)
