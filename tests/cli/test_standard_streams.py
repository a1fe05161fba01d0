"""Standard streams as shells hand them over: pipes whose reader goes, full disks, closed ones."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

TELSIM = f"{sys.executable} -m simulator"

#: Output shorter than a buffer, and longer.
PRINTING = ["--version", "scenarios", "catalogue --json", "check smoke", "init -"]


def shell(line, **options):
    script = ["bash", "-o", "pipefail", "-c", line]
    return subprocess.run(script, capture_output=True, text=True, check=False, timeout=60, **options)


@pytest.mark.parametrize("words", PRINTING)
@pytest.mark.parametrize("reader", ["| true", "2>&1 | true"])
def test_a_reader_that_goes_takes_nothing_from_the_exit_code(words, reader):
    done = shell(f"{TELSIM} {words} {reader}")
    assert (done.returncode, done.stderr) == (0, "")


def test_findings_are_findings_though_nobody_reads_them(tmp_path):
    (tmp_path / "bad.toml").write_text("format = 1\n")
    done = shell(f"{TELSIM} check bad.toml | true", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("words", PRINTING)
def test_a_full_disk_is_told_in_a_word(words):
    done = shell(f"{TELSIM} {words} >/dev/full")
    assert done.returncode == 2
    assert done.stderr == "telsim: the output: No space left on device, it is not complete\n"


def test_a_closed_stream_is_no_place_for_files_of_ours(tmp_path):
    done = shell(f"{TELSIM} generate smoke --clients 2 --out c <&- >&- 2>&-", cwd=tmp_path)
    assert done.returncode == 0
    checked = shell(f"{TELSIM} check c", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    assert (tmp_path / "c" / "corpus.json").read_text().startswith("{")


def test_what_the_system_refuses_is_told_without_a_traceback(command, tmp_path):
    done = command("scenarios", tmp_path / ("a" * 300))
    assert done.returncode == 2
    assert done.stderr.endswith(": File name too long\n")
    assert done.stderr.startswith("telsim: ")


@pytest.mark.parametrize("words", ["init -", "catalogue topsite_click", "check --json-schema"])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_what_an_encoding_lacks_is_no_reason_to_fail(words, encoding):
    done = shell(f"PYTHONIOENCODING={encoding} {TELSIM} {words} | iconv -f utf-8 -t utf-8 -c")
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_a_name_that_is_no_text_is_printed_as_it_is(tmp_path):
    (tmp_path / "odd\udcff.ndjson").write_text("")
    line = f"cd '{tmp_path}' && {TELSIM} check odd*.ndjson"
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, b"odd\xff.ndjson: 0 records, no findings\n")
