"""Ties the replay to Locust's life: start, stop, master and workers, signals, exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import Any

import gevent
from collector import Collector
from engine import Engine
from locust.runners import LocalRunner, MasterRunner, WorkerRunner
from locust.stats import CSV_STATS_INTERVAL_SEC
from options import OPTION_NAMES, read_options
from session import Session
from web_tab import add_tab

from simulator.errors import ExitCode, TelsimError
from simulator.rundir import create_run_directory, holds_run, write_run_meta

log = logging.getLogger("telsim.replay")

_SHARD, _STOP, _FINAL = "telsim_shard", "telsim_stop", "telsim_final"
_COLLECT_EVERY_S = 1.0
_GRACE_S = 15.0


class Control:
    """The replay's side of one Locust process; `environment.telsim` is it.

    Args:
        environment: Locust's.
    """

    def __init__(self, environment: Any) -> None:
        self.environment = environment
        self.session: Session | None = None
        self.collector: Collector | None = None
        self.interrupted = False
        self._run_dir: Any = None
        self._shard: tuple[int, int] | None = None
        self._finals: set[str] = set()
        self._ending = False

    @classmethod
    def attach(cls, environment: Any, **_: Any) -> None:
        """Listener of Locust's `init` event: checks the options and registers the rest."""
        control = environment.telsim = cls(environment)
        # First of all: checking can take a while where a scenario is to be generated, and a master does not wait.
        events = environment.events
        events.test_start.add_listener(control.on_test_start)
        events.test_stopping.add_listener(control.on_test_stopping)
        events.test_stop.add_listener(control.on_test_stop)
        events.report_to_master.add_listener(control.on_report_to_master)
        events.worker_report.add_listener(control.on_worker_report)
        runner = environment.runner
        if isinstance(runner, WorkerRunner):
            runner.register_message(_SHARD, control.on_shard)
            runner.register_message(_STOP, control.on_stop, concurrent=True)
        if isinstance(runner, MasterRunner):
            runner.register_message(_FINAL, control.on_final)
        gevent.signal_handler(signal.SIGINT, control.on_interrupt)
        if environment.web_ui is not None:
            add_tab(control)
        options = environment.parsed_options
        if options.headless or options.corpus:
            control._check_options()

    def _check_options(self) -> None:
        """Ends the process with the error's exit code where the options cannot be used; nothing was sent."""
        try:
            request = read_options(self.environment.parsed_options, self.environment.host)
            leads = not isinstance(self.environment.runner, WorkerRunner)
            if leads and request.run_dir is not None and self.environment.parsed_options.headless:
                create_run_directory(request.run_dir)
        except TelsimError as error:
            _say(error)
            sys.exit(int(error.exit_code))

    # The life of a run.

    def on_test_start(self, **_: Any) -> None:
        """A run begins: build the tape and send, or, in the master, hand out the shards."""
        self._ending = False
        self.session = self.collector = None
        try:
            self._start()
        except TelsimError as error:
            _say(error)
            self.environment.process_exit_code = int(error.exit_code)
            gevent.spawn(self._end_run)

    def _start(self) -> None:
        environment, runner = self.environment, self.environment.runner
        request = read_options(environment.parsed_options, environment.host)
        if not isinstance(runner, WorkerRunner):
            if request.run_dir is not None:
                self._run_dir = create_run_directory(self._free(request.run_dir))
                environment.parsed_options.run_dir = str(self._run_dir)
                request = read_options(environment.parsed_options, environment.host)
            given = vars(environment.parsed_options)
            options = {
                name: given.get(name) for name in (*OPTION_NAMES, "num_users", "spawn_rate", "run_time")
            }
            self.collector = Collector(request, command=sys.argv, options=options)
        if isinstance(runner, MasterRunner):
            self._hand_out_shards(runner)
            return
        shard, self._shard = self._shard, None
        if isinstance(runner, WorkerRunner) and shard is None:
            # The corpus is shared out among those who were there at the start; a second owner would send twice.
            log.warning("This worker joined a run that had begun; it takes part in the next one")
            return
        worker, workers = shard or (0, 1)
        self.session = Session(environment, request, worker=worker, workers=workers, on_over=self._on_over)
        self.session.start()
        if isinstance(runner, LocalRunner):
            gevent.spawn(self._collect, self.session)

    def _free(self, run_dir: Any) -> Any:
        """The directory itself, or with the web page, where one process runs again and again, the next free one."""
        if self.environment.parsed_options.headless:
            return run_dir
        number, free = 1, run_dir
        while holds_run(free):
            number += 1
            free = run_dir.with_name(f"{run_dir.name.removesuffix(f'-{number - 1}')}-{number}")
        return free

    def _collect(self, session: Session) -> None:
        while not session.over.wait(_COLLECT_EVERY_S):
            self._take_in(session)

    def _take_in(self, session: Session) -> None:
        report = session.report()
        if report and self.collector is not None:
            self.collector.add(report)

    def engine(self) -> Engine | None:
        """The running engine, once its tape is ready; None where there is none."""
        session = self.session
        if session is None:
            return None
        session.ready.wait()
        return session.engine

    def close_lane(self, lane: Any) -> None:
        """Closes a user's lane once its request is answered."""
        if self.session is not None and self.session.engine is not None:
            self.session.engine.close_lane(lane)

    def _on_over(self, session: Session) -> None:
        environment, runner = self.environment, self.environment.runner
        if session.exit_code and environment.process_exit_code is None:
            environment.process_exit_code = session.exit_code
        if isinstance(runner, WorkerRunner):
            runner._send_stats()  # noqa: SLF001 - Locust's own last report would come after its master has counted
            runner.send_message(_FINAL, {**session.report(), "exit_code": session.exit_code})
        elif not session.stopped:
            gevent.spawn(self._end_run)

    def _end_run(self) -> None:
        """Everything is sent: the run ends by itself."""
        if self._ending or isinstance(self.environment.runner, WorkerRunner):
            return
        self._ending = True
        runner = self.environment.runner
        if self.environment.parsed_options.headless:
            runner.quit()
        else:
            runner.stop()

    def on_test_stopping(self, **_: Any) -> None:
        """The run is to end: let the requests under way finish before users are stopped."""
        timeout_s = self.environment.stop_timeout or 0.0
        if isinstance(self.environment.runner, MasterRunner):
            self._stop_workers(self.environment.runner, timeout_s)
        elif self.session is not None:
            self.session.stop(timeout_s)

    def on_test_stop(self, **_: Any) -> None:
        """The run has ended: write `run.json`."""
        if self.session is not None and not isinstance(self.environment.runner, WorkerRunner):
            self._take_in(self.session)
        if self.collector is not None and self._run_dir is not None:
            write_run_meta(self._run_dir, self.collector.meta(interrupted=self.interrupted))
            self._run_dir = None
        if self.environment.parsed_options.csv_prefix:
            # Locust writes its CSV files on a clock and not at the end; without this the last second is missing.
            gevent.sleep(CSV_STATS_INTERVAL_SEC * 1.2)

    def on_interrupt(self) -> None:
        """Ctrl-C: end in order, keep what is done, exit 130. A second one ends at once."""
        if self.interrupted:
            os._exit(int(ExitCode.INTERRUPTED))
        self.interrupted = True
        self.environment.process_exit_code = int(ExitCode.INTERRUPTED)
        log.info("Interrupted: waiting for the answers under way; what is done stays valid")
        gevent.spawn(self._quit)

    def _quit(self) -> None:
        self._ending = True
        self.environment.runner.quit()
        if self.environment.web_ui is not None:
            self.environment.web_ui.stop()

    # Master and workers.

    def _hand_out_shards(self, runner: MasterRunner) -> None:
        """Tells each worker its part: the clients whose number leaves `index` when divided by `workers`."""
        self._finals.clear()
        ready = [client.id for client in runner.clients.ready]
        for index, client_id in enumerate(ready):
            runner.send_message(_SHARD, {"index": index, "workers": len(ready)}, client_id=client_id)
        gevent.spawn(self._watch_workers, runner, frozenset(ready))

    def on_shard(self, msg: Any, **_: Any) -> None:
        """Worker: which part of the corpus the next run gives it."""
        self._shard = (msg.data["index"], msg.data["workers"])

    def on_stop(self, **_: Any) -> None:
        """Worker: the master ends the run."""
        if self.session is not None:
            self.session.stop(self.environment.stop_timeout or 0.0)

    def on_report_to_master(self, data: dict[str, Any], **_: Any) -> None:
        """Worker: what happened since the last report."""
        if self.session is not None and not self.session.over.is_set() and (report := self.session.report()):
            data["telsim"] = report

    def on_worker_report(self, data: dict[str, Any], **_: Any) -> None:
        """Master: a worker's report."""
        if self.collector is not None and "telsim" in data:
            self.collector.add(data["telsim"])

    def on_final(self, msg: Any, **_: Any) -> None:
        """Master: a worker has sent everything, or stopped."""
        exit_code = msg.data.pop("exit_code", 0)
        if exit_code and self.environment.process_exit_code is None:
            self.environment.process_exit_code = exit_code
        if self.collector is not None and msg.data:
            self.collector.add(msg.data)
        self._finals.add(msg.node_id)

    def _watch_workers(self, runner: MasterRunner, expected: frozenset[str]) -> None:
        collector = self.collector
        while not self._ending and collector is self.collector:
            gevent.sleep(0.2)
            missing = expected - _alive(runner)
            if expected <= self._finals | missing:
                for _ in missing - self._finals:
                    collector.error("a worker went missing: its pings have outcomes only in its own file")
                    self.environment.process_exit_code = int(ExitCode.FAILED)
                self._end_run()
                return

    def _stop_workers(self, runner: MasterRunner, timeout_s: float) -> None:
        self._ending = True
        waiting = _alive(runner) - self._finals
        for client_id in waiting:
            runner.send_message(_STOP, None, client_id=client_id)
        with gevent.Timeout(timeout_s + _GRACE_S, exception=False):
            while (_alive(runner) & waiting) - self._finals:
                gevent.sleep(0.05)


def _alive(runner: MasterRunner) -> set[str]:
    return {client.id for client in runner.clients.all if client.state != "missing"}


def _say(error: TelsimError) -> None:
    for line in (str(error), *map(str, error.findings)):
        log.error("%s", line)
