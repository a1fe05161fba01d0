"""The index beside a part, held against the records that its rows point to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from simulator.corpus import Corpus, Part
from simulator.records import EXPECTATIONS, Ping

#: A row of the index as plain values, in the order of `INDEX_DTYPE`.
IndexRow = tuple[Any, ...]

#: Rows are turned into plain values some thousand at a time: one by one costs more than to read the record.
_ROWS_A_BLOCK = 4_096
_COLUMNS = (
    "id",
    "due_ms",
    "client",
    "ping",
    "label",
    "expect",
    "body_b64",
    "path_offset or path_length",
    "headers_offset or headers_length",
    "body_offset or body_length",
)
_EXPECT_CODES = {name: code for code, name in enumerate(EXPECTATIONS)}
_LINE_FEED = b"\n"


def index_rows(part: Part) -> Iterator[IndexRow]:
    """Every row of a part's index."""
    for start in range(0, len(part), _ROWS_A_BLOCK):
        yield from part.index[start : start + _ROWS_A_BLOCK].tolist()


class IndexRules:
    """What the rows of one part's index must keep to. They are to be asked about in order.

    Args:
        corpus: says what the numbers of ping types and labels mean.
        part: whose index it is.
    """

    def __init__(self, corpus: Corpus, part: Part) -> None:
        self._ping_codes = {name: code for code, name in enumerate(corpus.ping_names)}
        self._label_codes = {name: code for code, name in enumerate(corpus.label_names)}
        self._lines = part.lines
        self._next: int | None = 0

    def line(self, row: IndexRow) -> tuple[bytes, list[str]]:
        """The line that a row points to, and which columns say so wrongly: lines follow each other without a gap."""
        offset, length = row[:2]
        line = bytes(self._lines[offset : offset + length])
        wrong = []
        if self._next is not None and offset != self._next:
            wrong.append("offset")
        if line.find(_LINE_FEED) != length - 1:
            wrong.append("length")
        # What a wrong row says about the next one is not held against that one.
        self._next = None if wrong else offset + length
        return line, wrong

    def unindexed_bytes(self) -> int:
        """How many bytes come after the last line that was asked for."""
        return len(self._lines) - self._next if self._next is not None else 0

    def wrong_columns(self, row: IndexRow, line: bytes, ping: Ping) -> list[str]:
        """The columns of a row that are not what its line holds, the places of the values in the line included."""
        _, _, body, body_size, path, path_size, headers, headers_size, *rest = row
        client, due_ms, ping_code, label_code, expect_code, base64, id_ = rest
        said = (
            id_,
            due_ms,
            client,
            ping_code,
            label_code,
            expect_code,
            base64,
            line[path : path + path_size],
            _headers(line[headers : headers + headers_size]) if headers_size else {},
            line[body : body + body_size],
        )
        held = (
            ping.id.encode(),
            ping.due_ms,
            ping.client,
            self._ping_codes.get(ping.ping),
            self._label_codes.get(ping.label),
            _EXPECT_CODES[ping.expect],
            0 if ping.body else 1,
            ping.path.encode(),
            ping.headers,
            bytes(ping.body) or ping.body_b64.encode(),
        )
        if said == held:
            return []
        return [name for name, one, other in zip(_COLUMNS, said, held, strict=True) if one != other]


def _headers(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
