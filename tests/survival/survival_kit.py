"""telsim as a child process that things are done to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TELSIM = (sys.executable, "-m", "simulator")

SCENARIO = """
format = 1
name = "survivor"
seed = 3
start = 2021-12-15T00:00:00Z
duration = "1d"
clients = 120
cohort_clients = 10
"""


def scenario_file(directory: Path, extra: str = "") -> Path:
    path = directory / "survivor.toml"
    path.write_text(SCENARIO + extra, encoding="utf-8")
    return path


def telsim(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run it to its end. Whatever was done to it, it must not show a traceback."""
    given: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 120}
    done = subprocess.run([*TELSIM, *map(str, arguments)], check=False, **(given | options))
    assert "Traceback" not in (done.stderr or ""), done.stderr
    return done


def started(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    given: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*TELSIM, *map(str, arguments)], **(given | options))


def digest(output: str) -> str:
    line = next(line for line in output.splitlines() if line.startswith("sha256 "))
    return line.removeprefix("sha256 ")


def children_of(pid: int) -> list[int]:
    """Workers that a process has started, by what the kernel says."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == pid and b"resource_tracker" not in command:
            found.append(int(entry.name))
    return found


def plain_environment(**changes: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "VIRTUAL_ENV") if name in os.environ}
    return kept | changes
