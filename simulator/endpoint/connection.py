"""What uvicorn's connections lack: limits of size and pace, and a short way for requests that arrive whole."""

from __future__ import annotations

import asyncio
from time import monotonic, perf_counter_ns
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from simulator.endpoint.app import TROUBLE, App
from simulator.endpoint.direct import Direct, whole_request
from simulator.endpoint.message import Request
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
_BROKEN = _last_words(b"500 Internal Server Error", b'{"code":"internal_error","message":"a fault of ours"}')
_TOO_MANY = _last_words(
    b"503 Service Unavailable\r\nretry-after: 1", b'{"code":"too_many_connections","message":"try again"}'
)


class GuardedProtocol(HttpToolsProtocol):
    """One connection. Knows since when it waits for a head, and how much of it has come.

    A request begins without uvicorn's knowing (`_parts` holds its body). If it is whole by the end of the read that
    brought its head, and the app takes it at once, it is answered directly; else uvicorn hears of it then, and from
    there on all is as if it had from the start.
    """

    most_connections = 0
    _head_since = 0.0
    _head_bytes = 0
    _body_since = 0.0
    _write_since = 0.0
    _began_ns = 0
    _parts: list[bytes] | None = None
    _whole: tuple[Request, Direct] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a connection that says nothing is closed too. Turn away one too many."""
        super().connection_made(transport)
        self._head_since = monotonic()
        if len(self.connections) > self.most_connections:
            self.refuse(_TOO_MANY)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; answer what is whole; give up on a head that does not end."""
        in_head = self._head_since
        super().data_received(data)
        if self._whole is not None:
            self._answer(*self._whole)
        elif self._parts is not None:
            self._start_cycle()
        if in_head and self._head_since:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES and not self.transport.is_closing():
                self.refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Start the head's clock with its first byte."""
        self._head_since = monotonic()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop the head's clock and start the body's. Hand over to uvicorn what must be answered by a task."""
        self._head_since = 0.0
        self._head_bytes = 0
        self._body_since = monotonic()
        if self._may_be_direct():
            self._began_ns = perf_counter_ns()
            self._parts = []
        else:
            self._open_cycle()

    def _may_be_direct(self) -> bool:
        """Whether nothing about the head or the connection asks for a task."""
        return (
            (self.cycle is None or self.cycle.response_complete)
            and self.parser.get_method() in (b"POST", b"PUT")
            and self.parser.get_http_version() == "1.1"
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and not self.flow.write_paused
        )

    def _open_cycle(self) -> None:
        self.scope["telsim.transport"] = self.transport  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()

    def _start_cycle(self) -> None:
        """Tell uvicorn what it has not heard yet of this request."""
        parts, self._parts = self._parts, None
        self._open_cycle()
        if parts:
            super().on_body(b"".join(parts))

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body, or let uvicorn."""
        if self._parts is None:
            super().on_body(body)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Stop the body's clock. See whether the request can be answered directly."""
        self._body_since = 0.0
        if self._parts is not None:
            method = self.parser.get_method().decode("ascii")
            request = whole_request(method, self.url, self.headers, b"".join(self._parts))
            if cast("App", self.app).takes_at_once(request):
                direct = Direct(self, keep_alive=self.parser.should_keep_alive())
                self._parts, self._whole = None, (request, direct)
                self.cycle = cast("RequestResponseCycle", direct)
                return
            self._start_cycle()
        super().on_message_complete()

    def _answer(self, request: Request, direct: Direct) -> None:
        """Have the app take a whole request. Not called by the parser, which takes any exception for bad HTTP."""
        self._whole = None
        try:
            read_ns = perf_counter_ns() - self._began_ns
            cast("App", self.app).intake.take(request, direct.tell, read_ns=read_ns)
        except Exception:
            self.logger.exception("Exception in the intake")
            self.refuse(_BROKEN)

    def send_400_response(self, msg: str) -> None:
        """What the parser cannot read is refused like anything else, but not before earlier requests are answered."""
        del msg
        if self._parts is not None:
            self._start_cycle()
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
