"""`telsim scenarios`, and the names that other commands take."""

import pytest


def test_a_directory_does_not_hide_a_shipped_scenario_of_its_name(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command("generate", "smoke", "--clients", 2, "--out", "smoke").returncode == 0
    assert command("generate", "smoke", "--clients", 2, "--out", "again").returncode == 0
    assert command("scenarios", "smoke").stdout.startswith("#")
    assert command("check", "smoke").stdout.startswith("smoke: 28 records"), "what is to be checked is there"


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read: Is a directory"), (b"\xd5\xff", "not UTF-8 text (byte 0)")]
)
def test_what_is_no_text_is_told(command, tmp_path, content, words):
    path = tmp_path / "mine.toml"
    path.mkdir() if content is None else path.write_bytes(content)
    done = command("scenarios", path)
    assert done.returncode == 2
    assert done.stderr == f"telsim: {path}: {words}\n"


def test_a_wrong_option_is_not_blamed_on_the_file(command, tmp_path):
    done = command("generate", "smoke", "--seed", 2**64, "--dialect", "wired", "--out", tmp_path / "c")
    assert done.returncode == 2
    lines = done.stderr.splitlines()[1:]
    assert [line.split(", given in place of ")[0] for line in lines] == [
        f"  seed {2**64}",
        "  dialect 'wired'",
    ]
