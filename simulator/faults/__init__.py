"""Labelled faults: pings that go wrong in one named way, so that what a correct endpoint does with each is known.

`FAULTS` is the table; `Injector` puts the faults of a scenario into the pings of a cohort.
"""

from simulator.faults.fault import Broken, Fault, Subject
from simulator.faults.injector import FaultPlan, Injector
from simulator.faults.table import FAULTS

__all__ = ["FAULTS", "Broken", "Fault", "FaultPlan", "Injector", "Subject"]
