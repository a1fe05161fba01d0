from __future__ import annotations

import pytest

from simulator.errors import ScenarioError
from simulator.scenario import parse_scenario

HEAD = """
format = 1
name = "sections"
start = 2021-12-15T00:00:00Z
duration = "1d"
clients = 4
"""
EXPERIMENT = """
[[experiments]]
slug = "exp"
feature = "cfr"
branches = [{ slug = "control" }]
bucketing = { namespace = "ns" }
"""


def problems(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(HEAD + text)
    return "\n".join(map(str, caught.value.findings))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[nimbus]\nopt_out = 0.6\nstudies_off = 0.6", "add up to"),
        ("[secure_proxy]\nsettings_clicks = { contactUs = 1 }", "knows no 'contactUs'"),
        ("[secure_proxy]\nsettings_clicks = { none = 0 }", "at least one weight"),
        ("[telemetry]\nmain_pings = true", "did you mean 'main_ping'"),
        (EXPERIMENT.replace('"ns" }', '"ns", count = 11000 }'), "cannot be larger"),
        (EXPERIMENT + 'application = "ios"', "application"),
        (EXPERIMENT + 'targeting = "chanel == 1"', "did you mean 'channel'"),
        (EXPERIMENT + 'invalid = "bad"', "invalid"),
        (EXPERIMENT + 'randomization_unit = "group_id"', "randomization_unit"),
        (EXPERIMENT + "start = 2022-01-02T00:00:00Z\nend = 2022-01-01T00:00:00Z", "ends before it starts"),
    ],
)
def test_mistakes_are_found_where_they_are(text, expected):
    assert expected in problems(text)


def test_by_default_nothing_is_switched_on_that_costs_something():
    scenario = parse_scenario(HEAD)
    assert scenario.telemetry.event_ping
    assert not (scenario.telemetry.main_ping)
    assert not (scenario.telemetry.glean)
    assert scenario.products.secure_proxy == scenario.products.fenix == 0
