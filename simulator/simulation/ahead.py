"""How many numbers a cohort draws at once for each of its clients."""

from __future__ import annotations

from math import ceil

from simulator.clock import MS_PER_DAY
from simulator.scenario import Scenario

#: The longest beginning of a stream that a whole cohort draws at once; whoever needs more gets more. Of a large cohort
#: it is shorter, as the numbers of all its clients wait in memory.
_MOST_AHEAD, _MOST_OF_A_COHORT, _ALWAYS = 2_048, 1 << 18, 128


def ahead(scenario: Scenario, a_day: float, *, at_first: int = 0) -> int:
    """How many numbers, or ids, of each client's stream to draw at once.

    One NumPy call for a cohort costs hardly more for twice as many, and a client that runs out of them costs a call of
    its own: so many that nine of ten clients have enough. It changes what things cost, never what is drawn.

    Args:
        scenario: says how long is simulated, and how many clients a cohort has.
        a_day: how many most clients need in a day.
        at_first: how many they need however short it is.
    """
    most = min(_MOST_AHEAD, max(_ALWAYS, _MOST_OF_A_COHORT // scenario.clients_in_a_cohort))
    return min(most, at_first + ceil(a_day * scenario.duration / MS_PER_DAY))
