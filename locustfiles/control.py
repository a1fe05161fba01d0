"""Ties the replay to Locust's life: start, stop, master and workers, signals, exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
from collector import Collector
from engine import Engine
from locust import log as locust_log
from locust.runners import STATE_INIT, LocalRunner, MasterRunner, WorkerRunner
from locust.stats import CSV_STATS_INTERVAL_SEC
from options import OPTION_NAMES, Request, default_users, read_options
from session import Session
from shipment import Shipment, is_shared
from verdict import Verdict, read_judging
from web_tab import add_tab
from workers import FINAL, SHARD, STOP, Workers, dismiss_forked_workers

from simulator.clock import wall_clock_ns
from simulator.errors import ExitCode, TelsimError
from simulator.rundir import claim_run_directory, create_run_directory, holds_run, write_run_meta

log = logging.getLogger("telsim.replay")

_COLLECT_EVERY_S = 1.0
#: Locust's clock of a run starts a moment before we hear of the run.
_MOMENT_S = 0.2


class Control:
    """The replay's side of one Locust process; `environment.telsim` is it.

    Args:
        environment: Locust's.
    """

    def __init__(self, environment: Any) -> None:
        self.environment = environment
        self.session: Session | None = None
        self.collector: Collector | None = None
        self.workers: Workers | None = None
        self.interrupted = False
        self._asked_to_quit = False
        self.verdict: Verdict | None = None
        self.refusal = ""
        self._underway = False
        self._shard: dict[str, Any] | None = None
        self._shipment: Shipment | None = None
        self._started_s = 0.0
        self._sits_out = False
        self.ending = False

    @classmethod
    def attach(cls, environment: Any, **_: Any) -> None:
        """Listener of Locust's `init` event: checks the options and registers the rest."""
        control = environment.telsim = cls(environment)
        # First of all: checking can take a while where a scenario is to be generated, and a master does not wait.
        events = environment.events
        events.test_start.add_listener(control.on_test_start)
        events.test_stopping.add_listener(control.on_test_stopping)
        events.test_stop.add_listener(control.on_test_stop)
        events.quitting.add_listener(control.on_quitting)
        events.quit.add_listener(control.on_quit)
        events.report_to_master.add_listener(control.on_report_to_master)
        events.worker_report.add_listener(control.on_worker_report)
        runner = environment.runner
        if isinstance(runner, WorkerRunner):
            runner.register_message(SHARD, control.on_shard)
            runner.register_message(STOP, control.on_stop, concurrent=True)
        if isinstance(runner, MasterRunner):
            control.workers = Workers(control, runner)
        gevent.signal_handler(signal.SIGINT, control.on_interrupt)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # `telsim replay` held it back up to here
        if environment.web_ui is not None:
            add_tab(control)
        default_users(environment.parsed_options)
        control._check_options()

    def _check_options(self) -> None:
        """Ends the process with the error's exit code where the options cannot be used; nothing was sent."""
        options = self.environment.parsed_options
        try:
            read_judging(options)
            if self._leads and options.ledger:
                _tell_of_ledger_to_come(options.ledger)
            if not (options.headless or options.corpus):
                return  # they come with the start form, or from the master
            request = read_options(options, self.environment.host)
            if self.workers is not None and options.headless:
                self.workers.check_users(options.expect_workers)
            if self._leads and options.headless and request.run_dir is not None:
                create_run_directory(request.run_dir)
        except TelsimError as error:
            # Where Locust forked the workers, the master says it for all.
            if self._leads or not options.processes:
                _say(error)
            if self._leads and options.processes:
                dismiss_forked_workers()
            sys.exit(int(error.exit_code))

    @property
    def _leads(self) -> bool:
        """Whether this process is the master, or alone."""
        return not isinstance(self.environment.runner, WorkerRunner)

    # The life of a run.

    def on_test_start(self, **_: Any) -> None:
        """A run begins: build the tape and send, or, in the master, hand out the shards."""
        self._started_s = time.monotonic()
        self.ending = False
        self.session = self.collector = self.verdict = None
        self.refusal = ""
        if self.environment.shape_class is not None:
            vars(self.environment.shape_class).pop("tick", None)  # what ended the last run
        try:
            self._start()
        except TelsimError as error:
            _say(error)
            self.refusal = str(error)
            self.collector, self._underway = None, False
            self.settle(int(error.exit_code))
            gevent.spawn(self.end_run)

    def _start(self) -> None:
        environment, runner = self.environment, self.environment.runner
        request = read_options(environment.parsed_options, environment.host)
        shard, self._shard = self._shard, None
        if self._leads:
            if self.workers is not None:
                self.workers.check_users()
            request = replace(request, run_dir=self._directory(request))
            given = vars(environment.parsed_options)
            options = {
                name: given.get(name) for name in (*OPTION_NAMES, "num_users", "spawn_rate", "run_time")
            }
            self.collector = Collector(request, command=sys.argv, options=options)
            self._underway = True
        elif shard is None:
            # The corpus is shared out among those who were there at the start; a second owner would send twice.
            log.warning("This worker joined a run that had begun; it takes part in the next one")
            environment.stop_timeout = 0.0
            return
        else:
            request = replace(request, run_dir=self._local_directory(shard))
        if self.workers is not None:
            self.workers.hand_out(request.run_dir)
            return
        worker, workers = (shard["index"], shard["workers"]) if shard else (0, 1)
        self.session = Session(environment, request, worker=worker, workers=workers, on_over=self._on_over)
        self.session.start()
        if isinstance(runner, LocalRunner):
            gevent.spawn(self._collect, self.session)

    def _directory(self, request: Request) -> Path | None:
        """Where the run is kept: absolute, for workers may have been started elsewhere."""
        wanted = request.run_dir
        if wanted is None:
            name = Path(self.environment.parsed_options.corpus).resolve().name.removesuffix(".toml")
            return claim_run_directory(name).absolute() if request.judging else None
        number, free = 1, wanted
        while not self.environment.parsed_options.headless and holds_run(free):
            number += 1  # with the page one process runs again and again
            free = wanted.with_name(f"{wanted.name}-{number}")
        return create_run_directory(free).absolute()

    def _local_directory(self, shard: dict[str, Any]) -> Path | None:
        """Worker: where its outcomes go; on another machine than the master's to a place from where they are sent."""
        self._shipment = None
        if not shard["run_dir"]:
            return None
        if is_shared(run_dir := Path(shard["run_dir"]), shard["marker"]):
            return run_dir
        self._shipment = Shipment()
        return self._shipment.directory

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
        runner = self.environment.runner
        self.settle(session.exit_code)
        if isinstance(runner, WorkerRunner):
            runner._send_stats()  # noqa: SLF001 - Locust's own last report would come after its master has counted
            # Nothing is under way any more; Locust's worker would sleep for so long before it is ready for another run.
            self.environment.stop_timeout = 0.0
            if self._shipment is not None:
                self._shipment.send(runner, session.worker)
            runner.send_message(FINAL, {**session.report(), "exit_code": session.exit_code})
        elif not session.stopped:
            gevent.spawn(self.end_run)

    def end_run(self) -> None:
        """Everything is sent: the run ends by itself."""
        if self.ending or isinstance(self.environment.runner, WorkerRunner):
            return
        self.ending = True
        runner = self.environment.runner
        if isinstance(runner, LocalRunner) and runner.shape_greenlet is not None:
            # The shape ends the run at its next tick. If it were killed, Locust would end the run a second time.
            self.environment.shape_class.tick = lambda: None
        elif self.environment.parsed_options.headless:
            runner.quit()
        else:
            runner.stop()

    def on_test_stopping(self, **_: Any) -> None:
        """The run is to end: let the requests under way finish before users are stopped."""
        self._sit_out_run_time()
        timeout_s = self.environment.stop_timeout or 0.0
        if self.workers is not None:
            self.ending = True
            self.workers.stop(timeout_s)
        elif self.session is not None:
            self.session.stop(timeout_s)

    def _sit_out_run_time(self) -> None:
        """Waits until requests have been sent for as long as `--run-time` says.

        Locust's clock starts before a corpus is loaded, so that of a large one little or nothing would be sent. Whoever
        stops the run otherwise, or once more while this waits, is not kept waiting.
        """
        limit_s = self.environment.parsed_options.run_time
        if self._sits_out or not limit_s or not self._underway:
            self._sits_out = False
            return
        if time.monotonic() - self._started_s < limit_s - _MOMENT_S:
            return  # not Locust's clock, but somebody who wants to stop earlier
        self._sits_out = True
        while self._sits_out and not (self.ending or self.interrupted) and self._left_s(limit_s) > 0:
            gevent.sleep(_MOMENT_S / 4)
        self._sits_out = False

    def _left_s(self, limit_s: float) -> float:
        """How long is left of a run's time, which counts from when sending began."""
        if self.session is not None:
            if self.session.over.is_set():
                return 0.0
            began_s = self.session.began_s
            return began_s + limit_s - time.monotonic() if began_s else limit_s
        began_ns = self.collector.started_ns if self.collector is not None else 0
        return began_ns / 1e9 + limit_s - wall_clock_ns() / 1e9 if began_ns else limit_s

    def on_test_stop(self, **_: Any) -> None:
        """The run has ended: write `run.json` and have it judged where that was asked for."""
        if self._underway:
            self._underway = False
            self._conclude()
        if self.environment.parsed_options.csv_prefix:
            # Locust writes its CSV files on a clock and not at the end; without this the last second is missing.
            gevent.sleep(CSV_STATS_INTERVAL_SEC * 1.2)

    def _conclude(self) -> None:
        if self.session is not None:
            self._take_in(self.session)
        collector = self.collector
        if collector is None or (directory := collector.request.run_dir) is None:
            return
        if self.workers is not None:
            self.workers.forget(directory)
        write_run_meta(directory, collector.meta(interrupted=self.interrupted))
        refused = self.environment.process_exit_code == ExitCode.USAGE and not collector.totals["requests"]
        if collector.request.judging is not None and not (self.interrupted or refused):
            self.verdict = Verdict(directory, collector.request.corpus.path, collector.request.judging)
            self.verdict.begin(self._on_verdict)

    def _on_verdict(self, verdict: Verdict) -> None:
        self.settle(verdict.exit_code, judged=True)
        if not self.environment.parsed_options.headless:
            verdict.print(sys.stdout)

    @property
    def is_undecided(self) -> bool:
        """Whether a run is going on, or its verdict still being drawn up."""
        return self._underway or (self.verdict is not None and not self.verdict.is_drawn)

    def settle(self, code: int, *, judged: bool = False) -> None:
        """The process's exit code: once it is bad it stays so, whatever later runs from the page say.

        Locust's own rule (1 for any failure) gives way to a good verdict, but not what users' code threw.
        """
        environment = self.environment
        spotless = not environment.runner.exceptions and not locust_log.unhandled_greenlet_exception
        if not environment.process_exit_code and (code or (judged and spotless)):
            environment.process_exit_code = code

    def on_quitting(self, **_: Any) -> None:
        """Locust is about to choose its exit code: the verdict comes first."""
        if not self._leads:
            return
        if self._underway:  # SIGTERM
            self.interrupted = True
            if self.collector is not None and self.collector.request.judging is not None:
                self.settle(int(ExitCode.INTERRUPTED))
        if self.verdict is not None:
            self.verdict.wait()

    def on_quit(self, **_: Any) -> None:
        """Locust has printed its statistics: the verdict comes last. With `--json` standard output is Locust's."""
        options = self.environment.parsed_options
        if self.verdict is not None and options.headless:
            self.verdict.print(sys.stderr if options.json else sys.stdout)

    def on_interrupt(self) -> None:
        """Ctrl-C: end in order, keep what is done, exit 130. A second one ends at once.

        With the page it is also the way to leave when nothing runs; that is no interruption.
        """
        if self._asked_to_quit:
            os._exit(int(ExitCode.INTERRUPTED))
        self._asked_to_quit = True
        if self._underway or self.environment.parsed_options.headless or not self._leads:
            self.interrupted = True
            self.environment.process_exit_code = int(ExitCode.INTERRUPTED)
            log.info("Interrupted: waiting for the answers under way; what is done stays valid")
        gevent.spawn(self._quit)

    def _quit(self) -> None:
        self.ending = True
        runner, options = self.environment.runner, self.environment.parsed_options
        starts_by_itself = options.headless or options.autostart
        awaits_workers = self.workers is not None and starts_by_itself and runner.state == STATE_INIT
        runner.quit()
        if self.environment.web_ui is not None:
            self.environment.web_ui.stop()
        if awaits_workers:
            sys.exit(int(ExitCode.INTERRUPTED))  # Locust waits for them in a loop that nothing else ends

    # A worker's side, and its reports.

    def on_shard(self, msg: Any, **_: Any) -> None:
        """Worker: which part of the corpus the next run gives it, and where its outcomes go."""
        self._shard = msg.data

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


def _say(error: TelsimError) -> None:
    for line in (str(error), *map(str, error.findings)):
        log.error("%s", line)


def _tell_of_ledger_to_come(ledger: str) -> None:
    from simulator.reconcile.ledger import awaited_file  # only here: it takes a fifth of a second

    if (file := awaited_file(ledger)) is not None:
        log.warning("--ledger %s: there is no such file yet; it has to be there when the run is over", file)
