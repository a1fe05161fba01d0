"""One cohort: consecutive clients, each in a SimPy environment of its own, whose pings are written as one part."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from simulator.catalogue import ping_types
from simulator.client.outbox import Outbox
from simulator.clock import MS_PER_DAY, MS_PER_MINUTE
from simulator.corpus import Kinds, PartWriter, WrittenPart
from simulator.faults import FAULTS, FaultPlan, Injector
from simulator.population import Profile, cohort_profiles
from simulator.records import VALID
from simulator.simulation.environment import CohortClocks
from simulator.simulation.fenix import FenixCast
from simulator.simulation.firefox import FirefoxCast
from simulator.simulation.plan import Plan
from simulator.simulation.sourcegraph import SourcegraphCast

_WAITING_BEFORE_FLUSH = 16_384
#: How much of its clients' lives a cohort simulates before it looks whether to flush: what they make meanwhile waits in
#: memory (120 MB where each makes 10 000 pings a day), and the longer each has its turn, the better the processor's
#: caches are used.
_CLIENT_DAYS_IN_A_WINDOW = 128
_SHORTEST_WINDOW_MS, _LONGEST_WINDOW_MS = 15 * MS_PER_MINUTE, MS_PER_DAY


class Cast(Protocol):
    """The people of one product."""

    def enter(self, clocks: CohortClocks, outbox: Outbox, clients: range, profiles: list[Profile]) -> None:
        """Put those of a cohort who use the product into their environments."""


@contextmanager
def _no_collections() -> Iterator[None]:
    """No search for cycles meanwhile: what is made either stays, or goes without one; the search costs more."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class Stage:
    """A plan made ready in one process: the casts of every product that the scenario has."""

    @_no_collections()
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.casts: list[Cast] = []
        self._kinds = new_kinds()
        if plan.scenario.products.firefox:
            self.casts.append(FirefoxCast(plan))
        if plan.scenario.products.fenix:
            self.casts.append(FenixCast(plan))
        if plan.scenario.products.sourcegraph_extension or plan.scenario.products.sourcegraph_web:
            self.casts.append(SourcegraphCast(plan))

    def kinds(self) -> Kinds:
        """Kind codes for a cohort: the same for all, as far as all have the same kinds.

        A ping with a fault can be of a kind of its own, so those of one cohort would pile up on the next.
        """
        return new_kinds() if self.plan.scenario.faults.share else self._kinds


def label_names() -> list[str]:
    """Every label that a corpus can hold, in the order of the index codes."""
    return [VALID, *FAULTS]


def new_kinds() -> Kinds:
    """Fresh kind codes over the catalogue's ping types and all labels."""
    return Kinds(list(ping_types()), label_names())


def fault_injector(plan: Plan, kinds: Kinds, clients: range) -> Injector | None:
    """What puts the scenario's faults into a cohort's rows; None where the scenario has none."""
    faults = plan.scenario.faults
    if not faults.share:
        return None
    wanted = FaultPlan(
        share=faults.share,
        weights={str(name): weight for name, weight in faults.weights.items()},
        late_ms=faults.late,
        dialect=plan.dialect,
        start_ms=plan.start_ms,
    )
    return Injector(wanted, kinds, seed=plan.seed, clients=clients)


def simulate_cohort(stage: Stage, outbox: Outbox, clients: range) -> Iterator[int]:
    """Run a cohort, pausing whenever enough waits in the outbox.

    Args:
        stage: what cohorts share.
        outbox: where the pings go; the caller empties it at each pause.
        clients: the cohort.

    Yields:
        A time before which no further ping will be due, in milliseconds since the Unix epoch.
    """
    plan = stage.plan
    clocks = CohortClocks(plan.start_ms)
    profiles = cohort_profiles(plan.scenario, plan.seed, clients)
    for cast in stage.casts:
        cast.enter(clocks, outbox, clients, profiles)
    fair_ms = _CLIENT_DAYS_IN_A_WINDOW * MS_PER_DAY // len(clients)
    window_ms = min(max(fair_ms, _SHORTEST_WINDOW_MS), _LONGEST_WINDOW_MS)
    until_ms = plan.start_ms + window_ms
    while clocks.run_until(until_ms):
        if len(outbox) >= _WAITING_BEFORE_FLUSH:
            yield until_ms
        until_ms += window_ms


@_no_collections()
def write_cohort(
    stage: Stage, directory: Path, number: int, clients: range, *, hasher: hashlib._Hash | None = None
) -> WrittenPart:
    """Simulate a cohort into part `number` of a corpus.

    Args:
        stage: what cohorts share.
        directory: the corpus directory.
        number: the part's number.
        clients: the cohort.
        hasher: if given, is fed the part's bytes.
    """
    kinds = stage.kinds()
    outbox = Outbox(stage.plan.dialect, kinds)
    injector = fault_injector(stage.plan, kinds, clients)
    part = PartWriter(
        directory,
        number,
        kinds=kinds,
        seed=stage.plan.seed,
        clients=clients,
        hasher=hasher,
        standing=outbox.standing,
    )
    try:
        for until_ms in simulate_cohort(stage, outbox, clients):
            if injector is None:
                part.flush(outbox.rows, until_ms)
            else:
                rows = outbox.take()
                injector.apply(rows, until_ms)
                part.flush(rows, until_ms - injector.lead_ms)
        rows = outbox.rows
        if injector is not None:
            rows = outbox.take()
            injector.apply(rows)
        part.flush(rows)
        return part.finish()
    except BaseException:
        part.discard()
        raise
