"""Open loops: requests leave when they are due. What stalls do to latency stands in test_stalls.py."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from replay_rig import OK

from simulator.histogram import Histogram

pytestmark = pytest.mark.slow


def merged(histograms: dict[int, Histogram]) -> Histogram:
    total = Histogram()
    for histogram in histograms.values():
        total.merge(histogram)
    return total


@pytest.mark.parametrize(
    ("pace", "speed"), [("rate 400", 1), ("schedule", 5), ("ramp 100..700 over 500ms", 1)]
)
def test_requests_leave_in_the_order_and_at_the_times_that_they_are_due(
    pace, speed, corpus, odd_server, run_engine
):
    server = odd_server(lambda connection, seen: connection.sendall(OK))
    ran = run_engine(corpus(200, gap_ms=12), server.url, pace=pace, speed=speed, lanes=8)
    rows = np.sort(ran.rows, order="row")
    assert (np.diff(rows["due"]) >= 0).all()
    span_s = (rows["due"][-1] - rows["due"][0]) / 1e9
    expected = {"rate 400": 199 / 400, "schedule": 199 * 0.012 / 5, "ramp 100..700 over 500ms": 0.5}[pace]
    assert span_s == pytest.approx(expected, rel=0.02)
    assert (rows["sent"] >= rows["due"]).all()
    lateness = merged(ran.recorder.lateness)
    assert lateness.count == 200


def test_poisson_arrivals_are_the_same_for_a_seed_and_average_to_the_rate(corpus, odd_server, run_engine):
    server = odd_server(lambda connection, seen: connection.sendall(OK))
    first, second = (
        np.sort(run_engine(corpus(300), server.url, pace="poisson 600", lanes=8).rows, order="row")["due"]
        for _ in range(2)
    )
    assert np.diff(first).tolist() == np.diff(second).tolist()
    assert np.diff(first).mean() / 1e9 == pytest.approx(1 / 600, rel=0.2)
    assert np.diff(first).std() / np.diff(first).mean() == pytest.approx(1, rel=0.25)  # as of an exponential


@pytest.mark.alone  # what is due in a second is told by the clock, whoever else wants the cores
def test_late_starts_and_requests_that_never_started_are_counted(corpus, odd_server, run_engine):
    def slow(connection, seen) -> None:
        threading.Event().wait(0.05)
        connection.sendall(OK)

    server = odd_server(slow)
    # One lane serves 20/s; 200/s are due. After 1 s some 20 have left, late; some 180 were due and never left.
    ran = run_engine(corpus(1000), server.url, pace="rate 200", lanes=1, stop_after_s=1.0)
    sent = int((ran.rows["attempt"] > 0).sum())
    assert ran.recorder.late_starts >= sent - 3
    assert 200 - sent - 40 < ran.recorder.never_started < 200 - sent + 40
    assert sum(ran.states().values()) == 1000


def test_the_recorded_schedule_keeps_its_bursts(corpus, odd_server, run_engine):
    import msgspec
    from replay_rig import pings_for

    pings = [
        msgspec.structs.replace(ping, due_ms=1_700_000_000_000 + 30_000 * (n // 20))
        for n, ping in enumerate(pings_for(60))
    ]
    server = odd_server(lambda connection, seen: connection.sendall(OK))
    ran = run_engine(corpus(pings=pings), server.url, pace="schedule", speed=100, lanes=4)
    due = np.sort(ran.rows["due"])
    assert np.unique(due).size == 3
    assert np.diff(np.unique(due)).tolist() == [300_000_000, 300_000_000]


def test_time_windows_make_batches_of_what_is_due_together(corpus, odd_server, run_engine):
    server = odd_server(lambda connection, seen: connection.sendall(OK))
    run_engine(
        corpus(60, gap_ms=100),
        server.url,
        target="ndjson",
        pace="schedule",
        speed=100,
        batch=500,
        window_ms=1000,
    )
    sizes = [seen.body.count(b"\n") for seen in server.requests]
    assert sizes == [10] * 6


def test_a_batch_by_size_is_due_with_the_last_of_its_pings(corpus, odd_server, run_engine):
    """Whoever gathers pings cannot send those that are still to come."""
    server = odd_server(lambda connection, seen: connection.sendall(OK))
    ran = run_engine(
        corpus(60, gap_ms=100), server.url, target="ndjson", pace="schedule", speed=100, batch=20
    )
    due = np.sort(ran.rows["due"])
    assert np.diff(np.unique(due)).tolist() == [20_000_000, 20_000_000]
    started = ran.recorder.started_ns + ran.recorder.epoch_ns
    assert int(due[0]) - started == 19_000_000
