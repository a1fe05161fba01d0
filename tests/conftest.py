"""What tests of every part may use."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

import pytest
from hypothesis import settings

from simulator.cli import main

# A machine that is busy with something else is no reason to fail: time is what benchmarks measure.
settings.register_profile("telsim", deadline=None)
settings.load_profile("telsim")

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def command() -> Command:
    """`telsim` as users type it, words and exit codes included, without the time that an interpreter takes to start."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = ["telsim", *map(str, arguments)]
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with (
            patch.object(sys, "argv", words),
            patch.object(sys, "excepthook", sys.excepthook),  # typer puts its own there
            redirect_stdout(out),
            redirect_stderr(err),
            pytest.raises(SystemExit) as end,
        ):
            main()
        shown = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
        return subprocess.CompletedProcess(words, int(end.value.code or 0), *shown)

    return run
