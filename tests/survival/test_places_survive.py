"""Odd places to run in: names with spaces and accents, no home, no terminal, no colours, huge scenario files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from survival_kit import digest, plain_environment, scenario_file, telsim

from simulator.endpoint import EndpointProcess, Settings
from simulator.errors import ScenarioError
from simulator.scenario import load_scenario

pytestmark = pytest.mark.slow

ODD_NAMES = [
    "with spaces",
    "Größe und café",
    "数据",
    "new\nline",
    "quote'\"$(x)`",
    "-dash",
    "emoji 🦊",
    "%41%2e",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_generate_and_check_in_odd_places(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    directory.mkdir()
    scenario = scenario_file(directory)
    corpus = directory / f"corpus {name}"
    done = telsim("generate", scenario, "--out", corpus)
    assert done.returncode == 0, done.stderr
    assert telsim("check", scenario, corpus).returncode == 0


def test_replay_in_an_odd_place(tmp_path: Path) -> None:
    directory = tmp_path / "Größe und café 🦊"
    directory.mkdir()
    scenario = scenario_file(directory)
    options = ("--clients", 10, "--dialect", "wire")
    assert telsim("generate", scenario, "--out", directory / "ein corpus", *options).returncode == 0
    with EndpointProcess(Settings(schemas="wire", store=str(directory / "ein store.sqlite3"))) as endpoint:
        done = telsim(
            *("replay", directory / "ein corpus", "--host", endpoint.url, "--allow-generator-bound"),
            *("--run-dir", directory / "ein Lauf"),
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (directory / "ein Lauf" / "report.html").exists()
    second = telsim("replay", directory / "ein corpus", "--run-dir", directory / "ein Lauf")
    assert second.returncode == 2, "two runs in one directory"
    assert "already holds a run" in second.stdout + second.stderr


@pytest.mark.parametrize("home", ["", "/nonexistent", "/proc/self"])
def test_no_home_no_terminal_no_locale(tmp_path: Path, home: str) -> None:
    """/proc is read-only even for root, so nothing can be kept in such a home."""
    environment = plain_environment(HOME=home, LC_ALL="C", TMPDIR=str(tmp_path))
    if not home:
        del environment["HOME"]
    scenario = scenario_file(tmp_path)
    done = telsim(
        *("generate", scenario, "--out", tmp_path / "corpus"),
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stderr
    assert telsim("--help", env=environment, start_new_session=True).returncode == 0
    wrong = telsim("generate", "no-such-scenario", env=environment)
    assert wrong.returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("scenarios",), ("check", "smoke"), ("generate", "--help"), ("drill", "--help")],
)
def test_no_colours_where_none_are_wanted(arguments: tuple[str, ...]) -> None:
    for environment in (plain_environment(NO_COLOR="1"), plain_environment(TERM="dumb")):
        done = telsim(*arguments, env=environment)
        assert done.returncode == 0
        assert "\x1b" not in done.stdout + done.stderr


def test_no_colours_on_a_terminal_that_says_no(tmp_path: Path) -> None:
    """The same with a real terminal on standard error, where the progress bar would be."""
    import os
    import pty

    terminal, other_end = pty.openpty()
    environment = plain_environment(NO_COLOR="1", TERM="xterm-256color")
    done = telsim(
        *("generate", scenario_file(tmp_path), "--out", tmp_path / "corpus"),
        env=environment,
        capture_output=False,
        stdout=subprocess.PIPE,
        stderr=other_end,
    )
    os.close(other_end)
    said = b""
    try:
        while block := os.read(terminal, 65_536):
            said += block
    except OSError:  # the terminal's end
        pass
    os.close(terminal)
    assert done.returncode == 0
    assert digest(done.stdout)
    assert b"\x1b[3" not in said, "no colours; moving the cursor is what a progress bar does"


def messages(count: int) -> str:
    return "".join(
        f'[[messages]]\nid = "M{n}"\nsurface = "cfr"\ntrigger = "site_visit"\nbucket = "{"B" * 100}"\n'
        for n in range(count)
    )


def test_a_scenario_of_ten_megabytes_of_comments(tmp_path: Path) -> None:
    scenario = scenario_file(tmp_path, "\n".join("# " + "x" * 98 for _ in range(100_000)))
    assert scenario.stat().st_size > 10_000_000
    done = telsim("check", scenario)
    assert done.returncode == 0
    done = telsim("generate", scenario, "--out", tmp_path / "corpus", "--clients", 10)
    assert done.returncode == 0, done.stderr
    assert telsim("check", tmp_path / "corpus").returncode == 0


def test_a_scenario_of_ten_megabytes_of_messages(tmp_path: Path) -> None:
    """Sixty thousand messages, each of which is checked: work that grows with their square never ends."""
    scenario = scenario_file(tmp_path, messages(60_000))
    assert scenario.stat().st_size > 10_000_000
    assert telsim("check", scenario, timeout=60).returncode == 0


def test_a_scenario_beyond_that_is_refused_by_its_size(tmp_path: Path) -> None:
    scenario = scenario_file(tmp_path)
    with scenario.open("a") as file:
        file.write("#" * (17 << 20))
    with pytest.raises(ScenarioError, match="16 MB"):
        load_scenario(scenario)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00",
        "format = 1",
        "[" * 100_000,
        'a = "' + "\\u0000" * 1000 + '"',
        "clients = 1e400",
        "\ufeffformat = 1",
    ],
    ids=["empty", "NUL", "too little", "nesting", "escapes", "infinity", "byte order mark"],
)
def test_what_is_no_scenario_is_told_without_a_traceback(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(text, encoding="utf-8")
    done = telsim("generate", path, "--out", tmp_path / "corpus")
    assert done.returncode == 2
    assert "odd.toml" in done.stderr


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_bytes(b"\xff\xfe\x00")
    done = telsim("check", path)
    assert done.returncode == 2
    assert "UTF-8" in done.stderr + done.stdout
