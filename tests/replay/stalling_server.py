"""A server of its own process that does nothing at all in known stretches of time, and keeps a record of it.

    python stalling_server.py 0.5-1.5 2.0-2.2      stalls, in seconds after the first request

It prints its port, serves until its standard input ends, and then prints what it saw as JSON: when the first request
came, when each stall began and ended, and when each document id was answered, all in nanoseconds of the monotonic
clock, which all processes of a machine share. It uses nothing of telsim.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class StallingServer:
    """One thread, one loop: while it sleeps, nobody is served."""

    def __init__(self, stalls: list[tuple[float, float]]) -> None:
        self._ahead = stalls
        self._selector = selectors.DefaultSelector()
        self._buffers: dict[socket.socket, bytes] = {}
        self.first_ns = 0
        self.stalls: list[tuple[int, int]] = []
        self.answered: dict[str, int] = {}

    def run(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        print(listener.getsockname()[1], flush=True)
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            ready = self._selector.select(self._stall())
            for key, _ in ready:
                if key.fileobj is sys.stdin:
                    return
                if key.fileobj is listener:
                    connection, _ = listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._buffers[connection] = b""
                    self._selector.register(connection, selectors.EVENT_READ)
                else:
                    self._serve(key.fileobj)  # type: ignore[arg-type]
                    self._stall()

    def _stall(self) -> float | None:
        """Sleeps through a stall that has begun; returns the seconds until the next one."""
        if not self.first_ns or not self._ahead:
            return None
        begins, ends = (self.first_ns + int(seconds * 1e9) for seconds in self._ahead[0])
        now = time.monotonic_ns()
        if now < begins:
            return (begins - now) / 1e9
        while (left := ends - time.monotonic_ns()) > 0:
            time.sleep(left / 1e9)
        self.stalls.append((now, time.monotonic_ns()))
        del self._ahead[0]
        return self._stall()

    def _serve(self, connection: socket.socket) -> None:
        data = connection.recv(1 << 18)
        if not data:
            self._selector.unregister(connection)
            del self._buffers[connection]
            connection.close()
            return
        self.first_ns = self.first_ns or time.monotonic_ns()
        text = self._buffers[connection] + data
        while (end := text.find(b"\r\n\r\n")) >= 0:
            head = text[:end].decode("latin1")
            length = int(head.lower().partition("content-length:")[2].split("\r\n")[0])
            if len(text) < end + 4 + length:
                break
            text = text[end + 4 + length :]
            connection.sendall(ANSWER)
            self.answered[head.split(" ")[1].rpartition("/")[2]] = time.monotonic_ns()
        self._buffers[connection] = text


if __name__ == "__main__":
    server = StallingServer([tuple(map(float, text.split("-"))) for text in sys.argv[1:]])  # type: ignore[misc]
    server.run()
    record = {"first_ns": server.first_ns, "stalls": server.stalls, "answered": server.answered}
    print(json.dumps(record), flush=True)
