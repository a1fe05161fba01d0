"""Answers to requests that arrived whole, written by the connection itself: no task, no messages.

An ASGI request costs uvicorn a task, an event and four messages, twice the time in which a ping is judged. Whatever
decides about a request is the intake's, which the ASGI application asks too; here is only how bytes come and go.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from simulator.endpoint.app import head_of
from simulator.endpoint.message import Answer, Request

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class _Unheard:
    """Stands for the event by which a task would learn that its client has gone."""

    @staticmethod
    def set() -> None:
        """Nobody waits."""


class Direct:
    """One request that is answered without a task; for its connection what uvicorn's cycle is.

    Args:
        connection: where the answer goes.
        keep_alive: whether the connection stays open after it.
    """

    __slots__ = ("_connection", "disconnected", "keep_alive", "response_complete")

    message_event = _Unheard

    def __init__(self, connection: HttpToolsProtocol, *, keep_alive: bool) -> None:
        self._connection: HttpToolsProtocol | None = connection
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False

    def tell(self, told: Answer, timing: bytes) -> None:
        """Write the answer, unless the client has gone. Let the connection go on with its next request."""
        connection, self._connection = self._connection, None  # each knows the other: no cycle, no leak
        if self.disconnected or connection is None:
            return
        closing = b""
        if (b"connection", b"close") in told.headers:
            self.keep_alive = False
        elif not self.keep_alive:
            closing = b"connection: close\r\n"
        defaults = tuple(connection.server_state.default_headers)
        head = _head(defaults, told.status, len(told.body), told.content_type, told.headers)
        self.response_complete = True
        connection.transport.write(b"%bserver-timing: %b\r\n%b\r\n%b" % (head, timing, closing, told.body))
        if not self.keep_alive:
            connection.transport.close()
        connection.on_response_complete()


@lru_cache(maxsize=256)  # nearly all answers of a second have one of a few heads
def _head(
    defaults: tuple[tuple[bytes, bytes], ...],
    status: int,
    length: int,
    content_type: bytes,
    headers: tuple[tuple[bytes, bytes], ...],
) -> bytes:
    """Status line and headers, but for the last two."""
    lines = [b"%b: %b\r\n" % header for header in (*defaults, *head_of(length, content_type, headers))]
    return b"".join((STATUS_LINE[status], *lines))


def whole_request(method: str, url: bytes, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Request:
    """The request that an ASGI scope would describe. Its target is in origin form, and has no fragment."""
    path, _, query = url.partition(b"?")
    return Request(method, path.decode("ascii"), query.decode("latin-1"), dict(headers), body)
