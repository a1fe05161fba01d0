"""Limits that uvicorn's connections lack: size and pace of the head, idle clients, clients that never read."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from simulator.endpoint.app import TROUBLE
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
    _body_since = 0.0
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
        """Stop the head's clock and start the body's, then hand over to uvicorn."""
        self._head_since = 0.0
        self._head_bytes = 0
        self._body_since = monotonic()
        self.scope["telsim.transport"] = self.transport  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the body's clock."""
        self._body_since = 0.0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What the parser cannot read is refused like anything else, but not before earlier requests are answered."""
        del msg
        if self.cycle is None or self.cycle.response_complete:
            self.refuse(_BAD_HTTP)
            return
        self.cycle.keep_alive = False
        if self._body_since:
            self._spoil_body("bad_chunks")
        self.flow.pause_reading()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client has said all it has to say. What it asked before is still answered, then the connection ends."""
        if self.cycle is None or self.cycle.response_complete:
            return False
        self.cycle.keep_alive = False
        if self._body_since:
            self._spoil_body("body_cut")
        return True

    def _spoil_body(self, code: str) -> None:
        """Tell the app that the body it waits for will never be whole."""
        self._body_since = 0.0
        cast("dict[str, object]", self.cycle.scope)[TROUBLE] = code
        self.cycle.message_event.set()

    def refuse(self, answer: bytes) -> None:
        """Send ready-made bytes and close."""
        self.transport.write(answer)
        self.transport.close()

    def hurry(self, now: float, settings: Settings) -> str:
        """Cut off whoever breaks a time limit at `now` (monotonic seconds). Returns what to count it as, if so."""
        if self.transport is None or self.transport.is_closing():
            return ""
        if self._head_since and now - self._head_since > settings.head_s:
            self.refuse(_TOO_SLOW)
            return "slow_heads"
        if self._body_since and now - self._body_since > settings.body_s:
            self._spoil_body("body_timeout")
            return "slow_bodies"
        if not self.flow.write_paused:
            self._write_since = 0.0
        elif not self._write_since:
            self._write_since = now
        elif now - self._write_since > settings.write_s:
            self.transport.abort()
            return "deaf_clients"
        return ""


def guarded(most_connections: int) -> type[GuardedProtocol]:
    """The protocol for a server that holds at most so many connections."""
    return type("GuardedProtocol", (GuardedProtocol,), {"most_connections": most_connections})


async def watch(state: ServerState, settings: Settings, metrics: Metrics) -> None:
    """Look at every connection twice a second. One timer for all costs less than one for each."""
    while True:
        await asyncio.sleep(_WATCH_EVERY_S)
        now = monotonic()
        for connection in list(state.connections):
            if isinstance(connection, GuardedProtocol) and (why := connection.hurry(now, settings)):
                metrics.counts[why] += 1
