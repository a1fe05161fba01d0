"""When each request of a run is due: pure functions from a request's number to its time, and back.

Nothing here sleeps or reads a clock, so the tests are tables (vegeta's pacer is the model). A *closed* pace has
no due times: the next request leaves when an answer has come. An *open* pace has one for every request, whatever
the endpoint does, and latency counts from it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from simulator.errors import UsageError
from simulator.randomness import client_keys, uniforms

Model = Literal["max", "rate", "poisson", "ramp", "schedule"]
Times = npt.NDArray[np.int64]

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000

PACE_HELP = (
    "max | rate N | poisson N | ramp A..B over T | schedule; N, A and B in requests/s over all workers, "
    "T such as 30s or 5m"
)

_NUMBER = r"(\d+(?:\.\d+)?)"
_RATE = re.compile(rf"(rate|poisson)[ =:]+{_NUMBER}(?:/s)?$")
_RAMP = re.compile(rf"ramp[ =:]+{_NUMBER}\.\.{_NUMBER}(?:/s)? over (\S+)$")
_DURATION = re.compile(rf"{_NUMBER}(ms|s|m|h|d)?$")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Pace:
    """How requests follow each other.

    Args:
        model: which of the models below.
        rate: requests a second; the rate at the start for `ramp`.
        rate_end: for `ramp`, the rate after `over_s` seconds, kept from then on.
        over_s: length of the ramp in seconds.
        speed: for `schedule`, how many times faster than recorded.
    """

    model: Model
    rate: float = 0.0
    rate_end: float = 0.0
    over_s: float = 0.0
    speed: float = 1.0

    @property
    def is_open(self) -> bool:
        """Whether requests have due times of their own."""
        return self.model != "max"

    def share(self, part: float) -> Pace:
        """The pace of one worker that has `part` (0 to 1) of all requests: rates shrink, timing stays.

        Poisson streams thinned this way add up to the whole one.
        """
        return Pace(self.model, self.rate * part, self.rate_end * part, self.over_s, self.speed)


def parse_pace(text: str, *, speed: float = 1.0) -> Pace:
    """Reads a pace as the command line gives it (see `PACE_HELP`).

    Raises:
        UsageError: the text is none of the models, or a number in it makes no sense.
    """
    plain = " ".join(text.lower().split())
    if not math.isfinite(speed) or speed <= 0:
        raise UsageError(
            f"--speed {speed:g} makes no sense: it must be above 0 (60 plays an hour in a minute)"
        )
    if plain == "max":
        return Pace("max")
    if plain == "schedule":
        return Pace("schedule", speed=speed)
    if match := _RATE.match(plain):
        model: Model = "rate" if match[1] == "rate" else "poisson"
        return Pace(model, _positive(float(match[2]), text))
    if match := _RAMP.match(plain):
        start, end, over_s = float(match[1]), float(match[2]), duration_s(match[3])
        _positive(max(start, end), text)
        return Pace("ramp", start, _positive(end, text), _positive(over_s, text))
    raise UsageError(f"--pace {text!r} is not a pace; it can be: {PACE_HELP}")


def duration_s(text: str) -> float:
    """Seconds in a duration such as `250ms`, `5s`, `2m`, `1h`; a bare number counts seconds.

    Raises:
        UsageError: it is no duration.
    """
    match = _DURATION.match(text.strip().lower())
    if not match:
        raise UsageError(f"{text!r} is not a duration; write it like 250ms, 5s, 2m or 1h")
    return float(match[1]) * _UNITS_S[match[2] or "s"]


def _positive(value: float, text: str) -> float:
    if value <= 0:
        raise UsageError(f"--pace {text!r}: rates and times must be above 0")
    return value


def due_ns(pace: Pace, first: int, count: int) -> Times:
    """Due times, in nanoseconds after the start, of requests `first` to `first + count - 1`.

    For `rate` and `ramp` only: `poisson` sums up (see `PoissonArrivals`), `schedule` takes the corpus's own
    times (see `schedule_ns`), `max` has none.

    Raises:
        ValueError: another model.
    """
    numbers = np.arange(first, first + count, dtype=np.float64)
    if pace.model == "rate":
        seconds = numbers / pace.rate
    elif pace.model == "ramp":
        seconds = _ramp_times(pace, numbers)
    else:
        raise ValueError(f"{pace.model} has no due times by number alone")
    return (seconds * NS_PER_S).astype(np.int64)


def _ramp_times(pace: Pace, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # Until t requests A t + (B - A) t^2 / 2T are due; solved for t in the form that does not cancel for A = B.
    slope = (pace.rate_end - pace.rate) / pace.over_s
    in_ramp = (pace.rate + pace.rate_end) / 2 * pace.over_s
    inside = np.minimum(numbers, in_ramp)
    root = np.sqrt(np.maximum(pace.rate**2 + 2 * slope * inside, 0.0))
    divisor = np.where(root + pace.rate > 0, root + pace.rate, 1.0)
    after = np.maximum(numbers - in_ramp, 0.0) / pace.rate_end
    return 2 * inside / divisor + after


def due_count(pace: Pace, elapsed_s: float) -> int:
    """How many requests of a `rate` or `ramp` pace are due `elapsed_s` seconds after the start.

    Raises:
        ValueError: another model.
    """
    if elapsed_s < 0:
        return 0
    if pace.model == "rate":
        return int(elapsed_s * pace.rate + 1e-9) + 1
    if pace.model == "ramp":
        inside = min(elapsed_s, pace.over_s)
        slope = (pace.rate_end - pace.rate) / pace.over_s
        due = pace.rate * inside + slope * inside**2 / 2 + (elapsed_s - inside) * pace.rate_end
        return int(due + 1e-9) + 1
    raise ValueError(f"{pace.model} has no count by time alone")


class PoissonArrivals:
    """Arrivals with independent exponential gaps: the n-th gap is a pure function of (seed, worker, n).

    Args:
        rate: mean arrivals a second.
        seed: of the corpus, so that a run can be repeated.
        worker: number of the worker; each has its own stream.
    """

    def __init__(self, rate: float, *, seed: int, worker: int) -> None:
        self._rate = rate
        self._key = client_keys(seed, "replay/poisson", [worker])
        self._drawn = 0
        self._last_s = 0.0

    def next_ns(self, count: int) -> Times:
        """The next `count` arrival times, in nanoseconds after the start."""
        counters = np.arange(self._drawn, self._drawn + count, dtype=np.uint64)
        gaps = -np.log1p(-uniforms(self._key, counters)) / self._rate
        times = self._last_s + np.cumsum(gaps)
        self._drawn += count
        if count:
            self._last_s = float(times[-1])
        return (times * NS_PER_S).astype(np.int64)


def schedule_ns(due_ms: Times, *, origin_ms: int, speed: float) -> Times:
    """The corpus's own timing, in nanoseconds after the start, played `speed` times as fast.

    Args:
        due_ms: recorded times, milliseconds since the Unix epoch.
        origin_ms: the recorded time that is the start of the run (the same on every worker).
        speed: 60 plays an hour in a minute.
    """
    return ((due_ms - origin_ms).astype(np.float64) * (NS_PER_MS / speed)).astype(np.int64)
