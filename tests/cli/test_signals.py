"""Ctrl-C, SIGTERM and SIGHUP: a word, the shell's exit code, nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.cli import Stopped, ended_by_signals
from simulator.cli.replay import run_locust

pytestmark = pytest.mark.slow

TELSIM = (sys.executable, "-m", "simulator")
NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_ends_a_command_as_an_error_does(number):
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as stopped, ended_by_signals():
        os.kill(os.getpid(), number)
    assert stopped.value.code == 128 + number
    assert signal.getsignal(number) == before


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", NUMBERS)
def test_an_interruption_is_told_in_a_word(number, tmp_path):
    corpus = tmp_path / "corpus"
    words = ["generate", "mixed-fleet", "--clients", "50000", "--out", str(corpus)]
    with subprocess.Popen([*TELSIM, *words], stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        _wait_until(corpus.exists)
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert error == "telsim: interrupted\n"


@pytest.fixture
def slow_locust(tmp_path, monkeypatch) -> Callable[[], bool]:
    """A module `locust` whose import takes long, as the real one's does; says whether it has begun."""
    began = tmp_path / "began"
    (tmp_path / "locust.py").write_text(
        "import pathlib, signal, sys, time\n"
        f"pathlib.Path({str(began)!r}).touch()\n"
        "time.sleep(1)\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(130))\n"
        "signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.chdir(tmp_path)
    return began.exists


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_while_locust_is_imported_waits_until_the_replay_listens(number, slow_locust, capfd):
    code = _replay_with(lambda pid: os.kill(os.getppid(), number), slow_locust)
    assert code == 130
    assert capfd.readouterr().err == "telsim: interrupted; what is done stays valid\n"


def test_locust_killed_by_somebody_else_is_a_failure_that_is_told(slow_locust, capfd):
    def kill_it(pid: int) -> None:
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if b"\0-m\0locust\0" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)

    assert _replay_with(kill_it, slow_locust) == 1
    assert "SIGKILL" in capfd.readouterr().err


def _replay_with(act: Callable[[int], None], begun: Callable[[], bool]) -> int:
    """The exit code of a replay to which something is done, from another process, once its Locust has begun."""
    parent = os.getpid()
    actor = os.fork()
    if not actor:
        _wait_until(begun)
        act(parent)
        os._exit(0)
    try:
        return run_locust(Path("c"), host="http://h", target="structured", run_dir=None, quiet=True)
    finally:
        os.waitpid(actor, 0)


def _wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(3000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never happened")
