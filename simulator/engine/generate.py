"""A plan into a corpus."""

from __future__ import annotations

import errno
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from simulator import __version__
from simulator.catalogue import ping_types
from simulator.corpus import CorpusWriter, WrittenPart
from simulator.corpus.writer import corpus_parts
from simulator.engine.executors import MakeExecutor, parts_in_order, process_pool
from simulator.engine.room import check_parts, check_plan, only_writer
from simulator.errors import CorpusError
from simulator.records import CORPUS_FORMAT, CorpusMeta
from simulator.simulation import Plan, Stage, write_cohort
from simulator.simulation.cohort import label_names

#: The specification documents that the builders follow.
SPECIFICATIONS = {
    "000": "Messaging system telemetry (experimenter docs)",
    "001": "Metrics we collect (data_events.md, about Firefox 95)",
    "002": "Nimbus telemetry (experimenter docs)",
    "003": "Sourcegraph telemetry (December 2021)",
    "004": "Secure-Proxy telemetry events (28 August 2019)",
}

#: Told after each part: parts done, parts in all, pings so far.
Progress = Callable[[int, int, int], None]


def generate(
    plan: Plan,
    directory: Path,
    *,
    scenario_text: str,
    workers: int = 1,
    executor: MakeExecutor | None = None,
    replace: bool = False,
    progress: Progress | None = None,
) -> CorpusMeta:
    """Simulate a plan into a corpus. The digest depends on the plan alone, never on workers or executor.

    Args:
        plan: what to simulate.
        directory: where the corpus goes; new or empty unless `replace`.
        scenario_text: the scenario file's text, kept in the corpus.
        workers: processes on this machine (1: this one), or parts in flight on `executor`.
        executor: makes another place to run cohorts, such as a cluster.
        replace: replace a corpus that is there.
        progress: told after each part.

    Raises:
        CorpusError: the directory cannot be used, another process writes there, or disk or memory do not suffice.
    """
    check_plan(plan, directory, workers=workers, local=executor is None)
    cohorts = plan.cohorts()
    hasher = hashlib.sha256()
    parts: list[WrittenPart] = []
    digests: list[str] = []
    written_bytes = records = 0
    alone = executor is None and workers == 1
    with only_writer(directory), CorpusWriter(directory, replace=replace) as corpus:
        try:
            for part in (
                _one_after_the_other(plan, directory, cohorts, hasher)
                if alone
                else parts_in_order(
                    plan, directory, cohorts, executor or process_pool(workers), workers=workers
                )
            ):
                if not alone:
                    corpus.hash_part(part, hasher)
                parts.append(part)
                digests.append(hasher.hexdigest())
                written_bytes += part.bytes
                records += part.records
                check_parts(directory, written_bytes=written_bytes, done=len(parts), expected=len(cohorts))
                if progress is not None:
                    progress(len(parts), len(cohorts), records)
            return corpus.commit(_meta(plan, scenario_text, parts, digests))
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                raise
            raise CorpusError(
                f"{directory}: the disk is full after {sum(part.records for part in parts):,} pings; "
                "free some space or simulate fewer clients"
            ) from error


def _one_after_the_other(
    plan: Plan, directory: Path, cohorts: list[range], hasher: hashlib._Hash
) -> Iterator[WrittenPart]:
    stage = Stage(plan)
    for number, clients in enumerate(cohorts):
        yield write_cohort(stage, directory, number, clients, hasher=hasher)


def _meta(plan: Plan, scenario_text: str, parts: list[WrittenPart], digests: list[str]) -> CorpusMeta:
    filled = [part for part in parts if part.records]
    return CorpusMeta(
        format=CORPUS_FORMAT,
        telsim=__version__,
        scenario=scenario_text,
        scenario_name=plan.scenario.name,
        seed=plan.seed,
        dialect=plan.dialect,
        specifications=SPECIFICATIONS,
        clients=plan.scenario.clients,
        start_ms=plan.start_ms,
        end_ms=plan.end_ms,
        first_due_ms=min((part.first_due_ms for part in filled), default=plan.start_ms),
        last_due_ms=max((part.last_due_ms for part in filled), default=plan.start_ms),
        records=sum(part.records for part in parts),
        bytes=sum(part.bytes for part in parts),
        ping_names=list(ping_types()),
        label_names=label_names(),
        pings=_total(part.pings for part in parts),
        labels=_total(part.labels for part in parts),
        products=_total(part.products for part in parts),
        parts=corpus_parts(parts, digests),
        sha256=digests[-1],
    )


def _total(counts: Iterator[dict[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for each in counts:
        total.update(each)
    return dict(sorted(total.items()))
