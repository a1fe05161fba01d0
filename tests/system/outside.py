"""telsim from outside: its command line, HTTP, and patience."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
TELSIM = [sys.executable, "-m", "simulator"]

Run = Callable[..., subprocess.CompletedProcess[str]]


class Served:
    """A `telsim serve` of a test's own."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def ledger(self) -> dict[str, str]:
        """Every decided ping: id to state."""
        entries: dict[str, str] = {}
        after = 0
        with httpx.Client(trust_env=False) as client:
            while lines := client.get(
                f"{self.url}/ledger/entries?after={after}&limit=5000"
            ).text.splitlines():
                for line in lines:
                    entry = json.loads(line)
                    entries[entry["id"]] = entry["state"]
                    after = entry["seq"]
        return entries

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def wait_for(happened: Callable[[], bool], *, seconds: float = 30) -> None:
    """Wait for something that is bound to happen; fail if it does not."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
