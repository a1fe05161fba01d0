"""`telsim init`: what it says next can be typed off, whatever the file is called."""

import shlex

import pytest

from simulator.scenario import load_scenario


@pytest.mark.parametrize("name", ["mine.toml", "two words.toml", "it's.toml", "-x.toml", "$HOME.toml"])
def test_the_next_command_can_be_typed_off(command, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    done = command("init", "--", name)
    assert done.returncode == 0
    words = shlex.split(done.stdout.partition("next: ")[2])
    assert words[:2] == ["telsim", "generate"]
    assert not words[2].startswith("-")
    load_scenario(words[2])
    assert f"generate {shlex.join(words[2:3])} " in (tmp_path / name).read_text()


@pytest.mark.parametrize("name", ["two\nlines.toml", "bell\a.toml", "\udcff.toml"])
def test_a_name_that_would_make_no_toml_is_refused(command, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert command("init", name).returncode == 2
    assert list(tmp_path.iterdir()) == []
