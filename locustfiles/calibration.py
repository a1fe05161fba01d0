"""How fast this generator is when nothing holds it up: the same requests against a null sink, for a moment."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import gevent
from engine import Engine
from options import Request
from plan import Plan
from recorder import Recorder

from simulator.errors import EndpointError
from simulator.guard import admit
from simulator.pacing import Pace
from simulator.tape import Tape

_LANES = 16


def calibrate(tape: Tape, request: Request) -> tuple[float, float]:
    """Requests and pings a second that this process reaches against a null sink of its own on loopback.

    The tape keeps its own Host header; the sink does not read it. Ids are those of the first round.

    Raises:
        EndpointError: the sink does not start.
    """
    sink = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("null_sink.py"))], stdout=subprocess.PIPE, text=True
    )
    try:
        line = sink.stdout.readline() if sink.stdout else ""
        if not line.strip().isdigit():
            raise EndpointError("the null sink of the calibration does not start")
        target = request.target.model_copy(
            update={"retry": request.target.retry.model_copy(update={"policy": "none"})}
        )
        recorder = Recorder(tape, target, writer=None, locust=None)
        plan = Plan(
            target=target,
            destination=replace(admit(f"http://127.0.0.1:{line.strip()}")),
            pace=Pace("max"),
            rounds=1,
            patience_s=1.0,
        )
        return _measure(Engine(tape, plan, recorder), recorder, request.calibrate_s)
    finally:
        sink.kill()
        sink.wait()


def _measure(engine: Engine, recorder: Recorder, seconds: float) -> tuple[float, float]:
    for _ in range(_LANES):
        engine.open_lane(lambda: None)
    stopper = gevent.spawn_later(seconds, engine.stop, 1.0)
    engine.run()
    stopper.kill()
    took_s = max(recorder.ended_ns - recorder.started_ns, 1) / 1e9
    return recorder.finished_requests / took_s, recorder.finished_pings / took_s
