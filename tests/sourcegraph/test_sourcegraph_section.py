"""The `sourcegraph` section of scenario files."""

from __future__ import annotations

import pytest

from simulator.errors import ScenarioError
from simulator.scenario import parse_scenario

HEAD = 'format = 1\nname = "x"\nstart = 2021-12-06T00:00:00Z\nduration = "1d"\nclients = 1\n[sourcegraph]\n'


@pytest.mark.parametrize(
    ("line", "place", "words"),
    [
        ("platforms = { netscape = 1 }", "sourcegraph.platforms.netscape", "chrome-extension"),
        ("links = { view_file = 0 }", "sourcegraph.links", "above 0"),
        ("links = { view_moon = 1 }", "sourcegraph.links.view_moon", "omnibox"),
        ('web_actions = { "two words" = 1 }', "sourcegraph.web_actions.two words", "pattern"),
        ('arguments_opted_in = ["\\""]', "sourcegraph.arguments_opted_in[0]", "pattern"),
        ('instance_url = "https://sourcegraph.example.com/"', "sourcegraph.instance_url", "pattern"),
        ("later_client = true", "sourcegraph.later_client", "unknown key"),
        ("follow_link = 2", "sourcegraph.follow_link", "less than or equal to 1"),
    ],
)
def test_a_mistake_is_told_with_its_place(line: str, place: str, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(HEAD + line, name="file")
    (finding,) = caught.value.findings
    assert finding.where.startswith(f"file: {place}")
    assert words in str(finding)


def test_everything_has_a_default() -> None:
    settings = parse_scenario(HEAD).sourcegraph
    assert not settings.later_clients
    assert sum(settings.platforms.values()) == pytest.approx(1)
    assert sum(settings.web_actions.values()) == pytest.approx(1)
