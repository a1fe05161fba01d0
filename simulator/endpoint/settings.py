"""How one endpoint is set up."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.endpoint.message import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything `telsim serve` can be told.

    Args:
        host: address to listen on.
        port: 0 for a free one.
        schemas: `documented`, `wire`, or a directory of published schemas.
        store: SQLite file; empty for one in a fresh temporary directory.
        fsync: survive a power cut, not only the death of the process.
        payloads: keep the pings themselves, not only what became of them.
        edge: answer 200 to everything routable, as the real edge does.
        faults: allow `/__fault__`.
        listen_anywhere: allow addresses beyond loopback.
        limits: of a request.
        max_store_bytes: size at which the store counts as full; 0 for the disk's own.
        head_s: time for a request line and headers to arrive, and for an idle connection to say something.
        body_s: time for a body to arrive.
        idle_s: time between two requests on one connection.
        write_s: time for a client to take an answer.
        drain_s: time for requests in flight at shutdown.
        waiting_pings: pings that may wait for the store before new ones are turned away.
        waiting_bytes: the same in bytes.
        reading_bytes: bytes of unfinished bodies over all connections.
        connections: open connections before new ones are turned away.
        until_eof: stop when standard input ends, so that a child does not outlive its parent.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    schemas: str = "documented"
    store: str = ""
    fsync: bool = False
    payloads: bool = True
    edge: bool = False
    faults: bool = False
    listen_anywhere: bool = False
    limits: Limits = field(default_factory=Limits)
    max_store_bytes: int = 0
    head_s: float = 10.0
    body_s: float = 30.0
    idle_s: float = 75.0
    write_s: float = 30.0
    drain_s: float = 10.0
    waiting_pings: int = 100_000
    waiting_bytes: int = 128 * 1024 * 1024
    reading_bytes: int = 256 * 1024 * 1024
    connections: int = 12_000
    until_eof: bool = False
