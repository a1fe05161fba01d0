"""Records of a corpus as items: one ping's bytes, and what the tape needs to know of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import orjson

from simulator.corpus import Corpus, Part
from simulator.errors import CorpusError
from simulator.faults import FAULTS
from simulator.records import INDEX_DTYPE, Ping
from simulator.tape.order import I64
from simulator.target import Target
from simulator.target.template import PingFacts

_DECODER = msgspec.json.Decoder(Ping)


_NO_HEADERS: dict[str, str] = {}


class Item(msgspec.Struct, frozen=True):
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
    headers: dict[str, str] = _NO_HEADERS
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
        entries = self._entries(numbers, rows)
        read = self._carried if self._target.envelope is None else self._in_envelope
        # Whole columns at once: to ask one entry for one field costs half a microsecond.
        columns = [entries[name].tolist() for name in ("offset", "length", "ping", "label", "expect")]
        decode, parts = _DECODER.decode, self._parts
        for position, (number, row, start, length, *kind) in enumerate(
            zip(numbers.tolist(), rows.tolist(), *columns, strict=True)
        ):
            line = parts[number].lines[start : start + length - 1]
            try:
                record = decode(line)
            except msgspec.DecodeError as error:
                raise _unreadable(parts[number], start, error) from error
            item = read(record, line, row, *kind)
            yield LeftOut(bytes(entries["id"][position]), row) if item is None else item

    def _entries(self, numbers: I64, rows: I64) -> npt.NDArray[np.void]:
        """The index entries of some rows, whose parts have these numbers."""
        entries: npt.NDArray[np.void] = np.empty(len(rows), dtype=INDEX_DTYPE)
        for number in np.unique(numbers).tolist():
            chosen = np.flatnonzero(numbers == number)
            entries[chosen] = self._parts[number].index[rows[chosen] - self._first_rows[number]]
        return entries

    def _carried(
        self, record: Ping, _line: memoryview, row: int, ping: int, label: int, expect: int
    ) -> Item | None:
        carrier = self._target.carrier_of(record.path)
        if carrier is None:
            return None
        return Item(
            record.id.encode(),
            row,
            record.due_ms,
            ping,
            label,
            expect,
            record.payload(),
            carrier,
            record.path.encode("utf-8", "surrogatepass"),
            record.method.encode(),
            record.headers,
        )

    def _in_envelope(
        self, record: Ping, line: memoryview, row: int, ping: int, label: int, expect: int
    ) -> Item | None:
        envelope = self._target.envelope
        if envelope is None:  # for the type checker; the caller has looked
            return None
        fault = FAULTS.get(record.label)
        if fault is not None and not fault.fits_a_batch(whole_records=envelope.item == "record"):
            return None  # its fault would be lost, or would spoil the whole batch
        if envelope.item == "record":
            body = bytes(line)
        elif envelope.item == "payload_string":
            text = record.payload().decode("utf-8", "replace")
            body = orjson.dumps(text)
        elif record.body_b64 or not record.body:
            return None  # not JSON: it would break everything else in the batch
        else:
            body = bytes(record.body)
        facts = _facts(record)
        return Item(record.id.encode(), row, record.due_ms, ping, label, expect, body, facts=facts)


def _unreadable(part: Part, start: int, error: Exception) -> CorpusError:
    line = int(np.searchsorted(part.index["offset"], start)) + 1
    return CorpusError(f"{part.path}:{line}: not a record: {error}; generate the corpus again")


def _facts(record: Ping) -> PingFacts:
    namespace, _, rest = record.route.partition("/")
    doctype, _, version = rest.partition("/")
    return PingFacts(record.id, record.ping, namespace, doctype, version, record.client, record.due_ms)
