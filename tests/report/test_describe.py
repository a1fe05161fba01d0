"""telsim describe: what it counts, what it compares, what it draws."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from simulator.cli import build_app
from simulator.corpus import open_corpus
from simulator.engine import generate
from simulator.report.describe import Description, as_plain, describe
from simulator.report.describe_page import describe_page
from simulator.report.describe_plots import plots_of, save_plots
from simulator.scenario import load_scenario
from simulator.simulation import Plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenario, text = load_scenario("newtab-day")
    telemetry = scenario.telemetry.model_copy(update={"main_ping": True})
    chosen = scenario.model_copy(update={"clients": 300, "duration": 7 * 86_400_000, "telemetry": telemetry})
    directory = tmp_path_factory.mktemp("describe") / "corpus"
    generate(Plan(chosen, chosen.seed, "wire"), directory, scenario_text=text)
    return directory


@pytest.fixture(scope="module")
def description(corpus: Path) -> Description:
    return describe(open_corpus(corpus))


def test_counts_add_up(corpus: Path, description: Description) -> None:
    found = open_corpus(corpus)
    assert sum(description.pings.values()) == description.records == len(found)
    assert sum(description.per_hour) == len(found)
    assert len(description.per_hour) <= 7 * 24 + 1  # what is still open goes at the very end
    assert len(description.session_ms) == description.pings["newtab_session"]
    assert sum(description.clicks) == description.pings["topsite_click"]
    pings = list(found.pings())
    assert description.senders == len({ping.client for ping in pings})
    bodies = [len(ping.payload()) for ping in pings if ping.ping == "newtab_session"]
    assert description.mean_body_bytes["newtab_session"] == pytest.approx(sum(bodies) / len(bodies))
    seconds: dict[int, int] = {}
    for ping in pings:
        seconds[ping.due_ms // 1_000] = seconds.get(ping.due_ms // 1_000, 0) + 1
    assert description.busiest_second == max(seconds.values())


def test_simulated_stands_beside_published_with_the_distance(description: Description) -> None:
    rows = {row.figure.name: row for row in description.comparisons}
    assert set(rows) >= {
        *("daily_curve", "locales", "runs_a_day", "new_tabs_a_day", "days_a_week", "telemetry_on"),
        *("week_mean_below_thursday", "position_decay", "story_ctr", "sponsored_tiles"),
        *("run_median_minutes", "daily_use_hours", "windows_10_or_11", "end_reasons"),
    }
    runs = rows["runs_a_day"]
    assert runs.distance == pytest.approx(abs(runs.simulated - 3.2) / 3.2, abs=1e-3)
    assert rows["run_median_minutes"].simulated == pytest.approx(15, rel=0.15)
    assert rows["daily_use_hours"].simulated == pytest.approx(4.5, rel=0.25)  # a week cuts the longest short
    assert rows["windows_10_or_11"].simulated == pytest.approx(0.75, abs=0.08)
    assert rows["end_reasons"].simulated["environment-change"] == pytest.approx(0.13, abs=0.03)
    assert rows["end_reasons"].distance < 0.15
    assert rows["position_decay"].simulated == pytest.approx(0.72, abs=0.08)
    assert sum(rows["daily_curve"].simulated) == pytest.approx(1, abs=0.01)
    assert 0 <= rows["daily_curve"].distance <= 1
    assert all(row.sample > 0 and row.figure.source for row in rows.values())


@pytest.mark.slow
def test_every_picture_has_something_on_it(description: Description, tmp_path: Path) -> None:
    written = save_plots(description, tmp_path / "pictures")
    assert {path.stem for path in written} == set(plots_of(description))
    assert {path.stem for path in written} == {"rate", "mix", "daily-curve", "locales", "sessions", "clicks"}
    assert all(path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5_000 for path in written)


@pytest.mark.slow
def test_the_page_stands_alone_and_holds_every_picture(description: Description) -> None:
    page = describe_page(description)
    assert page.count("<svg") == len(plots_of(description))
    assert not re.search(r'(src|href)="https?:', page)
    for row in description.comparisons:
        assert row.figure.name in page


@pytest.mark.usefixtures("without_pictures")
def test_the_command_prints_tables_or_json(corpus: Path, tmp_path: Path) -> None:
    app = build_app(["describe", "catalogue"])
    shown = CliRunner().invoke(app, ["describe", str(corpus), "--html", str(tmp_path / "page.html")])
    assert shown.exit_code == 0, shown.output
    assert "newtab_session" in shown.output
    assert "runs_a_day" in shown.output
    assert (tmp_path / "page.html").exists()
    told = CliRunner().invoke(app, ["describe", str(corpus), "--json"])
    plain = json.loads(told.output)
    assert plain["pings"]["newtab_session"] > 0
    assert {row["name"] for row in plain["comparisons"]} >= {"daily_curve", "locales"}


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenario, text = load_scenario("newtab-day")
    chosen = scenario.model_copy(update={"clients": 60, "duration": 3_600_000})
    directory = tmp_path_factory.mktemp("describe") / "hour"
    generate(Plan(chosen, chosen.seed, "wire"), directory, scenario_text=text)
    return directory


def test_an_hour_says_nothing_of_a_day(hour: Path) -> None:
    found = describe(open_corpus(hour))
    names = {row.figure.name for row in found.comparisons}
    assert "locales" in names
    assert not names & {"daily_curve", "runs_a_day", "new_tabs_a_day", "daily_use_hours"}


def drawn(description: Description, name: str) -> Axes:
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    plots_of(description)[name][1](axes, ("blue", "red"))
    return axes


def test_every_hour_is_as_wide_as_the_others(hour: Path, description: Description) -> None:
    for found in (describe(open_corpus(hour)), description):
        x, y = drawn(found, "rate").lines[0].get_data()
        assert len(x) == len(found.per_hour) + 1
        assert list(y[:-1]) == found.per_hour


def test_every_session_is_in_a_bar(description: Description) -> None:
    for lengths in ([238], [238, 59_731], list(range(100, 9_000, 7)), description.session_ms):
        axes = drawn(dataclasses.replace(description, session_ms=sorted(lengths)), "sessions")
        assert sum(bar.get_height() for bar in axes.patches) == len(lengths)  # type: ignore[attr-defined]


def test_a_picture_says_what_it_leaves_out_and_how_it_scales(description: Description) -> None:
    many = dataclasses.replace(description, pings={f"ping_{n}": 1 + n for n in range(33)})
    assert plots_of(many)["mix"][0] == "Pings by type (the 20 most frequent of 33, logarithmic scale)"
    few = dataclasses.replace(description, pings={"ping_1": 1})
    assert plots_of(few)["mix"][0] == "Pings by type (logarithmic scale)"


def test_nothing_is_drawn_of_nothing(tmp_path: Path) -> None:
    from simulator.corpus import write_corpus

    write_corpus(tmp_path / "empty", [])
    found = describe(open_corpus(tmp_path / "empty"))
    assert plots_of(found) == {}
    page = describe_page(found)
    assert "<svg" not in page
    assert "<table" not in page
    assert "1970" not in page
    shown = CliRunner().invoke(build_app(["describe"]), ["describe", str(tmp_path / "empty")])
    assert "0 pings" in shown.output
    assert "median" not in shown.output


@pytest.mark.usefixtures("without_pictures")
def test_a_narrow_terminal_shows_the_counts(
    hour: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from simulator.cli.describe import _print

    found = describe(open_corpus(hour))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    _print(found, [])
    shown = capsys.readouterr().out
    assert all(f" {number} " in shown for number in found.pings.values())
    assert max(len(line) for line in shown.splitlines() if "\x1b" not in line) <= 40


def test_a_corpus_without_people_at_new_tabs_is_described_too(tmp_path: Path) -> None:
    from simulator.corpus import write_corpus

    write_corpus(tmp_path / "empty", [])
    plain = as_plain(describe(open_corpus(tmp_path / "empty")))
    assert plain["records"] == 0
    assert plain["comparisons"] == []
