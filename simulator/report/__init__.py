"""Reports of a run: terminal, HTML, JUnit, Markdown; and the comparison of two runs."""

from simulator.report.terminal import print_summary

__all__ = ["print_summary"]
