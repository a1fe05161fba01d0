"""Nimbus: who is bucketed into which experiment, and what becomes of an enrolment. Pure: no time passes here."""

from simulator.nimbus.enrolment import Enrolments
from simulator.nimbus.recipe import Recipe, compile_recipes

__all__ = ["Enrolments", "Recipe", "compile_recipes"]
