"""A scenario into pings: cohorts of clients in SimPy environments."""

from simulator.simulation.cohort import Stage, simulate_cohort, write_cohort
from simulator.simulation.plan import Plan

__all__ = ["Plan", "Stage", "simulate_cohort", "write_cohort"]
