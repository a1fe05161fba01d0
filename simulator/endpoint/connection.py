"""Limits that uvicorn's connections lack: size and pace of the head, idle clients, clients that never read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from time import monotonic
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simulator.endpoint.metrics import Metrics
from simulator.endpoint.settings import Settings

_HEAD_BYTES = 64 * 1024
_WATCH_EVERY_S = 0.5


def _last_words(status: bytes, body: bytes) -> bytes:
    return (
        b"HTTP/1.1 %b\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b"
        % (status, len(body), body)
    )


_TOO_LARGE = _last_words(
    b"431 Request Header Fields Too Large", b'{"code":"header_too_large","message":"header too large"}'
)
_TOO_SLOW = _last_words(
    b"408 Request Timeout", b'{"code":"head_timeout","message":"the head did not arrive in time"}'
)


_BAD_HTTP = _last_words(b"400 Bad Request", b'{"code":"bad_http","message":"this is not HTTP/1.1"}')
_TOO_MANY = _last_words(
    b"503 Service Unavailable\r\nretry-after: 1", b'{"code":"too_many_connections","message":"try again"}'
)


class GuardedProtocol(HttpToolsProtocol):
    """One connection. Knows since when it waits for a head, and how much of it has come."""

    most_connections = 0
    _head_since = 0.0
    _head_bytes = 0
    _write_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a connection that says nothing is closed too. Turn away one too many."""
        super().connection_made(transport)
        self._head_since = monotonic()
        if len(self.connections) > self.most_connections:
            self.refuse(_TOO_MANY)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; give up on a head that does not end."""
        in_head = self._head_since
        super().data_received(data)
        if in_head and self._head_since:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES and not self.transport.is_closing():
                self.refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Start the head's clock with its first byte."""
        self._head_since = monotonic()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop the head's clock, then hand over to uvicorn."""
        self._head_since = 0.0
        self._head_bytes = 0
        self.scope["telsim.transport"] = self.transport  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """What the parser cannot read is answered like any other refusal."""
        del msg
        self.refuse(_BAD_HTTP)

    def refuse(self, answer: bytes) -> None:
        """Send ready-made bytes and close."""
        self.transport.write(answer)
        self.transport.close()

    def expired(self, now: float, settings: Settings) -> bytes | None:
        """What to answer before closing this connection; None to let it live. Empty: close without a word."""
        if self._head_since and now - self._head_since > settings.head_s:
            return _TOO_SLOW
        if not self.flow.write_paused:
            self._write_since = 0.0
        elif not self._write_since:
            self._write_since = now
        elif now - self._write_since > settings.write_s:
            return b""
        return None


def guarded(most_connections: int) -> type[GuardedProtocol]:
    """The protocol for a server that holds at most so many connections."""
    return type("GuardedProtocol", (GuardedProtocol,), {"most_connections": most_connections})


async def watch(state: Any, settings: Settings, metrics: Metrics) -> None:
    """Close connections that break the time limits, twice a second. One timer for all costs less than one each."""
    while True:
        await asyncio.sleep(_WATCH_EVERY_S)
        close_expired(list(state.connections), monotonic(), settings, metrics)


def close_expired(
    connections: Iterable[GuardedProtocol], now: float, settings: Settings, metrics: Metrics
) -> None:
    """Close those of `connections` whose time is up at `now` (monotonic seconds)."""
    for connection in connections:
        answer = connection.expired(now, settings)
        if answer is None or connection.transport is None or connection.transport.is_closing():
            continue
        metrics.counts["timeouts"] += 1
        if answer:
            connection.refuse(answer)
        else:
            connection.transport.abort()
