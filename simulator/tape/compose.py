"""Puts items together into requests of a target.

Everything is written here, before the run, so a request has no `Date` header, although the real clients set one: it
would be stale by the time the request leaves (an endpoint would take that for clock skew), and writing the true one
is work in the measured loop for a header that no endpoint's hot path looks at.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from operator import itemgetter
from typing import BinaryIO

from simulator.tape.columns import Columns
from simulator.tape.envelope import Body, Wrapper
from simulator.tape.fresh import WORD
from simulator.tape.heads import RECORD_ID, Heads
from simulator.tape.items import Item
from simulator.tape.packing import STEP_BYTES, pack
from simulator.tape.spec import TapeSpec

_STEP_ITEMS = 5_000
_ENDS_A_CONNECTION = ("content-length", "transfer-encoding", "connection")


class Composer:
    """Appends requests to the tape's file and to its columns.

    Args:
        spec: what the requests are for.
        columns: take down what each request holds.
        batch_name: number of the name of requests with several pings.
    """

    def __init__(self, spec: TapeSpec, columns: Columns, *, batch_name: int) -> None:
        self._spec, self._columns, self._batch_name = spec, columns, batch_name
        self._heads = Heads(spec)
        envelope = spec.target.envelope
        self._wrapper = None if envelope is None else Wrapper(envelope)
        self._envelope_path = b"" if envelope is None else (spec.base_path + envelope.path).encode()
        self._envelope_method = b"" if envelope is None else envelope.method.encode()
        self._keeps_pieces = spec.target.sends_items_again
        self._base_path = spec.base_path.encode()
        self._anonymous = [not carrier.ids for carrier in spec.target.carrier]
        self._offset = 0
        self._since_step = 0

    def write(self, items: list[Item], file: BinaryIO) -> Iterator[None]:
        """Appends one request; yields between steps, which may be several requests apart."""
        first = items[0]
        if self._wrapper is not None:
            body = yield from self._wrapper.wrap(items)
            path, method, own = self._envelope_path, self._envelope_method, {}
        else:
            body = Body(first.body, [0], [len(first.body)])
            path, method, own = self._base_path + first.path, first.method, first.headers
        packed = self._spec.gzip and "content-encoding" not in {name.lower() for name in own}
        found = yield from _occurrences_of_all(items, body)
        if self._wrapper is not None and self._wrapper.names_the_first:
            found = sorted(found + _occurrences_around(first.id, body), key=itemgetter(1))
        text, places = body.text, [place for _, place in found]
        if packed:
            text, places = yield from pack(body.text, places if self._spec.repeats else ())
        anonymous = self._wrapper is None and self._anonymous[first.carrier]
        named = first.id if anonymous else b""
        head = self._heads.head(
            method, path, len(text), packed=packed, carrier=first.carrier, own=own, named=named
        )
        file.write(head)
        file.write(text)
        if self._wrapper is None:
            self._note_in_head(first, head, path)
        self._note_in_body([number for number, _ in found], places, len(head))
        if len(items) > _STEP_ITEMS:
            yield
        if packed and self._spec.repeats:
            self._note_checksum(found, len(body.text), int.from_bytes(text[-8:-4], "little"))
        yield from self._note(items, body, own)
        self._offset += len(head) + len(text)
        self._columns.end_request(self._offset)
        self._since_step += len(body.text)
        if self._since_step >= STEP_BYTES:
            self._since_step = 0
            yield

    @property
    def writes_lone(self) -> bool:
        """Whether all requests are single pings as they are, which `write_lone` can write."""
        return self._wrapper is None and not self._spec.gzip

    def write_lone(self, items: Iterable[Item], file: BinaryIO) -> Iterator[None]:
        """Appends a request for each item, as `write` would, but many in one go; yields between steps.

        Those that have come from `items` are written down when it ends; with large bodies, before that.
        """
        done: list[Item] = []
        pieces: list[bytes] = []
        ends: list[int] = []
        places: list[list[int]] = []
        start, step_end = self._offset, self._offset + STEP_BYTES
        for item in items:
            path = self._base_path + item.path
            head = self._heads.head(
                item.method,
                path,
                len(item.body),
                packed=False,
                carrier=item.carrier,
                own=item.headers,
                named=item.id if self._anonymous[item.carrier] else b"",
            )
            places.append(self._places(item, path, head))
            self._offset += len(head) + len(item.body)
            pieces += (head, item.body)
            ends.append(self._offset)
            done.append(item)
            if self._offset >= step_end:
                self._write_down(done, pieces, ends, places, file)
                start, step_end = self._offset, self._offset + STEP_BYTES
                yield
        if self._offset > start:
            self._write_down(done, pieces, ends, places, file)

    def _places(self, item: Item, path: bytes, head: bytes) -> list[int]:
        """Places of a lone ping's id in its request line, in the header that may name it, and in its body."""
        id_, body, offset = item.id, item.body, self._offset
        places = _occurrences(path, id_, 0, len(path), moved=offset + head.index(b" ") + 1)
        if self._anonymous[item.carrier] or item.headers:
            named = head.find(RECORD_ID + id_)
            if named >= 0:
                places.append(offset + named + len(RECORD_ID))
        places += _occurrences(body, id_, 0, len(body), moved=offset + len(head))
        return places

    def _write_down(
        self, done: list[Item], pieces: list[bytes], ends: list[int], places: list[list[int]], file: BinaryIO
    ) -> None:
        """Moves what has been put together into the file and the columns."""
        file.write(b"".join(pieces))
        self._columns.add_lone(done, ends, places, closes=[_closes(item.headers) for item in done])
        for gathered in (done, pieces, ends, places):
            gathered.clear()

    def _note_in_head(self, item: Item, head: bytes, path: bytes) -> None:
        """Places of a lone ping's id in its request line, and in the header that may name it."""
        ping, add = self._columns.pings, self._columns.add_place
        in_path = head.index(b" ") + 1
        for place in _occurrences(path, item.id, 0, len(path)):
            add(ping, self._offset + in_path + place)
        named = head.find(RECORD_ID + item.id)
        if named >= 0:
            add(ping, self._offset + named + len(RECORD_ID))

    def _note_in_body(self, numbers: list[int], places: list[int], head_length: int) -> None:
        if places:  # compressed without regard to repetitions, a body has none
            first, offset = self._columns.pings, self._offset + head_length
            self._columns.place_ping.extend([first + number for number in numbers])
            self._columns.place_offset.extend([offset + place for place in places])

    def _note_checksum(self, found: list[tuple[int, int]], length: int, checksum: int) -> None:
        columns = self._columns
        columns.change_ping.extend([columns.pings + number for number, _ in found])
        columns.change_behind.extend([length - place - WORD for _, place in found])
        columns.checksum = checksum

    def _note(self, items: list[Item], body: Body, own: dict[str, str]) -> Iterator[None]:
        first, columns = items[0], self._columns
        columns.due_ms.append(items[-1].due_ms)  # before that the batch is not whole
        columns.name.append(first.ping if self._spec.batch == 1 else self._batch_name)
        columns.carrier.append(first.carrier)
        columns.closes.append(_closes(own))
        if self._keeps_pieces:
            columns.piece_start.extend(body.starts)
            columns.piece_stop.extend(body.stops)
        for number, item in enumerate(items):
            columns.add_ping(item)
            if number % _STEP_ITEMS == _STEP_ITEMS - 1:
                yield


