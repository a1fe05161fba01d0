"""A histogram of durations in nanoseconds: constant memory, fine where it matters, merged exactly.

Buckets are log-linear (the idea of Gil Tene's HdrHistogram) with a linear stretch in the middle:

    below 256 ns        one bucket a nanosecond
    up to 8.4 ms        128 buckets an octave, so a bucket is at most 1/128 of its value wide
    up to 4.29 s        65.5 us wide each (finer than the 0.1 ms that Locust's users ask for)
    up to 9.7 hours     128 buckets an octave again; longer durations count in the last bucket

Buckets live in a dictionary: an empty histogram costs nothing, a full one has `BUCKETS` entries. Merging adds
counts; it is exact and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

_SUB_BITS = 7  # 128 buckets an octave
_LINEAR_SHIFT = 16  # the middle stretch has buckets of 2**16 ns
_LINEAR_FROM = 1 << (_LINEAR_SHIFT + _SUB_BITS)
_LINEAR_END = 1 << 32
_LINEAR_BASE = _LINEAR_SHIFT << _SUB_BITS
#: Index of the first bucket of the upper stretch, less the 128 that every shifted value carries.
_UPPER_BASE = _LINEAR_BASE + (_LINEAR_END >> _LINEAR_SHIFT) - (1 << _SUB_BITS)
_UPPER_FIRST_BITS = 33
LONGEST_NS = (1 << 45) - 1
BUCKETS = _UPPER_BASE + ((45 - _UPPER_FIRST_BITS) << _SUB_BITS) + (1 << (_SUB_BITS + 1))

NS_PER_MS = 1_000_000


class PackedHistogram(msgspec.Struct, frozen=True, kw_only=True):
    """A histogram as JSON-able numbers.

    Args:
        buckets: gap to the previous bucket's index, count, gap, count, ...
        sum_ns: sum of all recorded values.
        max_ns: largest recorded value.
    """

    buckets: list[int] = []
    sum_ns: int = 0
    max_ns: int = 0


def bucket_of(ns: int) -> int:
    """The index of the bucket that a duration falls into. Negative durations count as 0."""
    if ns < _LINEAR_FROM:
        shift = ns.bit_length() - 8
        if shift > 0:
            return (shift << _SUB_BITS) + (ns >> shift)
        return max(ns, 0)
    if ns < _LINEAR_END:
        return _LINEAR_BASE + (ns >> _LINEAR_SHIFT)
    ns = min(ns, LONGEST_NS)
    bits = ns.bit_length()
    return _UPPER_BASE + ((bits - _UPPER_FIRST_BITS) << _SUB_BITS) + (ns >> (bits - 8))


def buckets_of(ns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """`bucket_of` for many durations at once."""
    values = np.clip(ns, 0, LONGEST_NS)
    # frexp gives e with 2**(e-1) <= value < 2**e, which is the bit length; all values fit a double.
    bits = np.frexp(values.astype(np.float64))[1].astype(np.int64)
    low_shift = np.maximum(bits - 8, 0)
    low = (low_shift << _SUB_BITS) + (values >> low_shift)
    middle = _LINEAR_BASE + (values >> _LINEAR_SHIFT)
    high_shift = np.maximum(bits - 8, 0)
    high = _UPPER_BASE + ((bits - _UPPER_FIRST_BITS) << _SUB_BITS) + (values >> high_shift)
    return np.where(values < _LINEAR_FROM, low, np.where(values < _LINEAR_END, middle, high))


def bucket_edges(index: int) -> tuple[int, int]:
    """The smallest and largest duration, in nanoseconds, that fall into a bucket."""
    first_sub, last_sub = 1 << _SUB_BITS, 1 << (_SUB_BITS + 1)
    if index < last_sub:
        return index, index
    if index < _LINEAR_BASE + first_sub:
        shift = (index >> _SUB_BITS) - 1
        low = (index - (shift << _SUB_BITS)) << shift
    elif index < _UPPER_BASE + first_sub:
        shift = _LINEAR_SHIFT
        low = (index - _LINEAR_BASE) << shift
    else:
        above = index - _UPPER_BASE - first_sub
        shift = (above >> _SUB_BITS) + _UPPER_FIRST_BITS - 8
        low = (first_sub + (above & (first_sub - 1))) << shift
    return low, low + (1 << shift) - 1


class Histogram:
    """Counts of durations, from which percentiles are read.

    A percentile is the middle of the bucket that holds the value of that rank, so it is off by at most half a
    bucket: 0.4 % below 8.4 ms, 33 us up to 4.29 s, 0.4 % beyond. Mean and maximum are exact.
    """

    __slots__ = ("_counts", "max_ns", "sum_ns")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.sum_ns = 0
        self.max_ns = 0

    def record(self, ns: int) -> None:
        """Counts one duration (nanoseconds)."""
        # bucket_of, written out: the call alone would cost as much as the rest.
        if ns < 256:
            index = ns = max(ns, 0)
        elif ns < _LINEAR_FROM:
            shift = ns.bit_length() - 8
            index = (shift << 7) + (ns >> shift)
        elif ns < _LINEAR_END:
            index = _LINEAR_BASE + (ns >> 16)
        else:
            index = bucket_of(ns)
        counts = self._counts
        try:
            counts[index] += 1
        except KeyError:
            counts[index] = 1
        self.sum_ns += ns
        if ns > self.max_ns:
            self.max_ns = ns

    def record_many(self, ns: npt.NDArray[np.int64], weights: npt.NDArray[np.int64] | None = None) -> None:
        """Counts many durations (nanoseconds), each as often as `weights` says (default: once)."""
        if not len(ns):
            return
        values = np.maximum(ns.astype(np.int64, copy=False), 0)
        counted = np.bincount(buckets_of(values), weights=weights)
        present = np.flatnonzero(counted)
        self._add(zip(present.tolist(), counted[present].astype(np.int64).tolist(), strict=True))
        self.sum_ns += int(values.sum() if weights is None else (values * weights).sum())
        self.max_ns = max(self.max_ns, int(values.max()))

    def _add(self, buckets: Iterable[tuple[int, int]]) -> None:
        counts = self._counts
        for index, count in buckets:
            counts[index] = counts.get(index, 0) + count

    def merge(self, other: Histogram) -> None:
        """Adds another histogram's counts to this one: the same as having recorded all its values here."""
        self._add(other._counts.items())
        self.sum_ns += other.sum_ns
        self.max_ns = max(self.max_ns, other.max_ns)

    @property
    def count(self) -> int:
        """How many durations were counted."""
        return sum(self._counts.values())

    @property
    def mean_ns(self) -> float:
        """The exact mean in nanoseconds; 0 where nothing was counted."""
        count = self.count
        return self.sum_ns / count if count else 0.0

    def percentile(self, q: float) -> int:
        """The duration (nanoseconds) that `q` percent do not exceed; 0 where nothing was counted."""
        return self.percentiles([q])[0]

    def percentiles(self, qs: Sequence[float]) -> list[int]:
        """Several percentiles at once, each as `percentile` gives it."""
        if not self._counts:
            return [0] * len(qs)
        indices, cumulative = self.cumulative()
        total = int(cumulative[-1])
        ranks = np.clip(np.ceil(np.asarray(qs, dtype=np.float64) / 100 * total - 1e-9), 1, total)
        found = indices[np.searchsorted(cumulative, ranks)]
        return [min(sum(bucket_edges(int(index))) // 2, self.max_ns) for index in found]

    def cumulative(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Bucket indices in ascending order, and how many durations lie in each or below it."""
        indices = np.array(sorted(self._counts), dtype=np.int64)
        counts = np.array([self._counts[index] for index in indices.tolist()], dtype=np.int64)
        return indices, np.cumsum(counts)

    def pack(self) -> PackedHistogram:
        """The sparse form to store or to ship; `msgspec.to_builtins` makes plain dictionaries of it."""
        flat: list[int] = []
        previous = 0
        for index in sorted(self._counts):
            flat += (index - previous, self._counts[index])
            previous = index
        return PackedHistogram(buckets=flat, sum_ns=self.sum_ns, max_ns=self.max_ns)

    def take(self) -> PackedHistogram:
        """`pack`, and starts again from nothing: what was recorded since the last shipment."""
        packed = self.pack()
        self._counts.clear()
        self.sum_ns = self.max_ns = 0
        return packed

    def add_packed(self, packed: PackedHistogram) -> None:
        """Merges a packed histogram into this one."""
        indices = np.cumsum(np.array(packed.buckets[0::2], dtype=np.int64)).tolist()
        self._add(zip(indices, packed.buckets[1::2], strict=True))
        self.sum_ns += packed.sum_ns
        self.max_ns = max(self.max_ns, packed.max_ns)


def unpack(packed: PackedHistogram) -> Histogram:
    """The histogram that `pack` was called on."""
    histogram = Histogram()
    histogram.add_packed(packed)
    return histogram
