"""Latency in an open loop is the truth about a server that stalls; a closed loop's figure hides the same stall.

The truth comes from the server's own record: it says when it stood still and when it answered, in a process of its
own, on the clock that all processes of a machine share. A second process that only sleeps is the control: where it
shows that the machine itself stood still, nothing was measured and the run is done again. The figures under test
have no say in that.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from replay_rig import Ran, ids_for

from simulator.histogram import Histogram

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent
RATE, COUNT = 500, 2000
STALLS = ((0.5, 1.5), (2.5, 2.75))
TRIES = 10
QUIET_S = 0.03  # standing still for longer could shift half a second by 5 % on its own
WITHIN = 0.05


class Witness:
    """A script that runs beside the test and reports as JSON when its standard input ends."""

    def __init__(self, script: str, *arguments: str) -> None:
        command = [sys.executable, str(HERE / script), *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.greeting = self._process.stdout.readline().strip()

    def report(self) -> Any:
        output, _ = self._process.communicate(timeout=30)
        return json.loads(output)


def on_a_quiet_machine(run: Callable[[str], Ran]) -> tuple[Ran, dict[str, Any]]:
    """A run against the stalling server, and the server's record of it."""
    overslept = []
    for _ in range(TRIES):
        server = Witness("stalling_server.py", *(f"{begin}-{end}" for begin, end in STALLS))
        control = Witness("machine_control.py")
        ran = run(f"http://127.0.0.1:{server.greeting}")
        record = server.report()
        overslept.append(control.report())
        if overslept[-1] < QUIET_S:
            return ran, record
    pytest.fail(f"nothing was measured: the machine stood still in each of {TRIES} runs ({overslept} s)")


def merged(histograms: dict[int, Histogram]) -> Histogram:
    total = Histogram()
    for histogram in histograms.values():
        total.merge(histogram)
    return total


def figures_of(latencies_ns: np.ndarray) -> dict[str, float]:
    p90, p99 = np.percentile(latencies_ns, [90, 99], method="inverted_cdf")
    values = {"mean": latencies_ns.mean(), "p90": p90, "p99": p99, "max": latencies_ns.max()}
    return {name: float(value) / 1e6 for name, value in values.items()}


def figures_in(histogram: Histogram) -> dict[str, float]:
    p90, p99 = histogram.percentiles([90, 99])
    values = {"mean": histogram.mean_ns, "p90": p90, "p99": p99, "max": histogram.max_ns}
    return {name: value / 1e6 for name, value in values.items()}


@pytest.mark.parametrize("lanes", [8, 600])
def test_the_open_loop_tells_the_truth_about_a_stall(lanes, corpus, run_engine):
    # With 8 lanes most requests of a stall wait in the generator, with 600 all of them wait at the server.
    pings = corpus(COUNT)
    ran, record = on_a_quiet_machine(lambda url: run_engine(pings, url, pace=f"rate {RATE}", lanes=lanes))
    assert ran.states() == {"accepted": COUNT}
    measured = figures_in(merged(ran.recorder.corrected))

    # What every caller had to wait, by the server's clock: request n is due n/rate after the first one.
    due = record["first_ns"] + np.arange(COUNT) * (1_000_000_000 // RATE)
    answered = np.array([record["answered"][id_] for id_ in ids_for(COUNT)])
    assert measured == pytest.approx(figures_of(np.maximum(answered - due, 0)), rel=WITHIN)

    # And by the stalls alone, as if everything else took no time: who is due in a stall waits for its end.
    assert len(record["stalls"]) == len(STALLS)
    waits = np.zeros(COUNT)
    for begin, end in record["stalls"]:
        inside = (due >= begin) & (due < end)
        waits[inside] = end - due[inside]
    assert measured == pytest.approx(figures_of(waits), rel=WITHIN)

    # The real sends of the same run, which is what a closed loop reports, do not show it.
    if lanes == 8:
        assert merged(ran.recorder.service).percentile(90) / 1e6 < measured["p90"] / 20


def test_the_closed_loop_hides_the_same_stalls(corpus, run_engine):
    pings = corpus(COUNT)
    ran, record = on_a_quiet_machine(
        lambda url: run_engine(pings, url, pace="max", lanes=8, rounds=0, stop_after_s=COUNT / RATE)
    )
    stood_still_s = sum(end - begin for begin, end in record["stalls"]) / 1e9
    assert stood_still_s == pytest.approx(1.25, rel=0.05)  # of four seconds
    closed = figures_in(merged(ran.recorder.service))
    assert not ran.recorder.corrected
    assert closed["max"] > 900  # eight requests met it,
    assert closed["p99"] < 50  # the 99th percentile knows nothing of it,
    assert closed["mean"] < 10  # and the mean is nowhere near the 130 ms that callers waited
