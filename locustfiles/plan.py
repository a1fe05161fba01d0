"""What one worker's engine is to do."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.guard import Destination
from simulator.pacing import Pace
from simulator.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the engine is to do.

    Args:
        target: endpoint profile.
        destination: where to, checked and pinned.
        pace: this worker's part of the pace.
        rounds: how often the tape is sent; 0: until stopped.
        origin_ms: recorded time that counts as the start, for `schedule`.
        span_ms: recorded time from one repetition's start to the next one's, for `schedule`.
        seed: for Poisson arrivals and the jitter of retries.
        worker: number of this worker.
        patience_s: how long the endpoint may refuse connections before the run gives up.
        first_patience_s: the same while nothing has been answered yet: a wrong port should be told soon.
    """

    target: Target
    destination: Destination
    pace: Pace
    rounds: int = 1
    origin_ms: int = 0
    span_ms: int = 0
    seed: int = 0
    worker: int = 0
    patience_s: float = 10.0
    first_patience_s: float = 2.0
