"""Where cohorts run. Each executor yields finished parts in order, whatever order they were made in."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from simulator.corpus import WrittenPart
from simulator.engine.parts import packed, write_part
from simulator.errors import TelsimError, UsageError
from simulator.simulation import Plan

_TRIES = 3
_WAITING_A_WORKER = 3

MakeExecutor = Callable[[], Executor]


def process_pool(workers: int) -> MakeExecutor:
    """Processes on this machine."""
    return lambda: _Processes(workers)


def _context() -> BaseContext:
    """Forks while this process has a single thread, which is when that is safe; otherwise new interpreters.

    A new interpreter imports for most of a second what a fork has already.
    """
    single = sys.platform == "linux" and len(list(Path("/proc/self/task").iterdir())) == 1
    return multiprocessing.get_context("fork" if single else "spawn")


class _Processes(ProcessPoolExecutor):
    """A pool whose workers are born with Ctrl-C held back: before they are set up, it would make tracebacks."""

    def __init__(self, workers: int) -> None:
        context = _context()
        super().__init__(workers, mp_context=context, initializer=_begin_worker)
        self._new_interpreters = context.get_start_method() != "fork"

    def submit(self, task: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Hand in a task, for which a worker may be started."""
        if self._new_interpreters:
            resource_tracker.ensure_running()  # it opens the mask again when it starts
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(task, *arguments, **named)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _begin_worker() -> None:
    """A worker ends without a word on a signal, and at once when the process that started it is gone."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def dask_cluster(address: str) -> MakeExecutor:
    """An existing Dask cluster, through its `concurrent.futures` interface. Its workers must see the directory.

    Args:
        address: the scheduler's address, such as `tcp://10.0.0.5:8786`.

    Raises:
        UsageError: the extra `dask` is not installed.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError("--executor dask needs the extra: pip install 'telsim[dask]'") from error

    def make() -> Executor:
        try:
            client = Client(address, timeout="10s", set_as_default=False)  # type: ignore[no-untyped-call] # ships no types
        except (OSError, TimeoutError, ValueError) as error:
            raise UsageError(f"no Dask scheduler answers at {address}: {error}") from error
        return _Cluster(client)

    return make


class _Cluster(Executor):
    """Dask's executor with its client: closing the one closes the other."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._executor = client.get_executor(pure=False, retries=_TRIES - 1)

    def submit(self, task: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Hand a task to the cluster, which tries it again where a worker of its own dies."""
        future: Future[Any] = self._executor.submit(task, *arguments, **named)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - Executor's own signature
        """Let the cluster go; what it still has to do is cancelled with the client."""
        self._executor.shutdown(wait=wait and not cancel_futures)
        self._client.close()


def parts_in_order(
    plan: Plan, directory: Path, cohorts: Sequence[range], make: MakeExecutor, *, workers: int
) -> Iterator[WrittenPart]:
    """Play cohorts on an executor; a worker that dies is replaced and its cohorts are played again.

    Args:
        plan: the simulation.
        directory: the corpus directory.
        cohorts: in order; the position is the part's number.
        make: makes the executor, again after a worker died.
        workers: how many parts are worked on at a time; bounds what waits in memory.

    Raises:
        TelsimError: workers keep dying.
    """
    plan_bytes, place = packed(plan), str(directory.resolve())
    done, tries = 0, 0
    while done < len(cohorts):
        before = done
        try:
            with _shut_down(make()) as executor:
                todo = iter(range(done, len(cohorts)))
                waiting: list[Future[WrittenPart]] = []

                def submit(number: int, executor: Executor = executor) -> Future[WrittenPart]:
                    clients = cohorts[number]
                    return executor.submit(write_part, plan_bytes, place, number, clients.start, clients.stop)

                waiting += map(submit, islice(todo, workers * _WAITING_A_WORKER))
                while waiting:
                    part = waiting.pop(0).result()
                    waiting += map(submit, islice(todo, 1))
                    done += 1
                    yield part
        except BrokenExecutor as error:
            tries = tries + 1 if done == before else 1
            if tries >= _TRIES:
                raise TelsimError(
                    f"a worker died {tries} times while making part {done} (clients {cohorts[done].start} to "
                    f"{cohorts[done].stop - 1}); was it out of memory? Try fewer --workers"
                ) from error


class _shut_down:  # noqa: N801 - used like a function in a with statement
    """Close an executor; when something goes wrong at once, without waiting for what its processes are doing."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._others = set(multiprocessing.active_children())

    def __enter__(self) -> Executor:
        return self._executor

    def __exit__(self, *error: object) -> None:
        if error[0] is not None:
            for worker in set(multiprocessing.active_children()) - self._others:
                worker.kill()  # one that is stopped would not hear anything else
        self._executor.shutdown(wait=True, cancel_futures=error[0] is not None)
