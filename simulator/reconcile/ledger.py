"""What an endpoint says it stored, read from wherever it can be had.

    http://host:port[/ledger]                 the embedded endpoint's ledger, or any URL that answers the same NDJSON
    stored.ndjson                             ids, one a line: bare, as JSON text, or as {"id": ...}; or a JSON array
    sqlite:///path/to.db?query=SELECT id ...  the first column is the id, a second one (if any) how many copies

Ids may be in either case, with dashes or without; a database may hold them as 16 bytes (see `entries`). They become
pairs of 64-bit hashes, so a ledger of 40 million pings fits in memory (16 bytes each). Two different ids share a pair
with a probability of about 2e-24 at that size.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
import numpy as np
import numpy.typing as npt

from simulator.errors import EndpointError, InputError, UsageError
from simulator.randomness import client_keys
from simulator.reconcile.asking import Asker, shown, trouble
from simulator.reconcile.entries import Entry, canonical, file_entries, line_entries, sql_entries
from simulator.target import Target

if TYPE_CHECKING:
    import httpx

Keys = npt.NDArray[np.uint64]

_ID_BYTES = 36
_CHUNK = 1 << 20
_PAGE = 100_000


@dataclass(frozen=True, slots=True)
class Ledger:
    """Decided pings of an endpoint; one entry for each id that it lists (an id stored twice may be listed twice).

    Args:
        source: where it came from, in words for the report.
        keys: shape (n, 2), from `hash_ids`.
        stored: how many copies of it are stored; 0 where the endpoint says that it refused it.
    """

    source: str
    keys: Keys
    stored: npt.NDArray[np.int64]


def hash_ids(ids: npt.NDArray[np.bytes_]) -> Keys:
    """Two independent 64-bit hashes of each id (36 bytes, zero-padded); shape (n, 2)."""
    width = _ID_BYTES // 4
    factors = client_keys(0, "reconcile/ids", range(2 * width)).reshape(2, width) | np.uint64(1)
    keys = np.empty((len(ids), 2), dtype=np.uint64)
    for first in range(0, len(ids), _CHUNK):
        chunk = np.ascontiguousarray(ids[first : first + _CHUNK].astype(f"S{_ID_BYTES}", copy=False))
        words = chunk.view("<u4").reshape(-1, width).astype(np.uint64)
        for column in range(2):
            # Multilinear hashing modulo 2**64; the shift folds the strong upper half into the lower one.
            mixed = words @ factors[column]
            keys[first : first + len(chunk), column] = mixed ^ (mixed >> np.uint64(32))
    return keys


def read_ledger(text: str, *, host: str = "", target: Target | None = None) -> Ledger | None:
    """Reads the ledger that `text` names.

    Args:
        text: a URL, a file, `sqlite:///...`, `none`, or `auto`: the host's own ledger if it keeps one.
        host: the endpoint that was replayed to, for `auto`.
        target: its profile, for TLS with that host.

    Raises:
        UsageError: `text` names nothing that can be read.
        InputError: a file or a database is unreadable.
        EndpointError: a URL does not answer with a ledger.
    """
    if text in ("", "none"):
        return None
    asker = Asker(host, target)
    if text == "auto":
        return _offered_ledger(asker) if host else None
    if text.startswith(("http://", "https://")):
        with asker.client(text, timeout_s=60) as client:
            return _collect(_http_entries(client, _entries_url(text)), shown(text))
    if text.startswith("sqlite://"):
        return _collect(sql_entries(text), "the SQL query")
    path = Path(text)
    if not path.is_file():
        raise UsageError(f"ledger {text!r} is no file, no http(s):// URL, no sqlite:/// URL and not `none`")
    return _collect(file_entries(path), path.name)


def awaited_file(text: str) -> Path | None:
    """The file that `text` names, as `read_ledger` takes it, if there is none yet: it may be written during a run."""
    if text in ("", "none", "auto") or text.startswith(("http://", "https://", "sqlite://")):
        return None
    return None if Path(text).is_file() else Path(text)


def _entries_url(text: str) -> str:
    parts = urlsplit(text)
    if (path := parts.path.rstrip("/")) in ("", "/ledger"):
        parts = parts._replace(path=path.removesuffix("/ledger") + "/ledger/entries")
    return parts.geturl()


def _offered_ledger(asker: Asker) -> Ledger | None:
    """The ledger at the host, or None if the endpoint keeps none that we know how to read."""
    import httpx

    try:
        with asker.client(asker.host, timeout_s=5) as client:
            totals = client.get(asker.host.rstrip("/") + "/ledger")
        offered = totals.status_code == httpx.codes.OK and "accepted" in totals.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None
    return read_ledger(asker.host, host=asker.host, target=asker.target) if offered else None


def _collect(entries: Iterable[Entry], source: str) -> Ledger:
    """Packs (id, stored copies) pairs chunk by chunk, so that a long ledger never stands in memory as text."""
    keys: list[Keys] = []
    stored: list[npt.NDArray[np.int64]] = []
    iterator = iter(entries)
    while chunk := list(islice(iterator, _CHUNK)):
        ids, copies = zip(*chunk, strict=True)
        keys.append(hash_ids(np.array([canonical(name).encode() for name in ids], dtype=f"S{_ID_BYTES}")))
        stored.append(np.array(copies, dtype=np.int64))
    if not keys:
        return Ledger(source, np.empty((0, 2), np.uint64), np.empty(0, np.int64))
    return Ledger(source, np.concatenate(keys), np.concatenate(stored))


def _http_entries(client: httpx.Client, url: str) -> Iterator[Entry]:
    """Pages through `GET url?after=SEQ&limit=N`; an endpoint that ignores the parameters answers all at once."""
    decode = msgspec.json.Decoder(_Page)
    after = 0
    while True:
        last = after
        for line in _page_lines(client, url, after):
            entry = _decoded(decode.decode, line, url)
            if entry.seq > after or (not entry.seq and not after):
                yield entry.id, int(entry.state != "rejected")
                last = max(last, entry.seq)
        if last == after:
            return
        after = last


class _Numbered(msgspec.Struct):
    seq: int = 0


class _Page(_Numbered, kw_only=True):
    id: str
    state: str = "accepted"


def _page_lines(client: httpx.Client, url: str, after: int) -> list[bytes]:
    import httpx

    parameters = {"after": after, "limit": _PAGE}
    try:
        answer = client.get(url, params=httpx.URL(url).params.merge(parameters))
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise EndpointError(f"the ledger at {shown(url)} does not answer: {trouble(error)}") from error
    return answer.content.splitlines()


def _decoded(decode: Callable[[bytes], _Page], line: bytes, url: str) -> _Page:
    """A line of a ledger: ours, or one that names ids as files may."""
    try:
        return decode(line)
    except msgspec.DecodeError as error:
        if line.startswith(b"{"):
            with contextlib.suppress(InputError, msgspec.DecodeError):
                [(name, stored)] = line_entries(line, "the line")
                seq = msgspec.json.decode(line, type=_Numbered).seq
                return _Page(id=name, state="accepted" if stored else "rejected", seq=seq)
        raise EndpointError(
            f"the ledger at {shown(url)} answers a line that is no ledger entry: {error}"
        ) from error
