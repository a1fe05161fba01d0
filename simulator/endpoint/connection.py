"""What uvicorn's connections lack: limits of size and pace, and a short way for requests that arrive whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic, perf_counter_ns
from typing import cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from simulator.endpoint.app import TROUBLE, App
from simulator.endpoint.direct import Direct, whole_request
from simulator.endpoint.intake import Arrival
from simulator.endpoint.metrics import Metrics
from simulator.endpoint.settings import Settings

#: Methods of requests that may be answered directly.
_DIRECT = {b"POST": "POST", b"PUT": "PUT"}
_HEAD_BYTES = 64 * 1024
#: Around each part of a chunked body so many bytes come free. What is left over counts like a head that does not end.
_PART_BYTES = 16
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


class _Trailers(list[tuple[bytes, bytes]]):
    """Takes what the parser finds behind a chunked body, which is none of the headers, and keeps nothing of it."""

    def append(self, header: tuple[bytes, bytes]) -> None:
        """Drop it."""


_TRAILERS = _Trailers()


class GuardedProtocol(HttpToolsProtocol):
    """One connection. Knows since when it waits for a head, and how much of it has come.

    A request begins without uvicorn's knowing (`_parts` holds its body). If it is whole by the end of the read that
    brought its head, and the app takes it at once, it is answered directly; else uvicorn hears of it then, and from
    there on all is as if it had from the start.
    """

    app: App  # uvicorn has wrapped nothing around it
    most_connections = 0
    _method: str | None = None
    _head_since = 0.0
    _head_bytes = 0
    _body_since = 0.0
    _framing_bytes = 0
    _write_since = 0.0
    _idle_since = 0.0
    _began_ns = 0
    _asks_upgrade = False
    _parts: list[bytes] | None = None
    _head: Sequence[tuple[bytes, bytes]] = ()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a connection that says nothing is closed too. Turn away one too many."""
        super().connection_made(transport)
        self._head_since = monotonic()
        if len(self.connections) > self.most_connections:
            self.refuse(_TOO_MANY)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; leave to uvicorn what is not whole; give up on a head or on trailers that do not end."""
        in_head, in_body = self._head_since, self._body_since
        self._idle_since = 0.0
        if in_body:
            self._framing_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.send_400_response(str(error))
        except httptools.HttpParserUpgrade as asked:
            self._pass_over_upgrade(memoryview(data)[asked.args[0] :])
        if self._parts is not None:
            self._start_cycle()
        if in_head and self._head_since:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES and not self.transport.is_closing():
                self.refuse(_TOO_LARGE)
        elif in_body and self._body_since and self._framing_bytes > _HEAD_BYTES:
            self._break_off("header_too_large")

    def _pass_over_upgrade(self, rest: memoryview) -> None:
        """Go on at `rest` as if the head before it had asked for no upgrade (RFC 9110, section 7.8).

        The parser takes a head that asks for one as the end of HTTP, and its body for what comes after. So another
        parser is told the same head without the question.
        """
        while self._asks_upgrade:
            self._asks_upgrade = False
            head = [b"%b: %b\r\n" % header for header in self._head if header[0] != b"upgrade"]
            method, version = self.parser.get_method(), self.parser.get_http_version().encode()
            head.insert(0, b"%b %b HTTP/%b\r\n" % (method, self.url, version))
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            try:
                self.parser.feed_data(b"".join((*head, b"\r\n")))
                self.parser.feed_data(rest)
            except httptools.HttpParserError as error:
                self.send_400_response(str(error))
            except httptools.HttpParserUpgrade as asked:  # a later request
                rest = rest[asked.args[0] :]

    def on_message_begin(self) -> None:
        """Start the head's clock with its first byte."""
        self._head_since = monotonic()
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Stop the head's clock. Hand over to uvicorn what must be answered by a task."""
        self._head_since = 0.0
        self._head_bytes = 0
        self._head = self.headers
        self.headers = _TRAILERS
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._asks_upgrade = True
            return
        self._method = _DIRECT.get(self.parser.get_method())
        if self._method is not None and self._may_be_direct():
            self._began_ns = perf_counter_ns()
            self._parts = []
        else:
            self._open_cycle()

    def _may_be_direct(self) -> bool:
        """Whether nothing about the head or the connection asks for a task."""
        return (
            self.url[:1] == b"/"  # as nearly always; any other form uvicorn has to take apart
            and b"#" not in self.url
            and (self.cycle is None or self.cycle.response_complete)
            and self.parser.get_http_version() == "1.1"
            and not self.flow.write_paused
        )

    def _open_cycle(self) -> None:
        """Tell uvicorn about the head, as if it had heard of it from its first byte on. Start the body's clock.

        Raises whatever uvicorn does over a target that it cannot take apart; inside the parser, which makes it a 400.
        """
        url = self.url
        super().on_message_begin()
        self.url = url
        for name, value in self._head:
            super().on_header(name, value)
        self.scope["telsim.transport"] = self.transport  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()
        self.headers = _TRAILERS
        self._body_since = monotonic()
        self._framing_bytes = 0

    def _start_cycle(self) -> None:
        """Tell uvicorn what it has not heard yet of this request."""
        parts, self._parts = self._parts, None
        self._open_cycle()
        if parts:
            super().on_body(b"".join(parts))

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body, or let uvicorn."""
        if self._parts is None:
            self._framing_bytes = max(0, self._framing_bytes - len(body) - _PART_BYTES)
            super().on_body(body)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Have the app take the request if that can be done directly. Stop the body's clock."""
        if self._parts is not None and self._method is not None:
            request = whole_request(self._method, self.url, self._head, b"".join(self._parts))
            if self.app.takes_at_once(request):
                direct = Direct(self, keep_alive=self.parser.should_keep_alive())
                self._parts = None
                self.cycle = direct  # type: ignore[assignment]  # as far as a connection needs a cycle, it is one
                self.app.intake.take(Arrival(request, direct.tell, perf_counter_ns() - self._began_ns))
                return
            self._start_cycle()
        elif self._asks_upgrade:
            return  # it only seems to be complete
        self._body_since = 0.0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request. No timer of its own ends an idle connection: `hurry` does."""
        if self.pipeline:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            if self.flow.read_paused:
                self.flow.resume_reading()
            self._idle_since = monotonic()

    def send_400_response(self, msg: str) -> None:
        """What the parser cannot read is refused like anything else, but not before earlier requests are answered."""
        del msg
        if self._parts is not None:
            self._start_cycle()
        if self.cycle is None or self.cycle.response_complete:
            self.refuse(_BAD_HTTP)
            return
        if self._body_since:
            self._break_off("bad_chunks")
        else:
            self.cycle.keep_alive = False
            self.flow.pause_reading()

    def _break_off(self, code: str) -> None:
        """Read no more of a body that will never be whole, or is not wanted, and nothing after it."""
        self.cycle.keep_alive = False
        self._spoil_body(code)
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
        """Tell the app that the body it waits for will never be whole. Close, if it does not wait for it any more."""
        self._body_since = 0.0
        if self.cycle.response_complete:
            self.transport.close()
            return
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
        if self._idle_since and now - self._idle_since > settings.idle_s:
            self.transport.close()
            return ""
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
