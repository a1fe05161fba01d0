"""What limited a run: the target, the generator, or the schedule that it was asked to keep.

The rules are tried in the order of `RULES`; the first that has something to say decides. Each is a pure function
of the evidence and gives its reason in words, so a report can be argued with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from simulator.rundir import RunMeta

Bound = Literal["target", "generator", "schedule", "undecided"]

_SHORTEST_WINDOW_S = 1.0
_FEWEST_REQUESTS = 50
_BUSY_CPU = 0.90
_IDLE_CPU = 0.70
_LAGGING_MS = 20.0
_LAG_OF_LATENCY = 0.5
_MANY_LATE = 0.01
_NEAR_CALIBRATION = 0.80
_FAR_FROM_CALIBRATION = 0.50


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the generator's own state.

    Args:
        window_s: length of the measured window.
        requests: requests in it.
        open_loop: whether requests had due times.
        busiest_cpu: CPU share of the busiest worker (1.0: one core, always busy); 0 where not measured.
        loop_lag_p99_ms: of the worst worker.
        latency_p50_ms: median service time.
        late_share: requests that left late or never, of all that were due.
        calibration_share: rate reached, of what this generator reaches against a null sink; None: not calibrated.
    """

    window_s: float
    requests: int
    open_loop: bool
    busiest_cpu: float
    loop_lag_p99_ms: float
    latency_p50_ms: float
    late_share: float
    calibration_share: float | None


@dataclass(frozen=True, slots=True)
class BoundVerdict:
    """What limited the run, and why we think so."""

    bound: Bound
    reason: str


Rule = Callable[[Evidence], BoundVerdict | None]


def gather(meta: RunMeta, *, window_s: float, requests: int, latency_p50_ms: float) -> Evidence:
    """The evidence in `run.json`."""
    workers = meta.workers
    never = sum(worker.never_started for worker in workers)
    due = max(1, sum(worker.requests for worker in workers) + never)
    rate = requests / window_s if window_s else 0.0
    best = meta.calibration.requests_per_s if meta.calibration else 0.0
    return Evidence(
        window_s=window_s,
        requests=requests,
        open_loop=meta.pacing.open_loop,
        busiest_cpu=max((worker.cpu_share for worker in workers), default=0.0),
        loop_lag_p99_ms=max((worker.loop_lag_ms.p99 for worker in workers), default=0.0),
        latency_p50_ms=latency_p50_ms,
        late_share=(sum(worker.late_starts for worker in workers) + never) / due,
        calibration_share=rate / best if best else None,
    )


def too_short(e: Evidence) -> BoundVerdict | None:
    """A run of a moment says nothing about limits."""
    if e.window_s >= _SHORTEST_WINDOW_S and e.requests >= _FEWEST_REQUESTS:
        return None
    return BoundVerdict("undecided", f"too short to tell ({e.requests} requests in {e.window_s:.1f} s)")


def schedule_kept(e: Evidence) -> BoundVerdict | None:
    """An open loop whose requests all left in time was limited by nothing but its schedule."""
    if not e.open_loop or e.late_share > _MANY_LATE:
        return None
    return BoundVerdict(
        "schedule", f"{1 - e.late_share:.1%} of the requests left in time: neither side was at its limit"
    )


def near_calibration(e: Evidence) -> BoundVerdict | None:
    """A closed loop that is as fast as against a null sink cannot show more of the target."""
    if e.open_loop or e.calibration_share is None or e.calibration_share < _NEAR_CALIBRATION:
        return None
    return BoundVerdict(
        "generator", f"it sent {e.calibration_share:.0%} of what it reaches against a null sink"
    )


def far_from_calibration(e: Evidence) -> BoundVerdict | None:
    """A closed loop that does much more against a null sink was waiting for the target."""
    if e.open_loop or e.calibration_share is None or e.calibration_share > _FAR_FROM_CALIBRATION:
        return None
    return BoundVerdict("target", f"it sent {e.calibration_share:.0%} of what it reaches against a null sink")


def starved(e: Evidence) -> BoundVerdict | None:
    """A worker whose core is always busy holds its requests back; so does, in an open loop, one that wakes late."""
    if e.busiest_cpu >= _BUSY_CPU:
        return BoundVerdict("generator", f"a worker used {e.busiest_cpu:.0%} of a core")
    if e.open_loop and e.loop_lag_p99_ms >= _LAGGING_MS:
        return BoundVerdict("generator", f"a worker's loop ran {e.loop_lag_p99_ms:.0f} ms late (p99)")
    return None


def crowded(e: Evidence) -> BoundVerdict | None:
    """A closed loop that wakes late without being busy shares its machine; answers then wait to be read."""
    if e.loop_lag_p99_ms < max(_LAGGING_MS, _LAG_OF_LATENCY * e.latency_p50_ms):
        return None
    lag = f"a worker's loop ran {e.loop_lag_p99_ms:.0f} ms late (p99) at {e.busiest_cpu:.0%} of a core"
    return BoundVerdict("undecided", f"the generator's machine is crowded: {lag}")


def idle(e: Evidence) -> BoundVerdict | None:
    """A generator with time to spare that still sends no more is waiting for answers."""
    if not 0 < e.busiest_cpu <= _IDLE_CPU:
        return None
    late = f" and {e.late_share:.1%} of the requests found no free connection" if e.open_loop else ""
    return BoundVerdict("target", f"the busiest worker used {e.busiest_cpu:.0%} of a core{late}")


def undecided(e: Evidence) -> BoundVerdict | None:
    """Nothing speaks clearly for either side."""
    known = "not measured" if not e.busiest_cpu else f"{e.busiest_cpu:.0%}"
    return BoundVerdict("undecided", f"CPU of the busiest worker: {known}; calibrate to know more")


RULES: tuple[Rule, ...] = (
    too_short,
    schedule_kept,
    near_calibration,
    far_from_calibration,
    starved,
    crowded,
    idle,
    undecided,
)


def judge_bound(evidence: Evidence) -> BoundVerdict:
    """The verdict of the first rule that has one."""
    return next(verdict for rule in RULES if (verdict := rule(evidence)))
