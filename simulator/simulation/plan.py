"""What is to be simulated: a scenario, with what the command line overrides."""

from __future__ import annotations

from dataclasses import dataclass, field

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
        start_ms: the beginning, in milliseconds since the Unix epoch.
        end_ms: the end, likewise.
    """

    scenario: Scenario
    seed: int
    dialect: Dialect
    start_ms: int = field(init=False)
    end_ms: int = field(init=False)

    def __post_init__(self) -> None:
        # Once, as every client asks for them; the class is frozen.
        start_ms = epoch_ms(self.scenario.start)
        object.__setattr__(self, "start_ms", start_ms)
        object.__setattr__(self, "end_ms", start_ms + self.scenario.duration)

    def cohorts(self) -> list[range]:
        """The clients of each cohort, in order."""
        size, clients = self.scenario.clients_in_a_cohort, self.scenario.clients
        return [range(first, min(first + size, clients)) for first in range(0, clients, size)]
