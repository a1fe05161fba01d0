"""Scenario files: who is simulated, for how long, how they behave, what they are shown."""

from simulator.scenario.load import load_scenario, parse_scenario, resolve_scenario, scenario_json_schema
from simulator.scenario.model import Scenario

__all__ = ["Scenario", "load_scenario", "parse_scenario", "resolve_scenario", "scenario_json_schema"]
