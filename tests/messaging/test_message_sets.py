"""The shipped message sets, and what a scenario's messages must be."""

from __future__ import annotations

import pytest

from simulator.errors import ScenarioError
from simulator.scenario import parse_scenario
from simulator.scenario.message_sets import message_set, message_sets

HEAD = 'format = 1\nname = "x"\nstart = 2021-12-15T00:00:00Z\nduration = "1d"\nclients = 1\n'
SURFACE = {
    "badge": "toolbar_badge",
    "cfr": "cfr",
    "infobar": "infobar",
    "moments": "moments_page",
    "onboarding": "onboarding",
    "snippets": "snippets",
    "spotlight": "spotlight",
    "whats-new": "whats_new_panel",
}


def test_there_is_a_set_for_every_surface() -> None:
    assert message_sets() == sorted(SURFACE)


@pytest.mark.parametrize("name", SURFACE)
def test_a_sets_messages_are_of_its_surface_with_ids_of_their_own(name: str) -> None:
    messages = message_set(name).messages
    assert {message.surface for message in messages} == {SURFACE[name]}
    assert len({message.id for message in messages}) == len(messages)
    assert not {message.id for message in messages} & {message.bucket for message in messages}


def test_every_set_can_be_shown_together() -> None:
    scenario = parse_scenario(HEAD + f"[messaging]\nsets = {message_sets()}\n")
    assert len(scenario.all_messages) == sum(len(message_set(name).messages) for name in message_sets())
    assert set(scenario.message_groups) == {"cfr", "snippets", "spotlight"}


def test_a_browser_has_its_onboarding_whatever_else_it_is_sent() -> None:
    ids = {message.id for message in parse_scenario(HEAD).all_messages}
    assert ids == {"DEFAULT_ABOUTWELCOME", "RTAMO_DEFAULT_WELCOME"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[messaging]\nsets = ["crf"]', "no message set 'crf'; shipped: badge, cfr"),
        ('[[messages]]\nid = "A"\nsurface = "cfr"\ntrigger = "startup"', "needs a bucket"),
        ('[[messages]]\nid = "A"\nsurface = "snippets"\ntrigger = "startup"', "triggered by newtab_page"),
        ('[[messages]]\nid = "A"\nsurface = "toolbar_badge"\ntrigger = "startup"', "contain BADGE"),
        ('[[messages]]\nid = "A"\nsurface = "onboarding"\ntrigger = "first_run"', "DEFAULT_ABOUTWELCOME"),
        ('[[messages]]\nid = "A"\nsurface = "infobar"\ntrigger = "startup"\ngroup = "g"', "group 'g'"),
        (
            '[[messages]]\nid = "A"\nsurface = "infobar"\ntrigger = "startup"\nreactions = { primary = 0.9 }',
            "add up to 1.360",
        ),
        ("[newtab]\nsearch = 0.9", "the ways a visit ends add up"),
        ("[newtab]\ntile_block = 1.0", "the things that happen during a visit add up"),
        ("[delivery]\nnext_start = 0.7\nlater = 0.7", "add up to 1.400"),
        ("[onboarding]\nprimary = 0.9", "add up to 1.180"),
    ],
)
def test_what_makes_no_sense_is_refused_with_words(text: str, what: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        parse_scenario(HEAD + text)
    assert any(what in str(finding) for finding in refused.value.findings), refused.value.findings
