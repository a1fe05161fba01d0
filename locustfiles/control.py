"""Ties the replay to Locust's life: start, stop, workers, exit code."""

from __future__ import annotations

import logging
import sys
from typing import Any

import gevent
from engine import Engine
from locust.runners import LocalRunner, MasterRunner, WorkerRunner
from options import read_options
from session import Session

from simulator.errors import TelsimError
from simulator.rundir import create_run_directory

log = logging.getLogger("telsim.replay")


class Control:
    """The replay's side of one Locust process; `environment.telsim` is it."""

    def __init__(self, environment: Any) -> None:
        self.environment = environment
        self.session: Session | None = None

    @classmethod
    def attach(cls, environment: Any, **_: Any) -> None:
        """Listener of Locust's `init` event: checks the options and registers the rest."""
        control = environment.telsim = cls(environment)
        if environment.parsed_options.headless or environment.parsed_options.corpus:
            control.check_options()
        environment.events.test_start.add_listener(control.on_test_start)
        environment.events.test_stopping.add_listener(control.on_test_stopping)

    def check_options(self) -> None:
        """Ends the process with the error's exit code where the options cannot be used."""
        try:
            read_options(self.environment.parsed_options, self.environment.host)
        except TelsimError as error:
            for line in (str(error), *map(str, error.findings)):
                log.error("%s", line)
            sys.exit(int(error.exit_code))

    def on_test_start(self, **_: Any) -> None:
        if isinstance(self.environment.runner, MasterRunner):
            return
        request = read_options(self.environment.parsed_options, self.environment.host)
        if request.run_dir is not None:
            create_run_directory(request.run_dir)
        worker, workers = 0, 1
        self.session = Session(
            self.environment, request, worker=worker, workers=workers, on_over=self._on_over
        )
        self.session.start()

    def engine(self) -> Engine | None:
        """The running engine, once its tape is ready."""
        session = self.session
        if session is None:
            return None
        session.ready.wait()
        return session.engine

    def close_lane(self, lane: Any) -> None:
        if self.session is not None and self.session.engine is not None:
            self.session.engine.close_lane(lane)

    def on_test_stopping(self, **_: Any) -> None:
        if self.session is not None:
            self.session.stop(self.environment.stop_timeout or 0.0)

    def _on_over(self, session: Session) -> None:
        if session.exit_code and self.environment.process_exit_code is None:
            self.environment.process_exit_code = session.exit_code
        runner = self.environment.runner
        if isinstance(runner, LocalRunner) and not session.stopped:
            gevent.spawn(runner.quit if self.environment.parsed_options.headless else runner.stop)
