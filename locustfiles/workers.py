"""The master's side of a distributed run: who sends which part, and whether everybody is done."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gevent
import psutil
from locust.dispatch import UsersDispatcher
from locust.runners import MasterRunner
from shipment import OUTCOMES, mark, receive

from simulator.errors import ExitCode, UsageError

log = logging.getLogger("telsim.replay")

SHARD, STOP, FINAL = "telsim_shard", "telsim_stop", "telsim_final"
_GRACE_S = 15.0


class Dispatcher(UsersDispatcher):
    """Locust's, but users are dealt only to workers that have a part of the corpus, and to each of those.

    A worker that joins during a run would take users from the others and have nothing to send; and one of those that
    is left without a connection would never send its part.

    Args:
        worker_nodes, user_classes: Locust's.
        has_part: whether the worker of this id has a part in the run.
    """

    def __init__(
        self, worker_nodes: list[Any], user_classes: list[Any], *, has_part: Callable[[str], bool]
    ) -> None:
        self._has_part = has_part
        super().__init__([node for node in worker_nodes if has_part(node.id)], user_classes)

    def add_worker(self, worker_node: Any) -> None:
        """A worker has joined, or has come back."""
        if self._has_part(worker_node.id):
            super().add_worker(worker_node)
        else:
            log.warning(
                "Worker %s joined a run that had begun; it takes part in the next one", worker_node.id
            )

    def new_dispatch(
        self, target_user_count: int, spawn_rate: float, user_classes: list[Any] | None = None
    ) -> None:
        """How many users there are to be, by a shape or the page's edit form; each worker keeps one at least."""
        least = len(self._worker_nodes)
        if target_user_count < least:
            log.warning("Too few users (%d): each of %d workers keeps one", target_user_count, least)
        super().new_dispatch(max(target_user_count, least), spawn_rate, user_classes)


class Workers:
    """The workers of Locust's master.

    Args:
        control: the replay's side of the master.
        runner: Locust's.
    """

    def __init__(self, control: Any, runner: MasterRunner) -> None:
        self._control, self._runner = control, runner
        self._senders: frozenset[str] = frozenset()
        self._finals: set[str] = set()
        self._marker = ""
        self._heard_at = 0.0
        control.environment.dispatcher_class = partial(Dispatcher, has_part=self._has_part)
        runner.register_message(FINAL, self.on_final)
        runner.register_message(OUTCOMES, self.on_outcomes)

    def check_users(self, expected: int = 0) -> None:
        """A worker without a user has no connection: its part of the corpus would never be sent.

        Args:
            expected: how many workers there will be, where that is more than there are.

        Raises:
            UsageError: there are fewer users than workers.
        """
        environment = self._control.environment
        workers = max(expected, len(self._runner.clients.ready))
        users = environment.parsed_options.num_users
        if environment.shape_class is None and users < workers:
            raise UsageError(
                f"-u {users} is too few for {workers} workers: each needs a connection of its own, "
                f"so give -u {workers} or more"
            )

    def hand_out(self, run_dir: Path | None) -> None:
        """Tells each worker its part: the clients whose number leaves `index` when divided by `workers`."""
        self._finals.clear()
        ready = [client.id for client in self._runner.clients.ready]
        self._senders = frozenset(ready)
        self._marker = mark(run_dir) if run_dir else ""
        place = {"run_dir": str(run_dir or ""), "marker": self._marker}
        for index, client_id in enumerate(ready):
            shard = {"index": index, "workers": len(ready), **place}
            self._runner.send_message(SHARD, shard, client_id=client_id)
        gevent.spawn(self._watch, self._senders)

    def forget(self, run_dir: Path) -> None:
        """The run is over: takes the mark by which workers knew its directory away."""
        if self._marker:
            (run_dir / self._marker).unlink(missing_ok=True)

    def on_outcomes(self, msg: Any, **_: Any) -> None:
        """A piece of the outcomes of a worker on another machine."""
        self._heard_at = time.monotonic()
        collector = self._control.collector
        if collector is not None and collector.request.run_dir is not None:
            receive(collector.request.run_dir, msg.data)

    def on_final(self, msg: Any, **_: Any) -> None:
        """A worker has sent everything, or stopped."""
        self._control.settle(msg.data.pop("exit_code", 0))
        if self._control.collector is not None and msg.data:
            self._control.collector.add(msg.data)
        self._finals.add(msg.node_id)

    def _watch(self, expected: frozenset[str]) -> None:
        control = self._control
        collector = control.collector
        while not control.ending and collector is control.collector:
            gevent.sleep(0.2)
            missing = expected - self._alive()
            if expected <= self._finals | missing:
                for _ in missing - self._finals:
                    collector.error("a worker went missing: its pings have outcomes only in its own file")
                    control.settle(int(ExitCode.FAILED))
                control.end_run()
                return

    def stop(self, timeout_s: float) -> None:
        """Has every worker finish what is under way, and waits for their last words as long as any come."""
        waiting = (
            self._alive() & self._senders
        ) - self._finals  # who joined later sends nothing, nor last words
        for client_id in waiting:
            self._runner.send_message(STOP, None, client_id=client_id)
        self._heard_at = time.monotonic() + timeout_s
        while (self._alive() & waiting) - self._finals and time.monotonic() < self._heard_at + _GRACE_S:
            gevent.sleep(0.05)
        self._senders = frozenset()

    def _has_part(self, client_id: str) -> bool:
        """Whether a worker sends in this run; before the corpus is shared out anyone may yet."""
        return not self._senders or client_id in self._senders

    def _alive(self) -> set[str]:
        return {client.id for client in self._runner.clients.all if client.state != "missing"}


def dismiss_forked_workers() -> None:
    """Locust would leave them behind; they look for their master for a minute and hold its output open."""
    for child in psutil.Process().children():
        child.terminate()
