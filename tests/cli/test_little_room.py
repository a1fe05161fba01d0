"""Limits as small disks and small machines have them."""

import os
import subprocess
import sys

import pytest

TELSIM = f"{sys.executable} -m simulator"


@pytest.fixture
def limited(tmp_path):
    """Runs telsim under `ulimit` in an empty folder."""

    def run(limit, words):
        line = f"ulimit {limit} && exec {TELSIM} {words}"
        # Half a compiled module would be kept, and break every later run.
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        given = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True}
        return subprocess.run(["bash", "-c", line], check=False, timeout=60, **given)

    return run


def test_half_a_starter_scenario_is_removed(limited, tmp_path):
    done = limited("-f 4", "init mine.toml")
    assert (done.returncode, done.stderr) == (2, "telsim: mine.toml: cannot be written: File too large\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(("option", "place"), [("--html", "page.html"), ("--out", "pictures")])
def test_describe_names_the_place_that_has_no_room(limited, option, place):
    assert limited("-n 1000", "generate smoke --clients 8 --out corpus").returncode == 0
    done = limited("-f 4", f"describe corpus {option} {place}")
    assert (done.returncode, done.stderr) == (2, f"telsim: {place}: cannot be written: File too large\n")


def test_a_machine_without_memory_is_told(command, monkeypatch):
    def starve(_path):
        raise MemoryError

    monkeypatch.setattr("simulator.scenario.load.scenario_text", starve)
    done = command("scenarios", "smoke")
    assert (done.returncode, done.stderr) == (2, "telsim: there is not enough memory\n")
