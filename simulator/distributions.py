"""Distributions as quantile tables: one uniform number in, one whole number out.

A table is made once from the inverse of a distribution function and rounded to whole units, so the last bit of
a machine's logarithm never reaches a corpus; a draw is one interpolation between two neighbours.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import accumulate
from statistics import NormalDist
from typing import Generic, TypeVar

_STEPS = 2048
_EDGE = 1 / (8 * _STEPS)

T = TypeVar("T", bound=Hashable)


class Quantiles:
    """A distribution of whole numbers, given by its quantiles.

    Args:
        inverse: from a probability in (0, 1) to the value below which that share of draws falls.
    """

    __slots__ = ("_table",)

    def __init__(self, inverse: Callable[[float], float]) -> None:
        at = (min(max(i / _STEPS, _EDGE), 1 - _EDGE) for i in range(_STEPS + 1))
        self._table = [round(inverse(q)) for q in at]

    def __call__(self, u: float) -> int:
        """The value at the share `u` in [0, 1)."""
        x = u * _STEPS
        i = int(x)
        low = self._table[i]
        return low + int((self._table[i + 1] - low) * (x - i))


def exponential(mean: float) -> Quantiles:
    """Waiting times of a Poisson process with the given mean."""
    return Quantiles(lambda q: -mean * math.log1p(-q))


def lognormal(median: float, sigma: float) -> Quantiles:
    """Log-normal: `median` in the middle, `sigma` the standard deviation of the logarithm."""
    normal = NormalDist()
    return Quantiles(lambda q: median * math.exp(sigma * normal.inv_cdf(q)))


def weibull(median: float, shape: float) -> Quantiles:
    """Weibull; a shape below 1 is the negative ageing of page dwell times (Liu, White, Dumais, SIGIR 2010)."""
    scale = median / math.log(2) ** (1 / shape)
    return Quantiles(lambda q: scale * (-math.log1p(-q)) ** (1 / shape))


class Choice(Generic[T]):
    """A weighted choice among named things.

    Args:
        weights: relative weights; those of 0 are never chosen.
    """

    __slots__ = ("_last", "cumulative", "values")

    def __init__(self, weights: Mapping[T, float]) -> None:
        used = {value: weight for value, weight in weights.items() if weight > 0}
        total = sum(used.values())
        self.values: Sequence[T] = tuple(used)
        self.cumulative = [part / total for part in accumulate(used.values())]
        self._last = len(self.values) - 1

    def __call__(self, u: float) -> T:
        """The thing at the share `u` in [0, 1)."""
        return self.values[min(bisect(self.cumulative, u), self._last)]


def counts(mean: float, *, most: int = 400) -> Choice[int]:
    """Poisson counts with the given mean."""
    weights, weight = {}, math.exp(-mean)
    for n in range(most):
        weights[n] = round(weight, 12)
        weight *= mean / (n + 1)
    return Choice(weights)


def decaying(positions: int, ratio: float) -> Choice[int]:
    """Positions from 0, each `ratio` times as likely as the one before it."""
    return Choice({position: ratio**position for position in range(positions)})
