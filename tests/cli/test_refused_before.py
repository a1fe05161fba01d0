"""What the command line alone shows to be wrong is refused before a run directory is made or anything simulated."""

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["smoke", "no-such-scenario"],
        ["smoke", "--dialect", "wired"],
        ["drill", "no-such-scenario"],
        ["drill", "--mode", "tired"],
        ["drill", "--policy", "none-at-all"],
        ["drill", "--outage", "1x"],
        ["drill", "--rate", "0"],
        ["drill", "--rate", "nan"],
        ["drill", "--rate", "inf"],
        ["drill", "--hurry", "nan"],
        ["drill", "--target", "no-such-target"],
        ["drill", "--up-command", "true"],
        ["drill", "--delay", "5s"],
        ["scenarios", "smoke", "--json"],
        ["check", "mine.toml", "--json-schema"],
    ],
    ids=" ".join,
)
def test_nothing_is_left_of_a_wrong_command(command, folder, words):
    done = command(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("telsim: ")
    assert list(folder.iterdir()) == []
