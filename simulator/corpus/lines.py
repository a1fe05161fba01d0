"""Record lines and their index: the one place that knows a line's layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache

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
_FIRST_DUE = 10**12
_BEGINNING = _BEFORE_ID + b"-" * _ID_LENGTH + _BEFORE_DUE + b"0" * _DUE_DIGITS
_ID_AT, _DUE_AT = len(_BEFORE_ID), len(_BEGINNING) - _DUE_DIGITS
#: What varies in it: digits are looked up by four, as numbers of four bytes.
_VARIES = np.dtype(
    {
        "names": ["id", "first", "high", "middle", "low"],
        "formats": [f"S{_ID_LENGTH}", "u1", "u4", "u4", "u4"],
        "offsets": [_ID_AT, _DUE_AT, _DUE_AT + 1, _DUE_AT + 5, _DUE_AT + 9],
        "itemsize": len(_BEGINNING),
    }
)


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
    if not _has_due_digits(due):
        return [
            _BEFORE_ID + document.tobytes() + _BEFORE_DUE + str(moment).encode("ascii")
            for document, moment in zip(id_text, due.tolist(), strict=True)
        ]
    lines = np.array(_BEGINNING).repeat(len(due))
    varies, digits = lines.view(_VARIES), _four_digits()
    varies["id"] = _as_text(id_text)
    rest = due
    for name in ("low", "middle", "high"):
        above = rest // 10_000
        varies[name] = digits.take(rest - above * 10_000)
        rest = above.astype(np.uint32)  # narrower numbers divide faster
    varies["first"] = rest + ord("0")
    # As fixed-width text, NumPy hands them out faster than anything that looks for their ends.
    beginnings: list[bytes] = lines.tolist()
    return beginnings


def _has_due_digits(due: Ints) -> bool:
    """Whether all of some moments, at least one, have as many digits as those of our time."""
    return int(due.min()) >= _FIRST_DUE and int(due.max()) < 10 * _FIRST_DUE


@cache
def _four_digits() -> npt.NDArray[np.uint32]:
    """The digits of the numbers below 10 000, with zeros before them."""
    return np.array([b"%04d" % number for number in range(10_000)]).view(np.uint32)


def _as_text(id_text: Bytes) -> npt.NDArray[np.bytes_]:
    return np.ascontiguousarray(id_text).view(f"S{_ID_LENGTH}").ravel()


def _digits(values: Ints) -> Ints:
    return np.searchsorted(_POWERS_OF_TEN, values, side="right") + 1


class IndexBeginnings:
    """Makes index rows without id, moment and offset, computed from lengths alone; `rest_of_line` gives the layout.

    Args:
        texts: the kinds. More may come.
    """

    def __init__(self, texts: Sequence[KindText]) -> None:
        self._texts = texts
        self._of_kind = _of_kinds(())

    def of(self, client: Ints, code: Ints, body_sizes: Ints) -> npt.NDArray[np.void]:
        """The rows of some records.

        Args:
            client: who sends each.
            code: kind codes, positions in the kinds' texts.
            body_sizes: characters of each body as it stands in its line.
        """
        known = len(self._of_kind)
        if known < len(self._texts):
            self._of_kind = np.concatenate((self._of_kind, _of_kinds(self._texts[known:])))
        index = self._of_kind.take(code)
        index["client"] = client
        digits = _digits(client).astype(np.uint32)
        for name in ("path_offset", "headers_offset", "body_offset", "length"):
            index[name] += digits
        index["body_length"] = body_sizes - 2 * index["body_b64"].astype(np.int64)
        index["length"] += body_sizes.astype(np.uint32)
        return index


def _of_kinds(texts: Sequence[KindText]) -> npt.NDArray[np.void]:
    """What the index rows of each kind have in common: those of a client number and a body without characters."""
    index = np.zeros(len(texts), dtype=INDEX_DTYPE)

    def of_each(value: Callable[[KindText], int]) -> Ints:
        return np.array([value(text) for text in texts], dtype=np.int64)

    head_end = len(_BEGINNING) + len(_BEFORE_CLIENT) + len(",") + of_each(lambda text: len(text.head))
    tail_start = head_end + of_each(lambda text: text.id_in_path * _ID_LENGTH)
    body_start = tail_start + of_each(lambda text: len(text.tail))
    quotes = of_each(lambda text: text.base64)
    index["path_offset"] = head_end + of_each(lambda text: text.path_from_head_end)
    index["path_length"] = of_each(lambda text: text.path_length)
    index["headers_offset"] = tail_start + of_each(lambda text: text.headers_from_tail_start)
    index["headers_length"] = of_each(lambda text: text.headers_length)
    index["body_offset"] = body_start + quotes
    index["length"] = body_start + len(_END)
    index["ping"] = of_each(lambda text: text.ping)
    index["label"] = of_each(lambda text: text.label)
    index["expect"] = of_each(lambda text: text.expect)
    index["body_b64"] = quotes
    return index


def complete_index(index: npt.NDArray[np.void], id_text: Bytes, due: Ints) -> None:
    """Put into index rows what `IndexBeginnings` leaves open. Their lines follow each other in this order.

    Args:
        index: the rows, which are changed.
        id_text: document ids, 36 ASCII bytes each.
        due: when each is due, in milliseconds since the Unix epoch.
    """
    index["id"] = _as_text(id_text)
    index["due_ms"] = due
    if not _has_due_digits(due):
        longer = _digits(due) - _DUE_DIGITS
        for name in ("length", "path_offset", "headers_offset", "body_offset"):
            index[name] = index[name].astype(np.int64) + longer
    lengths = index["length"].astype(np.int64)
    index["offset"] = np.cumsum(lengths) - lengths
