"""The records that cross the borders between telsim's steps: a ping in a corpus, a ping's fate in a run."""

from __future__ import annotations

import base64
from html import escape
from typing import Any, Literal

import msgspec
import numpy as np

from simulator.clock import utc

CORPUS_FORMAT = 1
RUN_FORMAT = 1

Dialect = Literal["documented", "wire"]
DIALECTS: tuple[Dialect, ...] = ("documented", "wire")

Expect = Literal["accept", "reject", "duplicate"]
EXPECTATIONS: tuple[Expect, ...] = ("accept", "reject", "duplicate")

VALID = "valid"

_NO_HEADERS: dict[str, str] = {}


class Ping(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record of a corpus: a ping, who sends it, when, where to, and what a correct endpoint does with it.

    Args:
        id: document id, a lower-case UUID (the record's own where the carrier has none).
        due_ms: when the client would send it, in milliseconds since the Unix epoch.
        client: number of the simulated client.
        ping: ping type, a name of the catalogue.
        product: the product whose code sends it.
        route: `namespace/doctype/version`, which names the schema.
        label: `valid`, or the name of the fault put into it.
        expect: what a correct endpoint must do: accept, reject, or notice a duplicate.
        method: HTTP method.
        path: request target, with the query string where the carrier has one.
        body: the payload as JSON text, byte for byte as it is sent; unset where `body_b64` is used.
        body_b64: the payload in base64, for bytes that are not JSON.
        headers: only those that differ from the carrier's.
    """

    id: str
    due_ms: int
    client: int
    ping: str
    product: str
    route: str
    label: str
    expect: Expect
    method: str
    path: str
    body: msgspec.Raw = msgspec.Raw(b"")
    body_b64: str = ""
    headers: dict[str, str] = _NO_HEADERS

    def payload(self) -> bytes:
        """The bytes to send, before compression."""
        return base64.b64decode(self.body_b64) if self.body_b64 else bytes(self.body)

    def json(self) -> Any:
        """The payload, parsed.

        Raises:
            msgspec.DecodeError: it is not JSON, which some faults make of it on purpose.
        """
        return msgspec.json.decode(self.payload())

    def __repr__(self) -> str:
        return (
            f"<Ping {self.ping} {self.id}: client {self.client}, {_when(self.due_ms)}, {self.method} {self.route}, "
            f"{len(self.payload()):,} bytes, {self.label}>"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows: the request line, and the payload laid out."""
        try:
            text = msgspec.json.format(self.payload(), indent=2).decode()
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            text = repr(self.payload())
        request = f"{self.method} {self.path}\n\n{text}"
        return f"<details open><summary>{escape(repr(self)[1:-1])}</summary><pre>{escape(request)}</pre></details>"


def _when(due_ms: int) -> str:
    """A moment for a person; the plain number where it lies outside of the calendar."""
    try:
        return f"{utc(due_ms):%Y-%m-%d %H:%M:%S}Z"
    except (ValueError, OverflowError, OSError):
        return f"{due_ms} ms"


#: One row a ping, in the order of the part beside it (`pings-NNNNN.index.npy`, NumPy's own format).
#: Offsets count bytes: `offset` from the start of the part, the others from the start of the line.
#: `ping` and `label` are positions in `ping_names` and `label_names` of `corpus.json`, `expect` in `EXPECTATIONS`.
#: `body_b64` is 1 where the body span holds base64 text (without quotes) rather than JSON;
#: `headers_length` is 0 where the record has no headers of its own.
INDEX_DTYPE = np.dtype(
    [
        ("offset", "<u8"),
        ("length", "<u4"),
        ("body_offset", "<u4"),
        ("body_length", "<u4"),
        ("path_offset", "<u4"),
        ("path_length", "<u4"),
        ("headers_offset", "<u4"),
        ("headers_length", "<u4"),
        ("client", "<u4"),
        ("due_ms", "<i8"),
        ("ping", "<u2"),
        ("label", "<u2"),
        ("expect", "u1"),
        ("body_b64", "u1"),
        ("id", "S36"),
    ]
)

#: States a ping can end in. `unsent` never left; `unknown` left and got no answer that says what became of it.
STATES = ("unsent", "accepted", "rejected", "failed", "unknown")

#: One row a ping of a run (`outcomes-*.npy`). `due`, `sent` and `done` are nanoseconds since the Unix epoch
#: (0: never); `status` is the HTTP status (0: none); `attempt` counts from 1 (0: unsent); `bytes` is the
#: ping's share of the request on the wire; `state` is a position in `STATES`; `row` is the ping's position
#: in the corpus, counted over all parts; `round` counts repetitions of the corpus from 0.
OUTCOME_DTYPE = np.dtype(
    [
        ("id", "S36"),
        ("due", "<i8"),
        ("sent", "<i8"),
        ("done", "<i8"),
        ("status", "<u2"),
        ("attempt", "<u2"),
        ("bytes", "<u4"),
        ("state", "u1"),
        ("round", "<u4"),
        ("row", "<u8"),
    ]
)


class CorpusMeta(msgspec.Struct, frozen=True, kw_only=True):
    """`corpus.json`: what a corpus holds and how to make it again.

    `sha256` covers every record line of every part, in order. `ping_names` and `label_names` are what the
    numbers in the index mean; `pings`, `labels` and `products` count the records of each.
    """

    format: int
    telsim: str
    scenario: str
    scenario_name: str
    seed: int
    dialect: Dialect
    specifications: dict[str, str]
    clients: int
    start_ms: int
    end_ms: int
    first_due_ms: int
    last_due_ms: int
    records: int
    bytes: int
    ping_names: list[str]
    label_names: list[str]
    pings: dict[str, int]
    labels: dict[str, int]
    products: dict[str, int]
    parts: list[CorpusPart]
    sha256: str


class CorpusPart(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a corpus: its file, how many records and bytes it has.

    `sha256_so_far` is the corpus digest after this part: the running hash costs nothing to note, and the first
    part whose value differs is the damaged one.
    """

    file: str
    records: int
    bytes: int
    sha256_so_far: str