def _closes(own: dict[str, str]) -> bool:
    """Whether a ping's own headers are such that its connection must not be used again."""
    return bool(own) and any(name.lower() in _ENDS_A_CONNECTION for name in own)


def _occurrences_of_all(items: list[Item], body: Body) -> Generator[None, None, list[tuple[int, int]]]:
    """Number of the item and place of each id in a body, ascending."""
    found: list[tuple[int, int]] = []
    for number, (item, start, stop) in enumerate(zip(items, body.starts, body.stops, strict=True)):
        found.extend((number, place) for place in _occurrences(body.text, item.id, start, stop))
        if number % _STEP_ITEMS == _STEP_ITEMS - 1:
            yield
    return found


def _occurrences_around(first_id: bytes, body: Body) -> list[tuple[int, int]]:
    """As `_occurrences_of_all`, of the first item's id in what stands before, between and behind the items."""
    gaps = zip([0, *body.stops], [*body.starts, len(body.text)], strict=True)
    return [(0, place) for start, stop in gaps for place in _occurrences(body.text, first_id, start, stop)]


def _occurrences(text: bytes, id_: bytes, start: int, stop: int, *, moved: int = 0) -> list[int]:
    """Places of an id in a text, with dashes or (as Sentry wants its event id) without; `moved` on by so much."""
    places = []
    digits = id_[:WORD]  # the part that repetitions change, the same with dashes and without
    found = text.find(digits, start, stop)
    while found >= 0:
        if text.startswith(id_, found) or text.startswith(id_.replace(b"-", b""), found):
            places.append(moved + found)
        found = text.find(digits, found + WORD, stop)
    return places
