"""A server that misbehaves on purpose, small corpora, and the engine without Locust around it."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from warm_locust import warm_locust

from simulator.randomness import split_uuids, uuid_text
from simulator.records import Ping
from simulator.rundir import Outcomes
from simulator.target import Target
from simulator.target.profile import parse_target

LOCUSTFILES = Path(__file__).resolve().parents[2] / "locustfiles"
sys.path.insert(0, str(LOCUSTFILES))

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
ROUTE = "activity-stream/events/1"


def ids_for(count: int) -> list[str]:
    return split_uuids(uuid_text(np.uint64(11), np.arange(count, dtype=np.uint64)))


def pings_for(count: int, *, expect: str = "accept", label: str = "valid", gap_ms: int = 10) -> list[Ping]:
    return [
        Ping(
            id=id_,
            due_ms=1_700_000_000_000 + gap_ms * n,
            client=n % 7,
            ping=("topsite_click", "tile_block")[n % 2],
            product="firefox",
            route=ROUTE,
            label=label,
            expect=expect,  # type: ignore[arg-type]
            method="POST",
            path=f"/submit/{ROUTE}/{id_}",
            body=msgspec.Raw(msgspec.json.encode({"client_id": id_, "n": n})),
        )
        for n, id_ in enumerate(ids_for(count))
    ]


@dataclass
class Seen:
    """A request as the server read it."""

    number: int
    on_connection: int
    id: str
    body: bytes
    head: bytes


@dataclass
class OddServer:
    """Threads with blocking sockets. `behave(connection, seen)` writes the answer; returning False hangs up."""

    behave: Callable[[socket.socket, Seen], bool | None]
    idle_s: float = 30.0
    tls: ssl.SSLContext | None = None
    port: int = 0
    host: str = "127.0.0.1"
    requests: list[Seen] = field(default_factory=list)
    connections: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: set[socket.socket] = field(default_factory=set)

    def __enter__(self) -> OddServer:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=128)
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse_more()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def refuse_more(self) -> None:
        """Takes no new connections; those that are open stay."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    @property
    def copies(self) -> Counter[str]:
        return Counter(seen.id for seen in self.requests)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            with self._lock:
                self._open.add(connection)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(self.idle_s)
        if self.tls is not None:
            try:
                connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()
                return
            with self._lock:
                self._open.add(connection)
        with connection, contextlib.suppress(OSError):
            buffered, count = b"", 0
            while True:
                request, buffered = _read_request(connection, buffered)
                if request is None:
                    break
                head, body = request
                with self._lock:
                    seen = Seen(
                        len(self.requests), count, head.split(b" ")[1].decode().split("/")[-1], body, head
                    )
                    self.requests.append(seen)
                count += 1
                if self.behave(connection, seen) is False:
                    break
        with self._lock:
            self._open.discard(connection)


def _read_request(connection: socket.socket, buffered: bytes) -> tuple[tuple[bytes, bytes] | None, bytes]:
    while b"\r\n\r\n" not in buffered:
        data = connection.recv(65536)
        if not data:
            return None, b""
        buffered += data
    head, _, rest = buffered.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(rest) < length:
        data = connection.recv(65536)
        if not data:
            return None, b""
        rest += data
    return (head, rest[:length]), rest[length:]


def reset(connection: socket.socket) -> None:
    """Closes with RST: what the peer of a killed process sees."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


RETRYING = """
name = "retrying"
title = "test"
timeout_s = 2.0
[[carrier]]
prefix = "/submit/"
content_type = "application/json"
[retry]
policy = "fixed"
attempts = 4
wait_s = 0.01
"""


def target_from(text: str) -> Target:
    return parse_target(text, where="test.toml")


@dataclass
class Ran:
    """What a run of the engine left behind."""

    rows: Outcomes
    recorder: object
    engine: object

    def states(self) -> dict[str, int]:
        from simulator.records import STATES

        counted = np.bincount(self.rows["state"], minlength=len(STATES))
        return {name: int(n) for name, n in zip(STATES, counted, strict=True) if n}


def free_port() -> int:
    """A port that nobody listens at right now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def ok(connection: socket.socket, seen: Seen) -> None:
    """Takes everything."""
    connection.sendall(OK)


def locust_command(*arguments: object, file: Path | str = LOCUSTFILES / "replay.py") -> list[str]:
    words = [str(argument) for argument in arguments]
    if "--processes" in words:  # tests that run side by side must not share Locust's usual port
        port = str(free_port())
        words += ["--master-port", port, "--master-bind-port", port]
    return [sys.executable, "-m", "locust", "-f", str(file), "--headless", "--only-summary", *words]


def locust(
    *arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None, **kwargs: object
) -> subprocess.CompletedProcess[str]:
    """Runs `locust` to its end; the command itself is started where a test is about its process."""
    words = locust_command(*arguments, **kwargs)[3:]  # type: ignore[arg-type]
    return warm_locust(LOCUSTFILES).run(
        words, env={**os.environ, **(env or {})}, cwd=str(cwd or Path.cwd()), timeout_s=60
    )
