"""What `hotpath` and `capacity` refuse before they measure for minutes."""

import pytest

from simulator.endpoint.server import bind
from simulator.endpoint.settings import Settings

COMMANDS = ["hotpath", "capacity"]


@pytest.fixture(scope="module")
def corpus(command, tmp_path_factory):
    path = tmp_path_factory.mktemp("measured") / "corpus"
    assert command("generate", "smoke", "--clients", 2, "--out", path).returncode == 0
    return path


@pytest.fixture
def host():
    """An address where nobody answers, so that a trial would fail."""
    with bind(Settings(port=0)) as silent:
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_place_that_cannot_be_written_is_told_before_the_first_trial(command, corpus, host, tmp_path, name):
    (tmp_path / "file").write_text("precious")
    done = command(name, corpus, "--host", host, "--out", tmp_path / "file")
    assert done.returncode == 2
    assert done.stderr == f"telsim: cannot make the directory {tmp_path / 'file'}: File exists\n"


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    "words", [("--seconds", "inf"), ("--seconds", "1e99"), ("--lanes", 99_999_999)], ids=str
)
def test_what_no_machine_can_do_is_refused(command, corpus, host, name, words):
    done = command(name, corpus, "--host", host, *words)
    assert done.returncode == 2
    assert f"Invalid value for '{words[0]}'" in done.stderr
