"""What is to be simulated: a scenario, with what the command line overrides."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.clock import epoch_ms
from simulator.records import Dialect
from simulator.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Plan:
    """A simulation to be done. It is small and can be sent to other processes.

    Args:
        scenario: the whole input.
        seed: every random stream derives from it.
        dialect: the form in which pings are written.
    """

    scenario: Scenario
    seed: int
    dialect: Dialect

    @property
    def start_ms(self) -> int:
        """The beginning, in milliseconds since the Unix epoch."""
        return epoch_ms(self.scenario.start)

    @property
    def end_ms(self) -> int:
        """The end, in milliseconds since the Unix epoch."""
        return self.start_ms + self.scenario.duration

    def cohorts(self) -> list[range]:
        """The clients of each cohort, in order."""
        size, clients = self.scenario.clients_in_a_cohort, self.scenario.clients
        return [range(first, min(first + size, clients)) for first in range(0, clients, size)]
