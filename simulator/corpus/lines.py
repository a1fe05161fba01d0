"""Record lines and their index: the one place that knows a line's layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from simulator.corpus.rows import KindText
from simulator.records import INDEX_DTYPE

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

#: Lines are made some hundred at a time: bigger blocks cost more in page faults than they save in calls.
_LINES_A_BLOCK = 256

_ID_LENGTH = 36
_BEFORE_ID = b'{"id":"'
_BEFORE_DUE = b'","due_ms":'
_BEFORE_CLIENT = ',"client":'
_END = "}\n"
_POWERS_OF_TEN = np.array([10**n for n in range(1, 19)], dtype=np.int64)

#: How a line begins, for all moments that have 13 digits: from 2001 to 2286.
_DUE_DIGITS = 13
_BEGINNING = np.frombuffer(_BEFORE_ID + b"-" * _ID_LENGTH + _BEFORE_DUE + b"0" * _DUE_DIGITS, np.uint8)
_LOW = 1_000_000  # both halves of such a moment fit into 32 bits, which divide faster


def rest_of_line(client: int, text: KindText, body: str, document_id: str = "") -> bytes:
    """Everything in a record line that follows the moment.

    Args:
        client: who sends it.
        text: the record's kind.
        body: JSON text, in ASCII.
        document_id: used where the kind has it in its path.
    """
    in_path = document_id if text.id_in_path else ""
    return f"{_BEFORE_CLIENT}{client},{text.head}{in_path}{text.tail}{body}{_END}".encode("ascii")


def record_lines(id_text: Bytes, due: Ints, rests: Sequence[bytes]) -> Iterator[bytes]:
    """Record lines in the given order, some hundred at a time.

    No line is put together for itself: everything is joined once.

    Args:
        id_text: document ids, 36 ASCII bytes each, of at least one record.
        due: when each is due, in milliseconds since the Unix epoch.
        rests: what follows in each line, from `rest_of_line`.
    """
    beginnings = _beginnings(id_text, due)
    for start in range(0, len(rests), _LINES_A_BLOCK):
        begin = beginnings[start : start + _LINES_A_BLOCK]
        pieces = [b""] * (2 * len(begin))
        pieces[0::2] = begin
        pieces[1::2] = rests[start : start + _LINES_A_BLOCK]
        yield b"".join(pieces)


def _beginnings(id_text: Bytes, due: Ints) -> list[bytes]:
    """Each line up to the digits of its moment."""
    if int(due.min()) < 10 ** (_DUE_DIGITS - 1) or int(due.max()) >= 10**_DUE_DIGITS:
        return [
            _BEFORE_ID + document.tobytes() + _BEFORE_DUE + str(moment).encode("ascii")
            for document, moment in zip(id_text, due.tolist(), strict=True)
        ]
    lines = np.empty((len(due), len(_BEGINNING)), dtype=np.uint8)
    lines[:] = _BEGINNING
    lines[:, len(_BEFORE_ID) : len(_BEFORE_ID) + _ID_LENGTH] = id_text
    column = len(_BEGINNING) - 1
    high = due // _LOW
    for half, digits in ((due - high * _LOW, 6), (high, _DUE_DIGITS - 6)):
        rest = half.astype(np.int32)
        for _ in range(digits):
            tenth = rest // 10
            lines[:, column] = rest - tenth * 10 + ord("0")
            rest, column = tenth, column - 1
    # As fixed-width text, NumPy hands them out faster than anything that looks for their ends.
    beginnings: list[bytes] = lines.view(f"S{len(_BEGINNING)}").ravel().tolist()
    return beginnings


def _digits(values: Ints) -> Ints:
    return np.searchsorted(_POWERS_OF_TEN, values, side="right") + 1


def index_rows(
    id_text: Bytes, due: Ints, client: Ints, code: Ints, body_sizes: Ints, texts: Sequence[KindText]
) -> npt.NDArray[np.void]:
    """The index of rows in the given order, computed from lengths alone; `record_lines` gives the layout.

    Args:
        id_text: document ids, 36 ASCII bytes each.
        due: when each is due, in milliseconds since the Unix epoch.
        client: who sends it.
        code: kind codes, positions in `texts`.
        body_sizes: characters of each body as it stands in its line.
        texts: the kinds.
    """
    index = np.empty(len(code), dtype=INDEX_DTYPE)
    index["id"] = np.ascontiguousarray(id_text).view("S36").ravel()
    index["due_ms"] = due
    index["client"] = client

    def of_kind(name: str) -> Ints:
        return np.array([getattr(text, name) for text in texts], dtype=np.int64)[code]

    head_length = np.array([len(text.head) for text in texts], dtype=np.int64)[code]
    tail_length = np.array([len(text.tail) for text in texts], dtype=np.int64)[code]
    before_head = len(_BEFORE_ID) + _ID_LENGTH + len(_BEFORE_DUE) + len(_BEFORE_CLIENT) + len(",")
    head_end = before_head + _digits(due) + _digits(client) + head_length
    index["path_offset"] = head_end + of_kind("path_from_head_end")
    index["path_length"] = of_kind("path_length")
    tail_start = head_end + of_kind("id_in_path") * _ID_LENGTH
    index["headers_length"] = of_kind("headers_length")
    index["headers_offset"] = tail_start + of_kind("headers_from_tail_start")
    quotes = of_kind("base64")
    body_start = tail_start + tail_length
    index["body_offset"] = body_start + quotes
    index["body_length"] = body_sizes - 2 * quotes
    lengths = body_start + body_sizes + len(_END)
    index["length"] = lengths
    index["offset"] = np.cumsum(lengths) - lengths
    index["ping"] = of_kind("ping")
    index["label"] = of_kind("label")
    index["expect"] = of_kind("expect")
    index["body_b64"] = quotes
    return index
