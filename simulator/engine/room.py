"""Will it fit? Judged by arithmetic before anything is written, and again while parts come in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from simulator.client.outbox import Outbox
from simulator.clock import MS_PER_DAY
from simulator.errors import CorpusError
from simulator.simulation import Plan, Stage, simulate_cohort
from simulator.simulation.cohort import new_kinds

#: Plans up to this size are done in seconds, and simply begun.
_SMALL_CLIENT_DAYS = 20_000
_TRIAL_CLIENTS, _TRIAL_DAYS = 64, 2
#: What a record has beside its body, and its row in the index.
_AROUND_A_BODY_BYTES = 420
#: A trial of few clients may be off by so much; what is nearer to the limit is begun, and watched.
_DOUBT = 1.5
#: Measured (peak resident size of 20 000 clients in one cohort: 340 MB), with some air.
_CLIENT_BYTES, _PROCESS_BYTES = 16_000, 120_000_000


def check_plan(plan: Plan, directory: Path, *, workers: int, local: bool) -> None:
    """Refuse a plan that cannot fit into memory or onto the disk.

    Args:
        plan: what is to be simulated.
        directory: where the corpus goes; need not exist yet.
        workers: processes.
        local: whether they run on this machine.

    Raises:
        CorpusError: with the arithmetic.
    """
    if local:
        _check_memory(plan, workers)
    client_days = plan.scenario.clients * plan.scenario.duration / MS_PER_DAY
    if client_days <= _SMALL_CLIENT_DAYS:
        return
    a_client_day = _trial_bytes(plan)
    needed, free = client_days * a_client_day, _free_bytes(directory)
    if needed > free * _DOUBT:
        raise CorpusError(
            f"{directory}: {plan.scenario.clients:,} clients for {plan.scenario.duration / MS_PER_DAY:g} days at about "
            f"{a_client_day / 1e3:.1f} kB a client and day need {_spoken(needed)}, and {_spoken(free)} are free; "
            "simulate fewer clients or a shorter time"
        )


def check_parts(directory: Path, *, written_bytes: int, done: int, expected: int) -> None:
    """Stop early, with the arithmetic, where the parts that are still to come cannot fit.

    Args:
        directory: the corpus directory.
        written_bytes: size of the parts so far.
        done: how many there are.
        expected: how many there will be.

    Raises:
        CorpusError: they cannot.
    """
    needed = written_bytes // done * (expected - done)
    free = _free_bytes(directory)
    if needed > free:
        raise CorpusError(
            f"{directory}: {expected:,} parts of about {written_bytes / done / 1e6:.1f} MB need {_spoken(needed)} "
            f"more, and {_spoken(free)} are free; simulate fewer clients or a shorter time"
        )


@contextmanager
def only_writer(directory: Path) -> Iterator[None]:
    """Hold a corpus directory against a second telsim. The lock dies with the process, whatever kills it.

    Raises:
        CorpusError: another process is writing there.
    """
    import fcntl

    try:
        directory.mkdir(parents=True, exist_ok=True)
        held = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise CorpusError(f"{directory}: cannot be used for a corpus: {error.strerror}") from error
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CorpusError(
                f"{directory}: another telsim is writing a corpus there; wait for it or give another directory"
            ) from error
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(held)


def _check_memory(plan: Plan, workers: int) -> None:
    cohort = min(plan.scenario.clients_in_a_cohort, plan.scenario.clients)
    processes = min(workers, -(-plan.scenario.clients // cohort))
    needed = processes * (_PROCESS_BYTES + cohort * _CLIENT_BYTES)
    available = _available_memory()
    if available and needed > available:
        raise CorpusError(
            f"{processes:,} workers with {cohort:,} clients in a cohort need about {_spoken(needed)} of memory, and "
            f"{_spoken(available)} are available; give fewer --workers or a smaller cohort_clients"
        )


def _trial_bytes(plan: Plan) -> float:
    """Bytes that a client fills in a day, by simulating a few clients for two days."""
    duration = min(plan.scenario.duration, _TRIAL_DAYS * MS_PER_DAY)
    clients = range(min(plan.scenario.clients, _TRIAL_CLIENTS))
    short = replace(plan, scenario=plan.scenario.model_copy(update={"duration": duration}))
    outbox = Outbox(plan.dialect, new_kinds())
    size = 0
    for _ in simulate_cohort(Stage(short), outbox, clients):
        size += _row_bytes(outbox)
    size += _row_bytes(outbox)
    return size / len(clients) / (duration / MS_PER_DAY)


def _row_bytes(outbox: Outbox) -> int:
    return sum(len(row[3]) + _AROUND_A_BODY_BYTES for row in outbox.take())


def _free_bytes(directory: Path) -> int:
    """Free space where a directory is or will be."""
    place = directory.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def _available_memory() -> int:
    """Bytes that can be had without swapping; 0 where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    found = next((line for line in lines if line.startswith("MemAvailable:")), "")
    return int(found.split()[1]) * 1024 if found else 0


def _spoken(size: float) -> str:
    for unit, factor in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size / 1e3:,.1f} kB"
