"""An endpoint as a child process, for smoke runs and tests."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec

from simulator.endpoint.settings import Settings
from simulator.errors import EndpointError

_READY = "telsim endpoint listening on "


class EndpointProcess:
    """Runs the endpoint in a process of its own, on a free port unless one is given.

        with EndpointProcess(Settings(schemas="wire")) as endpoint:
            httpx.get(endpoint.url + "/ledger")

    The child stops when this process dies, whatever the reason.

    Args:
        settings: as for `telsim serve`, except for the port.
        port: 0 for a free one.

    Raises:
        EndpointError: it did not start; the text is what it said.
    """

    def __init__(self, settings: Settings | None = None, *, port: int = 0) -> None:
        wanted = settings or Settings()
        self._settings = replace(wanted, port=port, until_eof=True)
        self._process: subprocess.Popen[str] | None = None
        self._errors: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 -- lives as long as we
        self._last_words = ""
        self.url = ""
        self.store: Path | None = Path(wanted.store) if wanted.store else None

    @property
    def pid(self) -> int:
        """Process id of the running endpoint."""
        return self._running().pid

    def start(self) -> EndpointProcess:
        """Start, and return once it accepts connections."""
        arguments = [sys.executable, "-m", "simulator.endpoint", msgspec.json.encode(self._settings).decode()]
        # A group of its own: the terminal's Ctrl-C is for us, who may still want to send, or to ask for the ledger.
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            process_group=0,
        )
        self._process = process
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith(_READY):
            process.wait()
            self._close(process)
            raise EndpointError(f"the endpoint did not start: {self.said() or 'it said nothing'}")
        self.url = line.removeprefix(_READY).strip()
        for said_line in self.said().splitlines():
            if said_line.startswith("store: "):
                self.store = Path(said_line.removeprefix("store: "))
        return self

    def said(self) -> str:
        """What it wrote to standard error so far."""
        if not self._errors.closed:
            self._errors.seek(0)
            self._last_words = self._errors.read().strip()
        return self._last_words

    def stop(self, *, timeout_s: float = 30.0) -> int:
        """Ask it to stop, wait until everything in flight is stored, and return its exit code."""
        return self._end(signal.SIGTERM, timeout_s)

    def kill(self) -> int:
        """Kill it without warning (SIGKILL), as a crash would."""
        return self._end(signal.SIGKILL, 30.0)

    def _end(self, number: signal.Signals, timeout_s: float) -> int:
        process = self._running()
        process.send_signal(number)
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        self._close(process)
        return code

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise EndpointError("the endpoint is not running")
        return self._process

    def _close(self, process: subprocess.Popen[str]) -> None:
        self.said()
        for stream in (process.stdin, process.stdout, self._errors):
            if stream is not None:
                stream.close()
        self._process = None

    def __enter__(self) -> EndpointProcess:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.stop()
