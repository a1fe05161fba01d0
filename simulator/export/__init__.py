"""Fixture files out of a corpus: the pings that somebody wants, in the format that they can use."""

from simulator.export.select import Wanted, select
from simulator.export.write import FORMATS, Exported, export

__all__ = ["FORMATS", "Exported", "Wanted", "export", "select"]
