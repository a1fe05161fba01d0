"""The unit of work that crosses processes: one cohort into one part. Arguments and result are small and plain."""

from __future__ import annotations

import pickle
from functools import lru_cache
from pathlib import Path

from simulator.corpus import WrittenPart
from simulator.simulation import Plan, Stage, write_cohort


def packed(plan: Plan) -> bytes:
    """A plan as it travels to workers."""
    return pickle.dumps(plan)


@lru_cache(maxsize=1)
def _stage(packed_plan: bytes) -> Stage:
    """The stage of a plan: made once in a process, however many cohorts it plays."""
    plan = pickle.loads(packed_plan)  # noqa: S301 - our own bytes, from the process that started this one
    if not isinstance(plan, Plan):
        raise TypeError(f"a worker was given {type(plan).__name__} for a plan")
    return Stage(plan)


def write_part(packed_plan: bytes, directory: str, number: int, first: int, stop: int) -> WrittenPart:
    """Simulate the clients `first` to `stop` into part `number` of the corpus in `directory`.

    The part is there whole when this returns, and not at all when it raises.
    """
    return write_cohort(_stage(packed_plan), Path(directory), number, range(first, stop))
