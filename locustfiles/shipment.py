"""Outcomes of workers on other machines: kept there while the run goes on, sent to the master when it is over."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import gevent

from simulator.rundir import outcomes_file

OUTCOMES = "telsim_outcomes"
_CHUNK_BYTES = 1 << 18


def mark(run_dir: Path) -> str:
    """Puts a file into the run directory by which a worker knows that it sees the same directory; returns its name."""
    handle, path = tempfile.mkstemp(prefix=".same-directory-", dir=run_dir)
    os.close(handle)
    return Path(path).name


def is_shared(run_dir: Path, marker: str) -> bool:
    """Whether this worker sees the master's run directory, and not just one of the same name."""
    return (run_dir / marker).exists()


class Shipment:
    """One worker's outcomes in a directory of this machine, until they are with the master."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="telsim-outcomes-"))

    def send(self, runner: Any, worker: int) -> None:
        """Sends them piece by piece; heartbeats go on meanwhile."""
        file = outcomes_file(self.directory, worker)
        if file.exists():
            with file.open("rb") as opened:
                while data := opened.read(_CHUNK_BYTES):
                    runner.send_message(OUTCOMES, {"worker": worker, "data": data})
                    gevent.sleep(0.001)
        shutil.rmtree(self.directory, ignore_errors=True)


def receive(run_dir: Path, message: dict[str, Any]) -> None:
    """Master: adds one piece to the worker's file. Locust hands a worker's messages over in their order."""
    with outcomes_file(run_dir, int(message["worker"])).open("ab") as file:
        file.write(message["data"])
