"""`telsim catalogue` as a user sees it."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from simulator.catalogue import example, load_schemas, ping_types
from simulator.cli import build_app
from simulator.cli.catalogue import draw_table
from simulator.errors import UsageError


def run(*words: str) -> str:
    result = CliRunner().invoke(build_app(["catalogue"]), ["catalogue", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_list_has_a_line_for_every_ping_and_no_colour_when_piped() -> None:
    out = run()
    cells = [line.split("\t") for line in out.splitlines()]
    assert [line[2] for line in cells] == list(ping_types())
    assert all(len(line) == 5 for line in cells)
    assert "\x1b" not in out


def test_the_list_of_one_dialect_leaves_out_what_it_does_not_send() -> None:
    assert "experiment_reach" in run("--dialect", "documented")
    assert "experiment_reach" not in run("--dialect", "wire")


def test_the_list_as_json() -> None:
    rows = json.loads(run("--json"))
    assert [row["name"] for row in rows] == list(ping_types())
    assert rows[0]["routes"] == {
        "documented": "activity-stream/events/1",
        "wire": "activity-stream/events/1",
    }


def test_a_terminal_gets_whole_names_grouped_by_product_and_route() -> None:
    screen = io.StringIO()
    draw_table(list(ping_types().values()), console=Console(file=screen, width=80, force_terminal=False))
    text = screen.getvalue()
    assert all(f"  {name} " in text for name in ping_types())
    assert text.index("activity-stream/sessions/1") < text.index("  newtab_session ")
    assert text.index("firefox") < text.index("sourcegraph/log-event/1")


def test_one_ping_shows_route_identity_section_conflicts_example_and_schema() -> None:
    out = run("toolbar_badge", "--dialect", "wire")
    assert "messaging-system/cfr/1 (documented), messaging-system/whats-new-panel/1 (wire)" in out
    assert "client_id alone" in out
    assert "“Feature Callouts interaction pings”" in out
    assert "C20" in out
    assert '"FXA_ACCOUNTS_BADGE"' in out
    assert "schema (wire" in out


def test_one_ping_as_json_holds_its_example_and_the_schema_of_its_route() -> None:
    facts = json.loads(run("topsite_click", "--dialect", "wire", "--json"))
    assert facts["example"] == example("topsite_click", "wire")
    assert facts["schema"] == load_schemas("wire").schema("activity-stream/events/1")
    assert facts["dialect"] == "wire"


def test_the_schema_alone_can_be_piped() -> None:
    assert json.loads(run("event_ping", "--schema")) == load_schemas("documented").schema("telemetry/event/4")


def test_without_a_dialect_the_first_that_sends_it_is_shown() -> None:
    assert "example (documented)" in run("topsite_click")
    assert "example (documented)" in run("experiment_reach")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["topsite_clik"], "did you mean topsite_click"),
        (["xyzzy"], "lists them all"),
        (["experiment_reach", "--dialect", "wire"], "not sent in the wire dialect"),
        (["--dialect", "martian"], "documented and wire"),
        (["--schema"], "needs a ping type"),
    ],
)
def test_wrong_use_is_explained(words: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        run(*words)
