"""`telsim export` as users type it."""

import json
import subprocess
import sys

import pytest


def test_files_are_written_and_told(command, corpus, tmp_path) -> None:
    done = command(
        "export", corpus.path, "--format", "json", "--one-of-each", "--label", "valid", "-o", tmp_path / "out"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 pings in 5 files" in done.stdout
    again = command("export", corpus.path, "--format", "json", "-o", tmp_path / "out")
    assert (again.returncode, again.stdout) == (2, "")
    assert "nothing is overwritten" in again.stderr


def test_json_and_filters(command, corpus, tmp_path) -> None:
    filters = ("--ping", "topsite_click", "--ping", "event_ping", "--client", 1, "--client", 2, "--client", 6)
    times = ("--from", "2021-12-15T00:02", "--to", "2021-12-15T00:06:01+00:00")
    done = command("export", corpus.path, "-o", tmp_path / "out", "--json", *filters, *times)
    assert json.loads(done.stdout)["pings"] == 2, done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--from", "yesterday"), "--from yesterday: not a moment"),
        (("--ping", "topsite_clik"), "did you mean 'topsite_click'"),
        (("--format", "xml"), "xml"),
        (("--from", "9999-12-31T23:59:59-12:00"), "not a moment"),
        (("--client", 10**21), "less than or equal to 99999999"),
    ],
)
def test_mistakes_end_with_2_and_leave_nothing(command, corpus, tmp_path, arguments, says) -> None:
    done = command("export", corpus.path, "-o", tmp_path / "out", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_corpus_there(command, tmp_path) -> None:
    done = command("export", tmp_path, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "no corpus there" in done.stderr


def test_help_has_an_example_and_loads_nothing_heavy() -> None:
    program = (
        "import sys; sys.argv = ['telsim', 'export', '--help']\n"
        "from simulator.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('numpy', 'msgspec', 'jsonschema_rs', 'pyarrow', 'simpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "Example: telsim export corpus" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_corpus_without_pings_is_sound_and_has_nothing_to_export(command, tmp_path) -> None:
    empty = tmp_path / "empty"
    assert command("generate", "smoke", "--clients", 1, "--duration", "1ms", "--out", empty).returncode == 0
    assert command("check", empty).returncode == 0
    assert "holds no pings" in command("export", empty, "-o", tmp_path / "out").stderr
