"""Scenario and seed rebuild a corpus byte for byte, so they can tell which record of a damaged one is not its own."""

from __future__ import annotations

import tempfile
from pathlib import Path

from simulator import __version__
from simulator.corpus import Corpus
from simulator.errors import TelsimError
from simulator.scenario import parse_scenario
from simulator.simulation import Plan, Stage, write_cohort


def first_difference(corpus: Corpus, number: int) -> int | None:
    """The position of the first record of a part that differs from what scenario and seed give.

    Args:
        corpus: the damaged corpus.
        number: the part.

    Returns:
        None where that cannot be told: the corpus was not simulated, or by another version.
    """
    lines, part = _rebuilt(corpus, number), corpus.parts[number]
    if lines is None or len(lines) != len(part):
        return None
    there = bytes(part.lines).split(b"\n")
    return next((i for i, line in enumerate(lines) if i >= len(there) or there[i] != line), None)


def belongs_to_its_scenario(corpus: Corpus) -> bool:
    """Whether scenario, seed and dialect in `corpus.json` give the smallest part that holds records.

    True also where that cannot be told: the corpus was not simulated, or by another version.
    """
    number = min(
        (number for number, part in enumerate(corpus.parts) if len(part)),
        key=lambda number: len(corpus.parts[number]),
        default=None,
    )
    if number is None or corpus.meta.telsim != __version__:
        return True
    lines = _rebuilt(corpus, number)
    return lines is None or b"".join(line + b"\n" for line in lines) == corpus.parts[number].lines


def _rebuilt(corpus: Corpus, number: int) -> list[bytes] | None:
    """The lines of a part as scenario and seed give them; None where the corpus was not made of these."""
    meta = corpus.meta
    if not meta.scenario:
        return None
    overrides = {
        "clients": meta.clients,
        "duration": f"{meta.end_ms - meta.start_ms}ms",
        "dialect": meta.dialect,
        "seed": meta.seed,
    }
    try:
        scenario = parse_scenario(meta.scenario, overrides=overrides)
    except TelsimError:
        return None
    plan = Plan(scenario, meta.seed, meta.dialect)
    cohorts = plan.cohorts()
    if len(cohorts) != len(corpus.parts):
        return None
    with tempfile.TemporaryDirectory(prefix="telsim-check-") as directory:
        made = write_cohort(Stage(plan), Path(directory), number, cohorts[number])
        return (Path(directory) / made.file).read_bytes().split(b"\n")[:-1]
