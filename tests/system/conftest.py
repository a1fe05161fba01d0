"""System tests know telsim from outside: its command line, its files, HTTP. They import nothing of it."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from outside import TELSIM, Run, Served


@pytest.fixture
def telsim(tmp_path: Path) -> Run:
    """Run `telsim` in an empty folder."""

    def run(*arguments: object, timeout_s: float = 90) -> subprocess.CompletedProcess[str]:
        command = [*TELSIM, *map(str, arguments)]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=timeout_s, check=False
        )

    return run


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smoke scenario in the wire dialect."""
    path = tmp_path_factory.mktemp("shared") / "corpus"
    subprocess.run(
        [*TELSIM, "generate", "smoke", "--out", str(path), "--dialect", "wire"],
        check=True,
        capture_output=True,
    )
    return path


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start endpoints that end with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> Served:
        process = subprocess.Popen(
            [*TELSIM, "serve", "--port", "0", *map(str, arguments)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("telsim endpoint listening on "), line
        return Served(process, line.split()[-1])

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `telsim` without waiting for it."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*TELSIM, *map(str, arguments)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()
