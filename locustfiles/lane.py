"""One connection of the replay: a non-blocking socket and the C parser that reads its answers."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import httptools
from gevent import monkey

# The engine owns its sockets and waits for all of them at once, so it needs the plain, unpatched ones.
_socket = monkey.get_original("socket", "socket")
AF_INET, AF_INET6, SOCK_STREAM = 2, 10, 1
IPPROTO_TCP, TCP_NODELAY, SOL_SOCKET, SO_ERROR = 6, 1, 1, 4

CLOSED, CONNECTING, IDLE, BUSY = range(4)

_KEPT_BODY = 1 << 25  # the answer to a batch of a hundred thousand items, told one by one
_IN_PROGRESS = (0, errno.EINPROGRESS)
_RETRY_AFTER = re.compile(rb"\r\nretry-after:[ \t]*([^\r\n]*)", re.IGNORECASE)
_SERVER_TIMING = re.compile(rb"\r\nserver-timing:[ \t]*([^\r\n]*)", re.IGNORECASE)
_INTERIM = re.compile(rb"HTTP/1\.[01] 1\d\d")
_FRAMED = re.compile(rb"\r\n(?:content-length|transfer-encoding):", re.IGNORECASE)


class BadAnswerError(Exception):
    """What came back is not HTTP."""


class Lane:
    """One Locust user's connection.

    It holds at most one request at a time. The engine reads and writes its attributes; the parser calls the
    `on_` methods. `send` and `recv` take and give bytes, bound once for each connection. `by_heart` says that
    a plain request is under way, sent whole, and no part of its answer has come: an answer that the engine knows
    needs no parser.
    """

    __slots__ = (
        "before",
        "body",
        "body_size",
        "by_heart",
        "chunks",
        "closing",
        "complete",
        "deadline",
        "failures",
        "fd",
        "head_done",
        "job",
        "keep_alive",
        "on_closed",
        "parser",
        "pipe",
        "recv",
        "rest",
        "reused",
        "send",
        "sock",
        "state",
        "status",
        "written",
    )

    def __init__(self, on_closed: Callable[[], None]) -> None:
        self.state = CLOSED
        self.sock: Any = None
        self.fd = -1
        self.job: Any = None
        self.rest: Any = None
        self.written = False
        self.deadline = 0
        self.closing = False
        self.failures = 0
        self.before = 0, 0
        self.on_closed = on_closed
        self.pipe: Any = None
        self._fresh()

    def _fresh(self) -> None:
        self.reused = False
        self.by_heart = False
        self.parser = httptools.HttpResponseParser(self)
        self._next_answer()

    def _next_answer(self) -> None:
        self.chunks: list[bytes] = []
        self.body: list[bytes] = []
        self.body_size = 0
        self.head_done = False
        self.complete = False
        self.keep_alive = False
        self.status = 0

    def connect(self, address: str, port: int, *, ipv6: bool) -> int:
        """Begins to connect; returns 0 or the error number. Ready when the socket becomes writable."""
        self._fresh()
        sock = _socket(AF_INET6 if ipv6 else AF_INET, SOCK_STREAM)
        sock.settimeout(0)
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        error = sock.connect_ex((address, port))
        if error not in _IN_PROGRESS:
            sock.close()
            return int(error)
        self.sock, self.fd = sock, sock.fileno()
        # What the socket's own methods do, but they take their arguments in a way that costs more.
        self.send, self.recv = partial(os.write, self.fd), partial(os.read, self.fd)
        self.state = CONNECTING
        return 0

    def connect_error(self) -> int:
        """The error number of a connection attempt that has ended; 0: connected."""
        return int(self.sock.getsockopt(SOL_SOCKET, SO_ERROR))

    def encrypt(self, pipe: Any) -> None:
        """Speaks through `pipe` from now on."""
        self.pipe = pipe
        self.send, self.recv = pipe.send, self._recv_encrypted

    def _recv_encrypted(self, size: int) -> bytes:
        data: bytes = self.pipe.recv(size)
        if self.pipe.ended:
            self.by_heart = False  # the parser's way heeds the farewell that came along
        return data

    @property
    def has_farewell(self) -> bool:
        """Whether the server said inside TLS that nothing follows; the socket may stay open all the same."""
        return self.pipe is not None and self.pipe.ended

    def close(self) -> None:
        """Closes the socket; the lane can connect again."""
        if self.sock is not None:
            self.sock.close()
            self.sock = self.pipe = None
            self.send = self.recv = _closed  # the system may give the same number to another file
        self.state = CLOSED
        self.rest = None

    def feed(self, data: bytes) -> int:
        """Takes what came from the socket; returns the status once the answer is whole, else 0.

        Raises:
            BadAnswerError: it is not HTTP.
        """
        self.chunks.append(data)
        self.by_heart = False
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self.complete:
                raise BadAnswerError(str(error) or type(error).__name__) from error
        return self.status if self.complete else 0

    def feed_end(self) -> int:
        """The server closed the connection: the status if that ends an answer without a length, else 0."""
        if not self.head_done or _FRAMED.search(self.head()):
            return 0
        self.status = self.parser.get_status_code()
        return self.status

    def head(self) -> bytes:
        """Status line and headers of the answer."""
        text = b"".join(self.chunks)
        while _INTERIM.match(text):
            text = text.partition(b"\r\n\r\n")[2]
        return text.partition(b"\r\n\r\n")[0]

    def retry_after(self) -> bytes:
        """The Retry-After header's value; empty where there is none."""
        match = _RETRY_AFTER.search(self.head())
        return match[1].strip() if match else b""

    def server_timing(self) -> bytes:
        """The Server-Timing header's value; empty where there is none."""
        match = _SERVER_TIMING.search(self.head())
        return match[1] if match else b""

    def payload(self) -> bytes:
        """The beginning of the answer's body (all of it below 32 MiB)."""
        return b"".join(self.body)

    def payload_is_whole(self) -> bool:
        """Whether `payload` is all of the body."""
        return self.body_size < _KEPT_BODY

    def done(self) -> None:
        """Forgets the answer; the lane is ready for the next one."""
        self.reused = True
        if self.chunks:
            self._next_answer()

    def on_headers_complete(self) -> None:
        """Parser's callback."""
        self.head_done = True

    def on_body(self, body: bytes) -> None:
        """Parser's callback."""
        if self.body_size < _KEPT_BODY:
            self.body.append(body)
            self.body_size += len(body)

    def on_message_complete(self) -> None:
        """Parser's callback."""
        status = self.parser.get_status_code()
        if status < 200:  # 100 Continue and its like announce the answer, they are none
            self.head_done = False
        else:
            self.status = status
            self.keep_alive = bool(self.parser.should_keep_alive())  # true only inside this callback
            self.complete = True


def _closed(*_: object) -> int:
    raise OSError(errno.EBADF, os.strerror(errno.EBADF))
