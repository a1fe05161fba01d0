"""What a client hands over for each ping: a row of plain values, and the kinds that give the rest of the record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.records import EXPECTATIONS, VALID, Expect
from simulator.wire import Address

#: (due_ms, client, kind code, body as JSON text, document id or None to have one drawn). A tuple and not a
#: class, because millions are made.
Row = tuple[int, int, int, str, str | None]

_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Kind:
    """Everything in a record that its sender does not vary from ping to ping."""

    ping: str
    product: str
    route: str
    address: Address
    label: str = VALID
    expect: Expect = "accept"
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)
    base64: bool = False

    def key(self) -> tuple[object, ...]:
        """What makes two kinds the same."""
        return (
            self.ping,
            self.product,
            self.route,
            self.address,
            self.label,
            self.expect,
            tuple(self.headers.items()),
            self.base64,
        )


@dataclass(frozen=True, slots=True)
class KindText:
    """A kind as the text around the varying values of a record line, with the lengths that the index needs."""

    head: str
    tail: str
    id_in_path: bool
    path_from_head_end: int
    path_length: int
    headers_from_tail_start: int
    headers_length: int
    ping: int
    label: int
    expect: int
    base64: bool


class Kinds:
    """The kinds that one part writer knows, by code. Asking twice for the same kind gives the same code.

    Args:
        ping_names: every ping type that may occur; the index stores positions in this list.
        label_names: every label that may occur, `valid` among them.
    """

    def __init__(self, ping_names: list[str], label_names: list[str]) -> None:
        self.ping_names = ping_names
        self.label_names = label_names
        self.kinds: list[Kind] = []
        self.texts: list[KindText] = []
        self._ping_codes = {name: code for code, name in enumerate(ping_names)}
        self._label_codes = {name: code for code, name in enumerate(label_names)}
        self._codes: dict[tuple[object, ...], int] = {}

    def code(self, kind: Kind) -> int:
        """The code of a kind, which is registered the first time."""
        key = kind.key()
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = len(self.kinds)
            self.kinds.append(kind)
            self.texts.append(self._text(kind))
        return code

    def _text(self, kind: Kind) -> KindText:
        address = kind.address
        prefix, suffix = (json.dumps(part)[1:-1] for part in (address.prefix, address.suffix))
        fields = {
            "ping": kind.ping,
            "product": kind.product,
            "route": kind.route,
            "label": kind.label,
            "expect": kind.expect,
            "method": address.method,
        }
        head = json.dumps(fields, separators=(",", ":"))[1:-1] + ',"path":"' + prefix
        headers = json.dumps(dict(kind.headers), separators=(",", ":")) if kind.headers else ""
        before_headers = suffix + '","headers":' if headers else suffix + '"'
        tail = before_headers + headers + (',"body_b64":' if kind.base64 else ',"body":')
        return KindText(
            head=head,
            tail=tail,
            id_in_path=address.id_in_path,
            path_from_head_end=-len(prefix),
            path_length=len(prefix) + len(suffix) + (36 if address.id_in_path else 0),
            headers_from_tail_start=len(before_headers),
            headers_length=len(headers),
            ping=self._ping_codes[kind.ping],
            label=self._label_codes[kind.label],
            expect=EXPECTATIONS.index(kind.expect),
            base64=kind.base64,
        )
