"""Who was the limit: one line of evidence, one verdict, and a reason for it."""

import dataclasses

import pytest

from simulator.reconcile.bound import RULES, Evidence, gather, judge_bound, undecided
from simulator.rundir import Calibration, Lag, Pacing, RunMeta, WorkerHealth

PLAIN = Evidence(
    window_s=10,
    requests=10_000,
    open_loop=False,
    busiest_cpu=0.8,
    loop_lag_p99_ms=1,
    latency_p50_ms=10,
    late_share=0,
    calibration_share=None,
)


@pytest.mark.parametrize(
    ("evidence", "bound", "because"),
    [
        ({"window_s": 0.9, "busiest_cpu": 1.0}, "undecided", "too short"),
        ({"requests": 20}, "undecided", "too short"),
        ({"open_loop": True}, "schedule", "left in time"),
        ({"open_loop": True, "busiest_cpu": 0.99}, "schedule", "left in time"),
        ({"open_loop": True, "late_share": 0.2, "busiest_cpu": 0.95}, "generator", "95%"),
        ({"open_loop": True, "late_share": 0.2, "loop_lag_p99_ms": 80}, "generator", "80 ms late"),
        ({"open_loop": True, "late_share": 0.2, "busiest_cpu": 0.3}, "target", "no free connection"),
        ({"open_loop": True, "late_share": 0.2, "calibration_share": 0.01}, "undecided", "calibrate"),
        ({"calibration_share": 0.95, "busiest_cpu": 0.5}, "generator", "95%"),
        ({"calibration_share": 0.2, "busiest_cpu": 0.99}, "target", "20%"),
        ({"calibration_share": 0.65}, "undecided", "80%"),
        ({"loop_lag_p99_ms": 30}, "undecided", "crowded: a worker's loop ran 30 ms late"),
        ({"loop_lag_p99_ms": 30, "latency_p50_ms": 90, "busiest_cpu": 0.2}, "target", "20%"),
        ({"busiest_cpu": 0.97}, "generator", "97%"),
        ({"busiest_cpu": 0.4}, "target", "40%"),
        ({"busiest_cpu": 0.0}, "undecided", "not measured"),
        ({}, "undecided", "calibrate"),
        # where one kind of evidence ends and the next begins
        ({"window_s": 1, "requests": 50, "busiest_cpu": 0.4}, "target", "40%"),
        ({"window_s": 1, "requests": 49, "busiest_cpu": 0.4}, "undecided", "too short"),
        ({"open_loop": True, "late_share": 0.01, "busiest_cpu": 0.95}, "schedule", "99.0%"),
        ({"open_loop": True, "late_share": 0.011, "busiest_cpu": 0.95}, "generator", "95%"),
        ({"calibration_share": 0.8, "busiest_cpu": 0.4}, "generator", "80%"),
        ({"calibration_share": 0.79, "busiest_cpu": 0.4}, "target", "40%"),
        ({"calibration_share": 0.5, "busiest_cpu": 0.95}, "target", "50%"),
        ({"calibration_share": 0.51, "busiest_cpu": 0.95}, "generator", "95%"),
        ({"busiest_cpu": 0.9}, "generator", "90%"),
        ({"busiest_cpu": 0.89}, "undecided", "89%"),
        ({"busiest_cpu": 0.71}, "undecided", "71%"),
        ({"busiest_cpu": 0.7}, "target", "70%"),
        ({"loop_lag_p99_ms": 20, "busiest_cpu": 0.4}, "undecided", "crowded"),
        ({"loop_lag_p99_ms": 19, "busiest_cpu": 0.4}, "target", "40%"),
        ({"loop_lag_p99_ms": 30, "latency_p50_ms": 60, "busiest_cpu": 0.4}, "undecided", "crowded"),
        (
            {"open_loop": True, "late_share": 0.2, "loop_lag_p99_ms": 20, "busiest_cpu": 0.4},
            "generator",
            "20 ms",
        ),
        ({"open_loop": True, "late_share": 0.2, "loop_lag_p99_ms": 19, "busiest_cpu": 0.4}, "target", "40%"),
    ],
)
def test_the_evidence_decides(evidence, bound, because):
    verdict = judge_bound(dataclasses.replace(PLAIN, **evidence))
    assert verdict.bound == bound
    assert because in verdict.reason


def test_the_last_rule_always_has_a_verdict():
    assert RULES[-1] is undecided
    assert undecided(PLAIN) is not None


def test_evidence_is_of_the_worst_worker():
    workers = [
        WorkerHealth(index=0, cpu_share=0.2, loop_lag_ms=Lag(p99=30), late_starts=5, requests=50),
        WorkerHealth(index=1, cpu_share=0.9, loop_lag_ms=Lag(p99=3), never_started=10, requests=40),
    ]
    calibration = Calibration(requests_per_s=100, pings_per_s=100)
    meta = RunMeta(workers=workers, pacing=Pacing(open_loop=True), calibration=calibration)
    found = gather(meta, window_s=3, requests=90, latency_p50_ms=1)
    assert (found.busiest_cpu, found.loop_lag_p99_ms, found.late_share) == (0.9, 30, 0.15)
    assert found.calibration_share == pytest.approx(0.3)


def test_no_workers_is_no_evidence():
    assert gather(RunMeta(), window_s=0, requests=0, latency_p50_ms=0).calibration_share is None
