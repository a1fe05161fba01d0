"""A server that reads requests and answers 200 to each, as fast as Python can: for calibration and benchmarks.

`python null_sink.py [PORT]` listens on loopback, prints its port and serves until it is killed.
"""

from __future__ import annotations

import asyncio
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Type: text/plain\r\n\r\n"
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class NullSink(asyncio.Protocol):
    """Counts bytes, not meanings: finds each request's end by its Content-Length and answers it."""

    def __init__(self) -> None:
        self._buffer = b""
        self._skip = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answers every request that ends in `data`."""
        answers = 0
        while data:
            if self._skip:
                if len(data) < self._skip:
                    self._skip -= len(data)
                    break
                data = data[self._skip :]
                self._skip = 0
                answers += 1
                continue
            data = self._buffer + data
            self._buffer = b""
            end = data.find(_HEAD_END)
            if end < 0:
                self._buffer = data
                break
            self._skip = _content_length(data[:end])
            data = data[end + 4 :]
            if not self._skip:
                answers += 1
        if answers:
            self._transport.write(ANSWER * answers)


def _content_length(head: bytes) -> int:
    found = head.rfind(b"Content-Length: ")
    if found >= 0:
        return int(head[found + 16 :].split(b"\r\n", 1)[0])
    for line in head.lower().split(b"\r\n"):
        if line.startswith(_LENGTH):
            return int(line[len(_LENGTH) :])
    return 0


async def serve(port: int) -> None:
    """Serves until cancelled."""
    server = await asyncio.get_running_loop().create_server(NullSink, "127.0.0.1", port, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    try:
        import uvloop

        uvloop.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
    except ImportError:
        asyncio.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
