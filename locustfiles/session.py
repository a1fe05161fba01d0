"""One run inside one Locust process: builds the tape, runs the engine, and reports when it is over."""

from __future__ import annotations

import inspect
import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gevent
import msgspec
from calibration import calibrate
from collector import lag_of, window_s
from engine import Engine, hand_over
from gevent.event import Event
from locust_stats import LocustStats
from options import Request
from plan import Plan
from recorder import Recorder

from simulator.errors import ExitCode, TelsimError
from simulator.histogram import Histogram
from simulator.rundir import OutcomeWriter, WorkerHealth
from simulator.tape import Tape, TapeBuilder

log = logging.getLogger("telsim.replay")

#: A hundred looks a second: of so many, one hiccup is not the 99th percentile of a short run.
_LAG_EVERY_S = 0.01


class Session:
    """One worker's part of one run.

    Args:
        environment: Locust's.
        request: what to do.
        worker: number of this worker, from 0.
        workers: how many share the corpus.
        on_over: called once when everything is sent, or the endpoint is gone, or the run was stopped.
    """

    def __init__(
        self,
        environment: Any,
        request: Request,
        *,
        worker: int,
        workers: int,
        on_over: Callable[[Session], None],
    ) -> None:
        self.environment = environment
        self.request = request
        self.worker, self.workers = worker, workers
        self.ready = Event()
        self.over = Event()
        self.stopped = False
        #: When sending began, in seconds of the monotonic clock; 0 before.
        self.began_s = 0.0
        self.failure = ""
        self.exit_code = int(ExitCode.PASS)
        self.engine: Engine | None = None
        self._recorder: Recorder | None = None
        self._writer: OutcomeWriter | None = None
        self._on_over = on_over
        self._lag = Histogram()
        self._cpu_at_start = 0.0
        self._cpu_s = 0.0
        self._sent = (0, 0)
        self._late = 0
        self._calibration: tuple[float, float] | None = None

    def start(self) -> None:
        """Begins in the background."""
        gevent.spawn(self._run)

    def _run(self) -> None:
        watcher: Any = None
        try:
            self._prepare()
            engine = self.engine
            if engine is not None:
                self.ready.set()
                watcher = gevent.spawn(self._watch_lag)  # what went before was preparation
                self._cpu_at_start = time.process_time()
                self.began_s = time.monotonic()
                if self.stopped:
                    engine.stop()
                engine.run()
                self._cpu_s = time.process_time() - self._cpu_at_start
                self.failure = engine.given_up
                self.exit_code = int(ExitCode.FAILED if self.failure else ExitCode.PASS)
        except TelsimError as error:
            self.failure = "\n  ".join([str(error), *map(str, error.findings)])
            self.exit_code = int(error.exit_code)
        except OSError as error:
            self.failure = f"the replay cannot write its files: {error.strerror or error}"
            self.exit_code = int(ExitCode.FAILED)
        except Exception as error:
            self.failure = f"the replay broke down: {error!r}"
            self.exit_code = int(ExitCode.FAILED)
            raise
        finally:
            if watcher is not None:
                watcher.kill()
            if self._writer is not None:
                self._writer.close()
            if self.failure:
                log.error("%s", self.failure)
            self.ready.set()
            self.over.set()
            self._on_over(self)

    def _watch_lag(self) -> None:
        """How late this process's event loop wakes up: the generator's own health."""
        while True:
            before = time.monotonic_ns()
            gevent.sleep(_LAG_EVERY_S)
            self._lag.record(time.monotonic_ns() - before - int(_LAG_EVERY_S * 1e9))

    def _prepare(self) -> None:
        request = self.request
        spec = request.tape_spec(self.worker, self.workers)
        builder = TapeBuilder(request.corpus, spec, directory=request.tape_dir)
        for _ in builder.steps():
            hand_over()
        tape = replace(builder.tape, salt=request.id_salt)
        if len(tape.left_out):
            log.warning(
                "%d pings cannot go to target %s and stay unsent", len(tape.left_out), request.target.name
            )
        if request.calibrate_s and len(tape) and not self.stopped:
            self._calibration = calibrate(tape, request)
        _look_at_all_modules()
        if request.run_dir is not None:
            request.run_dir.mkdir(parents=True, exist_ok=True)
            self._writer = OutcomeWriter(request.run_dir, self.worker)
        envelope = request.target.envelope
        stats = LocustStats(self.environment, method=envelope.method if envelope else "POST")
        self._recorder = Recorder(
            tape,
            request.target,
            writer=self._writer,
            locust=stats,
            warmup_ns=int(request.warmup_s * 1e9),
            secrets=tuple(value for name in request.target.secret_names() if (value := os.environ.get(name))),
        )
        self.engine = Engine(tape, self._plan(tape), self._recorder)
        self.engine.received = stats

    def _plan(self, tape: Tape) -> Plan:
        request, meta = self.request, self.request.corpus.meta
        # What this target cannot carry counts too: the shares of all workers must add up to the rate asked for.
        share = (tape.pings + len(tape.left_out)) / max(meta.records, 1)
        timed = request.pace.rate or request.pace.rate_end
        return Plan(
            target=request.target,
            destination=request.destination,
            pace=request.pace.share(share) if timed and share else request.pace,
            rounds=request.repeat,
            origin_ms=meta.first_due_ms,
            span_ms=meta.last_due_ms - meta.first_due_ms + 1,
            seed=meta.seed,
            worker=self.worker,
            **_patience(request.patience_s),
        )

    def stop(self, timeout_s: float) -> None:
        """Sends no more and waits for the answers under way, but not longer than `timeout_s`."""
        self.stopped = True
        if self.engine is not None and self.ready.is_set():
            self.engine.stop(timeout_s)
        self.over.wait(timeout_s + 10)

    def report(self) -> dict[str, Any]:
        """What happened since the last call; with the worker's own health once the run is over."""
        recorder = self._recorder
        if recorder is None:
            return {}
        report = recorder.take()
        self._sent = (self._sent[0] + report["requests"], self._sent[1] + report["pings"])
        self._late = self._late + report["late_starts"]
        if recorder.started_ns:
            ended = recorder.ended_ns or time.monotonic_ns()
            epoch = recorder.epoch_ns
            report["window_ns"] = [
                recorder.started_ns + epoch,
                recorder.measured_from_ns + epoch,
                (recorder.measured_to_ns or ended) + epoch,
                ended + epoch,
            ]
            report["health"] = msgspec.to_builtins(self._health(recorder, ended))
            report["calibration"] = self._calibration
        return report

    def _health(self, recorder: Recorder, ended_ns: int) -> WorkerHealth:
        cpu_s = self._cpu_s or time.process_time() - self._cpu_at_start
        return WorkerHealth(
            index=self.worker,
            cpu_share=cpu_s / window_s(recorder.started_ns, ended_ns),
            loop_lag_ms=lag_of(self._lag),
            late_starts=self._late,
            never_started=recorder.never_started,
            in_flight_at_end=recorder.in_flight,
            requests=self._sent[0],
            pings=self._sent[1],
        )


def _patience(given_s: float | None) -> dict[str, float]:
    """What was asked for holds from the start: an endpoint may still be starting."""
    return {} if given_s is None else {"patience_s": given_s, "first_patience_s": given_s}


def _look_at_all_modules() -> None:
    """Has `inspect` find the files of all modules now.

    Locust asks it, for a debugging line, who ends a run (`Runner.stop`). The first such question takes a tenth of
    a second, in which no answer would be read and no request would start, just before the run ends.
    """
    inspect.stack()
