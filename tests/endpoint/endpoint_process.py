"""An endpoint under test, started through the command line only, and bare sockets to be rude to it with."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import httpx
from endpoint_kit import click

_READY = re.compile(r"telsim endpoint listening on (http://127\.0\.0\.1:(\d+))\n")


class Served:
    """`telsim serve` on a free port."""

    def __init__(self, *options: object) -> None:
        command = [sys.executable, "-m", "simulator", "serve", "--port", "0", *map(str, options)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        match = _READY.fullmatch(line)
        if not match:
            _, said = self.process.communicate(timeout=10)
            raise AssertionError(f"not ready: {line!r} {said}")
        self.url, self.port = match[1], int(match[2])

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def memory_mb(self) -> float:
        """Resident memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def __enter__(self) -> "Served":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGKILL)
        self.process.stdout.close()
        self.process.stderr.close()


@contextmanager
def connected(port: int, timeout_s: float = 10) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as opened:
        yield opened


def read_answer(opened: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One answer; status 0 where the connection ended without one."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = _receive(opened)
        if not more:
            return 0, {}, data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
    while len(body) < int(headers.get("content-length", 0)):
        body += _receive(opened)
    return int(lines[0].split()[1]), headers, body


def _receive(opened: socket.socket) -> bytes:
    try:
        return opened.recv(65536)
    except ConnectionResetError:
        return b""


def ask(port: int, raw: bytes, *, finish: bool = False) -> tuple[int, dict[str, str], bytes]:
    """Send bytes, read one answer."""
    with connected(port) as opened:
        try:
            opened.sendall(raw)
            if finish:
                opened.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return read_answer(opened)


def raw_ping(number: int, body: bytes = b'{"who":"a"}', *, extra: bytes = b"") -> bytes:
    head = f"POST {click(number)} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n".encode()
    return head + extra + b"\r\n" + body


def totals(url: str) -> dict:
    return httpx.get(url + "/ledger").raise_for_status().json()


def all_entries(url: str) -> list[dict]:
    found: list[dict] = []
    while True:
        after = found[-1]["seq"] if found else 0
        page = httpx.get(f"{url}/ledger/entries?after={after}&limit=5000").raise_for_status()
        if not page.text:
            return found
        found += [json.loads(line) for line in page.text.splitlines()]
