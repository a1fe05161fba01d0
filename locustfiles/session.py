"""One run inside one Locust process: builds the tape, runs the engine, and tells Locust when it is over."""

from __future__ import annotations

import logging
from typing import Any

import gevent
from engine import Engine, Plan
from gevent.event import Event
from locust_stats import LocustStats
from options import Request
from recorder import Recorder

from simulator.errors import ExitCode, TelsimError
from simulator.rundir import OutcomeWriter
from simulator.tape import Tape, TapeBuilder

log = logging.getLogger("telsim.replay")


class Session:
    """One worker's part of one run.

    Args:
        environment: Locust's.
        request: what to do.
        worker: number of this worker, from 0.
        workers: how many share the corpus.
        on_over: called once when everything is sent, or the endpoint is gone.
    """

    def __init__(
        self, environment: Any, request: Request, *, worker: int, workers: int, on_over: Any
    ) -> None:
        self.environment = environment
        self.request = request
        self.worker, self.workers = worker, workers
        self.ready = Event()
        self.over = Event()
        self.stopped = False
        self.failure = ""
        self.engine: Engine | None = None
        self.recorder: Recorder | None = None
        self.tape: Tape | None = None
        self._writer: OutcomeWriter | None = None
        self._on_over = on_over

    def start(self) -> None:
        """Begins in the background."""
        gevent.spawn(self._run)

    def _run(self) -> None:
        try:
            self._prepare()
            if not self.stopped and self.engine is not None:
                self.ready.set()
                self.engine.run()
                self.failure = self.engine.given_up
        except TelsimError as error:
            self.failure = "\n  ".join([str(error), *map(str, error.findings)])
            self.environment.process_exit_code = int(error.exit_code)
        finally:
            if self._writer is not None:
                self._writer.close()
            self.ready.set()
            self.over.set()
        if self.failure:
            log.error("%s", self.failure)
        self._on_over(self)

    def _prepare(self) -> None:
        request = self.request
        spec = request.tape_spec(self.worker, self.workers)
        builder = TapeBuilder(request.corpus, spec, directory=request.tape_dir)
        for _ in builder.steps():
            gevent.sleep(0)
            if self.stopped:
                return
        self.tape = tape = builder.tape
        if len(tape.left_out):
            log.warning(
                "%d pings cannot go to target %s and stay unsent", len(tape.left_out), request.target.name
            )
        if request.run_dir is not None:
            self._writer = OutcomeWriter(request.run_dir, self.worker)
        self.recorder = Recorder(
            tape,
            request.target,
            writer=self._writer,
            locust=LocustStats(self.environment),
            warmup_ns=int(request.warmup_s * 1e9),
        )
        self.engine = Engine(tape, self._plan(tape), self.recorder)

    def _plan(self, tape: Tape) -> Plan:
        request, meta = self.request, self.request.corpus.meta
        share = tape.pings / max(meta.records, 1)
        return Plan(
            target=request.target,
            destination=request.destination,
            pace=request.pace.share(share) if request.pace.rate or request.pace.rate_end else request.pace,
            rounds=request.repeat,
            origin_ms=meta.first_due_ms,
            span_ms=meta.last_due_ms - meta.first_due_ms + 1,
            seed=meta.seed,
            worker=self.worker,
            patience_s=request.patience_s,
        )

    def stop(self, timeout_s: float) -> None:
        """Sends no more, waits for the answers under way."""
        self.stopped = True
        if self.engine is not None and self.ready.is_set():
            self.engine.stop()
        self.over.wait(timeout_s)

    @property
    def exit_code(self) -> int:
        """0, or 1 where the endpoint was gone."""
        return int(ExitCode.FAILED if self.failure else ExitCode.PASS)
