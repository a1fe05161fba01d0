"""Options of `telsim check`; what it finds is tested beside what finds it."""

import json

import pytest


@pytest.mark.parametrize("dialect", ["foo", "wired", ""])
def test_a_dialect_that_there_is_not_is_refused_whatever_is_checked(command, dialect):
    done = command("check", "--dialect", dialect, "smoke")
    assert done.returncode == 2
    assert "'documented', 'wire'" in done.stderr


def test_either_dialect_may_be_named(command):
    for dialect in ("documented", "wire"):
        assert command("check", "--dialect", dialect, "smoke").returncode == 0


def test_what_cannot_be_read_does_not_hide_what_can(command, tmp_path):
    (tmp_path / "bad.toml").write_text("format = 1\n")
    done = command("check", tmp_path / "one.toml", tmp_path / "bad.toml", tmp_path / "two.ndjson", "smoke")
    assert done.returncode == 2
    assert "bad.toml: name: missing" in done.stdout
    assert "smoke: scenario smoke, no findings" in done.stdout
    assert "one.toml: no such file" in done.stderr
    assert "two.ndjson: cannot be read" in done.stderr


def test_findings_are_printed_as_json_though_a_file_cannot_be_read(command, tmp_path):
    (tmp_path / "bad.toml").write_text("format = 1\n")
    done = command("check", "--json", tmp_path / "one.toml", tmp_path / "bad.toml")
    assert done.returncode == 2
    assert "name" in json.loads(done.stdout)[0]["where"]
