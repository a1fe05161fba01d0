"""A small corpus from records that are already there: for tests, and for pings that were not simulated here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from simulator import __version__
from simulator.corpus.rows import Kind, Kinds, Row
from simulator.corpus.writer import CorpusWriter, PartWriter, corpus_parts
from simulator.records import CORPUS_FORMAT, CorpusMeta, Dialect, Ping
from simulator.wire import Address


def write_corpus(
    path: Path,
    pings: Iterable[Ping],
    *,
    scenario_text: str = "",
    scenario_name: str = "records",
    seed: int = 0,
    dialect: Dialect = "wire",
) -> CorpusMeta:
    """Write records as a corpus of one part, sorted by (due_ms, client, position).

    Args:
        path: the directory, new or empty.
        pings: the records; ids are kept.
        scenario_text: kept in `corpus.json`.
        scenario_name: kept in `corpus.json`.
        seed: kept in `corpus.json`.
        dialect: the dialect that the records are in.
    """
    records = list(pings)
    kinds = Kinds(
        list(dict.fromkeys(ping.ping for ping in records)),
        list(dict.fromkeys(["valid", *(ping.label for ping in records)])),
    )
    clients = range(max((ping.client for ping in records), default=0) + 1)
    hasher = hashlib.sha256()
    with CorpusWriter(path) as corpus:
        writer = PartWriter(path, 0, kinds=kinds, seed=seed, clients=clients, hasher=hasher)
        writer.flush([_row(ping, kinds) for ping in records])
        part = writer.finish()
        digest = hasher.hexdigest()
        return corpus.commit(
            CorpusMeta(
                format=CORPUS_FORMAT,
                telsim=__version__,
                scenario=scenario_text,
                scenario_name=scenario_name,
                seed=seed,
                dialect=dialect,
                specifications={},
                clients=len({ping.client for ping in records}),
                start_ms=part.first_due_ms,
                end_ms=part.last_due_ms + 1,
                first_due_ms=part.first_due_ms,
                last_due_ms=part.last_due_ms,
                records=part.records,
                bytes=part.bytes,
                ping_names=kinds.ping_names,
                label_names=kinds.label_names,
                pings=part.pings,
                labels=part.labels,
                products=part.products,
                parts=corpus_parts([part], [digest]),
                sha256=digest,
            )
        )


def _row(ping: Ping, kinds: Kinds) -> Row:
    prefix, found, suffix = ping.path.partition(ping.id)
    address = Address(prefix, suffix, id_in_path=bool(found), method=ping.method)
    as_base64 = bool(ping.body_b64) or not ping.body  # nothing at all is no JSON either
    kind = Kind(
        ping.ping,
        ping.product,
        ping.route,
        address,
        label=ping.label,
        expect=ping.expect,
        headers=ping.headers,
        base64=as_base64,
    )
    body = f'"{ping.body_b64}"' if as_base64 else bytes(ping.body).decode("ascii")
    return ping.due_ms, ping.client, kinds.code(kind), body, ping.id
