"""Executors: a plan's cohorts on one process, several, or a cluster, into one corpus with one digest."""

from simulator.engine.generate import Progress, generate

__all__ = ["Progress", "generate"]
