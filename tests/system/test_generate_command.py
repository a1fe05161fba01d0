import json
import signal
from pathlib import Path

import pytest
from outside import Run, wait_for

pytestmark = pytest.mark.slow


def digest(corpus: Path) -> str:
    return json.loads((corpus / "corpus.json").read_text())["sha256"]


@pytest.mark.parametrize("dialect", ["documented", "wire"])
def test_digest_depends_on_scenario_and_seed_alone(telsim: Run, tmp_path: Path, dialect: str) -> None:
    for name, seed, workers in (("a", 7, 1), ("b", 7, 2), ("c", 8, 1)):
        arguments = ("--seed", seed, "--workers", workers, "--dialect", dialect, "--out", name)
        assert telsim("generate", "smoke", *arguments).returncode == 0
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")
    names = sorted(path.name for path in (tmp_path / "a").iterdir() if path.name != "corpus.json")
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_more_clients_change_nobody_elses_history(telsim: Run, tmp_path: Path) -> None:
    def history(name: str, clients: int) -> dict[int, list[str]]:
        assert telsim("generate", "smoke", "--clients", clients, "--out", name).returncode == 0
        by_client: dict[int, list[str]] = {}
        for part in sorted((tmp_path / name).glob("*.ndjson")):
            for line in part.read_text().splitlines():
                by_client.setdefault(json.loads(line)["client"], []).append(line)
        return by_client

    few, many = history("few", 40), history("many", 90)
    assert set(many) > set(few)
    assert all(many[client] == lines for client, lines in few.items())


def test_a_corpus_passes_its_own_check(telsim: Run, tmp_path: Path) -> None:
    assert telsim("generate", "smoke", "--clients", 50, "--out", "c").returncode == 0
    checked = telsim("check", "c", "smoke")
    assert checked.returncode == 0, checked.stdout
    part = tmp_path / "c" / "pings-00000.ndjson"
    text = bytearray(part.read_bytes())
    at = text.index(b'"locale":"', 2_000) + 10
    text[at] ^= 1
    part.write_bytes(bytes(text))
    checked = telsim("check", "c")
    assert checked.returncode == 1
    number = bytes(text[:at]).count(b"\n") + 1
    assert f"pings-00000.ndjson:{number}:" in checked.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("generate", "smokee"), "did you mean 'smoke'"),
        (("generate", "smoke", "--duration", "1y"), "not a duration"),
        (("generate", "smoke", "--dialect", "wired"), "dialect"),
        (("check", "nowhere"), "no such file"),
        (("check",), "nothing to check"),
        (("replay", "nowhere"), "telsim generate"),
        (("report", "nowhere"), "nowhere"),
    ],
)
def test_wrong_use_is_told_in_words(telsim: Run, arguments: tuple[str, ...], said: str) -> None:
    done = telsim(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_every_problem_of_a_scenario_is_listed_with_its_place(telsim: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(
        'format = 1\nname = "x"\nstart = 2021-12-01T00:00:00Z\nduration = "1d"\nclients = 0\n[newtab]\nserach = 0.1\n'
    )
    done = telsim("check", "bad.toml")
    assert done.returncode == 1
    assert "clients:" in done.stdout
    assert "newtab.serach: unknown key (did you mean 'search'?)" in done.stdout


def test_ctrl_c_leaves_no_corpus_behind_that_looks_whole(started, telsim: Run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    process = started("generate", "smoke", "--clients", "200000", "--out", "big")
    wait_for(lambda: len(list((tmp_path / "big").glob("*.ndjson"))) > 2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert not (tmp_path / "big" / "corpus.json").exists()
    assert telsim("check", "big").returncode == 2
    assert not list((tmp_path / "big").glob("*.partial"))
