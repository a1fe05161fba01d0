"""`telsim init` writes a scenario that runs, and one that cannot fall behind the model."""

import tomllib

from pydantic import BaseModel

from simulator.corpus import open_corpus
from simulator.engine import generate
from simulator.export.starter import EXPLAINED, starter_scenario
from simulator.scenario import Scenario, parse_scenario
from simulator.scenario.experiment import Experiment
from simulator.scenario.message import Message
from simulator.simulation import Plan

TEXT = starter_scenario("mine", file="mine.toml")
SECTIONS = {key: type(value) for key, value in parse_scenario(TEXT) if isinstance(value, BaseModel)}


def test_it_loads_and_says_what_the_model_says_by_itself() -> None:
    written = parse_scenario(TEXT)
    own = {"format", "name", "description", "start", "duration", "clients", "messages", "experiments"}
    bare = Scenario(
        **{key: getattr(written, key) for key in ("format", "name", "start", "clients")}, duration="1d"
    )
    assert written.model_dump(exclude=own) == bare.model_dump(exclude=own)
    for name, section in SECTIONS.items():
        assert getattr(written, name) == section(), name


def test_every_key_of_the_model_stands_there() -> None:
    data = tomllib.loads(TEXT)
    commented = {
        line.split()[1] for line in TEXT.splitlines() if line.startswith("# ") and line.endswith(" = …")
    }
    assert set(Scenario.model_fields) - set(data) <= commented
    for name, section in SECTIONS.items():
        assert set(section.model_fields) - set(data[name]) <= commented, name
    for name, item in (("messages", Message), ("experiments", Experiment)):
        assert set(item.model_fields) - set(data[name][0]) <= commented, name


def test_every_key_of_the_top_is_explained_and_no_other() -> None:
    plain = set(Scenario.model_fields) - set(SECTIONS) - {"messages", "experiments"}
    assert set(EXPLAINED) == plain


def test_every_section_is_explained() -> None:
    lines = TEXT.splitlines()
    for name in (*SECTIONS, "[messages]", "[experiments]"):
        assert lines[lines.index(f"[{name}]") - 1].startswith("# "), name


def test_it_runs(tmp_path) -> None:
    scenario = parse_scenario(TEXT, overrides={"clients": 30})
    generate(Plan(scenario, 1, "documented"), tmp_path / "corpus", scenario_text=TEXT)
    assert len(open_corpus(tmp_path / "corpus")) > 100


def test_the_command_writes_once_and_check_accepts_it(command, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = command("init", "My First.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert tomllib.loads((tmp_path / "My First.toml").read_text())["name"] == "my-first"
    checked = command("check", "My First.toml")
    assert "no findings" in checked.stdout, checked.stderr
    again = command("init", "My First.toml")
    assert again.returncode == 2
    assert "nothing is overwritten" in again.stderr


def test_the_command_prints_and_tells_where_it_cannot_write(command, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("init", "-").stdout.startswith("# A telsim scenario.")
    assert list(tmp_path.iterdir()) == []
    assert command("init", "no/such/place.toml").returncode == 2
    assert "Example: telsim init" in command("init", "--help").stdout
