"""Corpora that were damaged after they were made: told apart from whole ones, and the record named where it can be."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from survival_kit import SCENARIO, telsim

from simulator.check import check_corpus
from simulator.corpus import open_corpus
from simulator.engine import generate
from simulator.scenario import parse_scenario
from simulator.simulation import Plan

pytestmark = pytest.mark.slow

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("whole") / "corpus"
    text = SCENARIO + "[faults]\nshare = 0.1\n"
    scenario = parse_scenario(text)
    generate(Plan(scenario, scenario.seed, scenario.dialect), directory, scenario_text=text)
    return directory


@pytest.fixture
def corpus(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "corpus"))


def flip(path: Path, offset: int, bit: int = 0x01) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= bit
    path.write_bytes(data)


def test_a_whole_corpus_has_no_findings(corpus: Path) -> None:
    assert telsim("check", corpus).returncode == 0


@pytest.mark.parametrize("part", [0, 5, 11])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_flipped_bit_in_a_payload_is_found_by_digest_and_named_by_record(
    command: Command, corpus: Path, part: int, share: float
) -> None:
    """A letter of a locale becomes another letter: still JSON, still valid, and only the digest knows."""
    opened = open_corpus(corpus).parts[part]
    candidates = [i for i in range(len(opened)) if b'"locale":"' in opened.body(i)]
    record = candidates[int(share * len(candidates))]
    row = opened.index[record]
    start = int(row["offset"] + row["body_offset"])
    place = start + opened.body(record).index(b'"locale":"') + len(b'"locale":"')
    flip(opened.path, place)
    found = check_corpus(corpus).findings
    assert [finding.where for finding in found] == [f"{opened.path}:{record + 1}"]
    assert row["id"].decode() in found[0].what
    done = command("check", corpus)
    assert done.returncode == 1
    assert f"{opened.path.name}:{record + 1}" in done.stdout


def test_a_flipped_bit_that_breaks_the_record_is_named_too(corpus: Path) -> None:
    part = open_corpus(corpus).parts[3]
    flip(part.path, int(part.index[7]["offset"]), 0x08)  # the line's opening brace
    found = check_corpus(corpus).findings
    assert any(finding.where == f"{part.path}:8" for finding in found)
    assert any("digest" in finding.what for finding in found)


def test_a_flipped_bit_in_the_index_is_found(corpus: Path) -> None:
    part = open_corpus(corpus).parts[2]
    index = part.path.with_name(part.path.name.replace(".ndjson", ".index.npy"))
    flip(index, index.stat().st_size - 10)  # inside the last record's id
    found = check_corpus(corpus).findings
    assert [finding.where for finding in found] == [f"{part.path}:{len(part)}"]
    assert "index" in found[0].what


@pytest.mark.parametrize(
    ("key", "value", "where", "what"),
    [
        ("sha256", "0" * 64, "sha256", "the records have the digest"),
        ("seed", 8, "seed", "seed 8 and the documented dialect give other records"),
        ("dialect", "wire", "seed", "the wire dialect give other records"),
    ],
)
def test_a_corpus_json_that_was_changed_is_found(
    command: Command, corpus: Path, key: str, value: object, where: str, what: str
) -> None:
    file = corpus / "corpus.json"
    meta = json.loads(file.read_text())
    assert meta["dialect"] == "documented"
    assert meta["seed"] != 8
    file.write_text(json.dumps(meta | {key: value}))
    done = command("check", corpus)
    assert done.returncode == 1
    (told,) = [line for line in done.stdout.splitlines() if line.startswith(f"{file}: {where}: ")]
    assert what in told
    assert "generate" in told


def test_a_corpus_of_another_version_or_of_no_scenario_is_not_blamed_for_its_seed(corpus: Path) -> None:
    file = corpus / "corpus.json"
    meta = json.loads(file.read_text()) | {"seed": 8}
    for change in ({"telsim": "0.0.1"}, {"scenario": ""}):
        file.write_text(json.dumps(meta | change))
        assert check_corpus(corpus).findings == []


@pytest.mark.parametrize("which", ["ndjson", "index.npy"])
def test_a_missing_part_is_told_by_name(command: Command, corpus: Path, which: str) -> None:
    missing = sorted(corpus.glob(f"*.{which}"))[4]
    missing.unlink()
    done = command("check", corpus)
    assert done.returncode == 2
    assert missing.name in done.stderr


@pytest.mark.parametrize("which", ["ndjson", "index.npy"])
def test_half_a_part_is_told_by_name(command: Command, corpus: Path, which: str) -> None:
    half = sorted(corpus.glob(f"*.{which}"))[4]
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    done = command("check", corpus)
    assert done.returncode == 2
    assert half.name in done.stderr


@pytest.mark.parametrize(
    "text", ["", "{", '{"format": 99}', "[]", '{"format": 1, "parts": "none"}', "\x00\xff"]
)
def test_a_broken_corpus_json_is_told(command: Command, corpus: Path, text: str) -> None:
    (corpus / "corpus.json").write_text(text)
    done = command("check", corpus)
    assert done.returncode == 2
    assert "corpus.json" in done.stderr


@pytest.mark.parametrize("command", ["check", "replay", "drill"])
def test_half_a_corpus_is_refused_by_every_command_that_reads_one(
    corpus: Path, tmp_path: Path, command: str
) -> None:
    (corpus / "corpus.json").unlink()
    options = {"replay": ("--run-dir", tmp_path / "run"), "drill": ("--out", tmp_path / "drill")}
    done = telsim(command, corpus, *options.get(command, ()))
    assert done.returncode == 2
    assert "corpus" in done.stderr


def test_a_part_that_leads_out_of_the_directory_is_refused(command: Command, corpus: Path) -> None:
    """A corpus.json from a stranger must not make us read other files."""
    meta = json.loads((corpus / "corpus.json").read_text())
    meta["parts"][0]["file"] = "../../etc/passwd"
    (corpus / "corpus.json").write_text(json.dumps(meta))
    done = command("check", corpus)
    assert done.returncode == 2
    assert "root:" not in done.stderr + done.stdout
