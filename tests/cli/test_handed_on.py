"""Which words of a command line are telsim's own, and which go to Locust."""

import pytest

from simulator.cli.handed_on import allowed_hosts, own_word


@pytest.mark.parametrize(
    ("words", "own", "handed_on"),
    [
        (["smoke"], "smoke", []),
        (["mine.toml", "-u", "4"], "mine.toml", ["-u", "4"]),
        (["-u", "4"], "smoke", ["-u", "4"]),
        (["--pace=rate 5", "-t", "1s"], "smoke", ["--pace=rate 5", "-t", "1s"]),
    ],
)
def test_an_option_is_never_taken_for_the_argument(words, own, handed_on):
    assert own_word(words[0], words[1:], default="smoke") == (own, handed_on)


@pytest.mark.parametrize(
    "words",
    [
        ["--allow-host", "a.test"],
        ["-u", "4", "--allow-host=a.test"],
        ["--allow-host", "a.test", "--csv", "x"],
    ],
)
def test_an_allowed_host_is_found_in_either_spelling(words, monkeypatch):
    monkeypatch.setenv("TELSIM_ALLOW_HOST", "b.test")
    assert allowed_hosts(words) == ("a.test",)
    assert allowed_hosts(["-u", "4"]) == ("b.test",)
