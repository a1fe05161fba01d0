"""TLS over the engine's non-blocking sockets: encryption in memory, the socket's own `send` and `recv` in shape."""

from __future__ import annotations

import ssl
from typing import Any

_PIECE = 1 << 16
_RECV = 1 << 18


class TlsPipe:
    """One connection's encryption.

    Args:
        sock: connected, non-blocking.
        context: from `simulator.target.tls_context`.
        host: the name that the certificate must be for.
    """

    def __init__(self, sock: Any, context: ssl.SSLContext, host: str) -> None:
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._left = b""
        self.ended = False
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    @property
    def pending(self) -> bool:
        """Whether encrypted bytes wait for the socket to take them."""
        return bool(self._outgoing.pending) or bool(self._left)

    def handshake(self) -> bool:
        """Goes on with the handshake; true once it is done.

        Raises:
            OSError: it failed (`ssl.SSLError` is one), or the connection broke.
        """
        self._fill()
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self.flush()
        return True

    def recv(self, _size: int) -> bytes:
        """What the server said; empty at its end. `ended` then tells that nothing follows, whatever the socket says.

        Raises:
            BlockingIOError: nothing yet.
            OSError: the connection broke, or the server ended it with an alert (`ssl.SSLError`).
        """
        closed = self._fill()
        pieces = []
        try:
            while piece := self._tls.read(_RECV):
                pieces.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            self.ended = closed
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self.ended = True
        except ssl.SSLError:
            if not pieces:
                raise
            self.ended = True
        if pieces or self.ended:
            return b"".join(pieces)
        raise BlockingIOError

    def send(self, data: Any) -> int:
        """Encrypts and sends as much as the socket takes; returns how much of `data` is taken care of."""
        done = 0
        while not self.flush() and done < len(data):
            done += self._tls.write(data[done : done + _PIECE])
        return done

    def flush(self) -> bool:
        """Hands encrypted bytes to the socket; true where some are left over."""
        while self._left or self._outgoing.pending:
            left = self._left or self._outgoing.read()
            try:
                count = self._sock.send(left)
            except BlockingIOError:
                self._left = left
                return True
            self._left = left[count:]
        return False

    def _fill(self) -> bool:
        """Moves what has come into the decryption; true where the server has closed the connection."""
        filled = False
        try:
            while data := self._sock.recv(_RECV):
                self._incoming.write(data)
                filled = True
        except BlockingIOError:
            return False
        except OSError:
            if not filled:
                raise  # else an alert may have come before the reset, and says more
        self._incoming.write_eof()
        return True
