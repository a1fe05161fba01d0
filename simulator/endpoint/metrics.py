"""What the endpoint counts, and its text form for Prometheus (exposition format 0.0.4)."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence

STAGES = ("read", "decompress", "parse", "validate", "store")

#: Upper bounds of the stage histograms, in microseconds and as Prometheus wants them, in seconds.
_BOUNDS_US = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 1_000_000)
_BOUNDS_NS = tuple(bound * 1_000 for bound in _BOUNDS_US)
#: Requests whose stage times are kept before they are sorted into the histograms. Together they cost half of what
#: they cost one at a time; more at once would hold up the loop for longer than half a millisecond.
_TOGETHER = 256
_BOUNDS_TEXT = (*(f"{bound / 1e6:g}" for bound in _BOUNDS_US), "+Inf")


class Metrics:
    """Request counters and stage times of one endpoint process; reset by a restart, unlike the ledger."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._buckets = [[0] * len(_BOUNDS_TEXT) for _ in STAGES]
        self._sums_ns = [0] * len(STAGES)
        self._fresh: list[tuple[str, int, Sequence[int]]] = []
        self.counts: Counter[str] = Counter()

    def request(self, carrier: str, status: int, stages_ns: Sequence[int]) -> None:
        """Count one answered request and its stage times (nanoseconds, in the order of `STAGES`)."""
        self._fresh.append((carrier, status, stages_ns))
        if len(self._fresh) >= _TOGETHER:
            self._sort_in()

    def _sort_in(self) -> None:
        """Count the requests that were kept."""
        fresh, self._fresh = self._fresh, []
        self._requests.update([(carrier, status) for carrier, status, _ in fresh])
        for stage, times in enumerate(zip(*(stages for _, _, stages in fresh), strict=True)):
            self._sums_ns[stage] += sum(times)
            ordered, before = sorted(times), 0
            for place, bound in enumerate(_BOUNDS_NS):
                within = bisect_right(ordered, bound)
                self._buckets[stage][place] += within - before
                before = within
            self._buckets[stage][-1] += len(ordered) - before

    def text(self, pings: Mapping[tuple[str, str], int], gauges: Mapping[str, float]) -> str:
        """The metrics page.

        Args:
            pings: decisions by (code, route), from the ledger, so they outlive a restart.
            gauges: read at the moment of asking: queue depth, connections, sizes.
        """
        self._sort_in()
        lines = ["# TYPE telsim_pings_total counter"]
        for (code, route), count in sorted(pings.items()):
            lines.append(f'telsim_pings_total{{code="{code}",route="{route}"}} {count}')
        lines.append("# TYPE telsim_requests_total counter")
        for (carrier, status), count in sorted(self._requests.items()):
            lines.append(f'telsim_requests_total{{carrier="{carrier}",status="{status}"}} {count}')
        lines.append("# TYPE telsim_stage_seconds histogram")
        for stage, name in enumerate(STAGES):
            lines += self._histogram(stage, name)
        for name, count in sorted(self.counts.items()):
            lines += (f"# TYPE telsim_{name}_total counter", f"telsim_{name}_total {count}")
        for name, value in gauges.items():
            lines += (f"# TYPE telsim_{name} gauge", f"telsim_{name} {value}")
        return "\n".join(lines) + "\n"

    def _histogram(self, stage: int, name: str) -> list[str]:
        lines, total = [], 0
        for bound, count in zip(_BOUNDS_TEXT, self._buckets[stage], strict=True):
            total += count
            lines.append(f'telsim_stage_seconds_bucket{{stage="{name}",le="{bound}"}} {total}')
        lines.append(f'telsim_stage_seconds_sum{{stage="{name}"}} {self._sums_ns[stage] / 1e9}')
        lines.append(f'telsim_stage_seconds_count{{stage="{name}"}} {total}')
        return lines
