"""Distributions as quantile tables: one uniform number in, one whole number out.

A table is made once from the inverse of a distribution function and rounded to whole units, so the last bit of
a machine's logarithm never reaches a corpus; a draw is one look into the table.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from math import floor
from statistics import NormalDist
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

_STEPS = 4096
#: How many tables of each family are kept: nearly all plans of a process ask for the same few.
_TABLES = 64

T = TypeVar("T", bound=Hashable)
Floats = npt.NDArray[np.float64]


class Quantiles:
    """A distribution of whole numbers, given by its quantiles.

    Draws take one of `_STEPS` values, each as likely as the others: finer than any statistic of a corpus can see,
    and half the cost of interpolating.

    Args:
        inverse: from probabilities in (0, 1) to the values below which these shares of draws fall.
    """

    __slots__ = ("_table",)

    def __init__(self, inverse: Callable[[Floats], Floats]) -> None:
        # An array and not a list: a draw then touches one cache line, where a list would touch two.
        self._table = array("q", np.rint(inverse(_shares())).astype(np.int64).tobytes())

    def at(self, u: float) -> int:
        """The value at the share `u` in [0, 1)."""
        return self._table[floor(u * _STEPS)]

    __call__ = at  # a method costs half as much as an object that is called: hot loops name it

    def each(self, u: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """The values at many shares."""
        return np.frombuffer(self._table, dtype=np.int64)[(u * _STEPS).astype(np.int64)]


def _shares() -> Floats:
    """The middles of the steps."""
    shares: Floats = (np.arange(_STEPS) + 0.5) / _STEPS
    return shares


def _each(function: Callable[[float], float], values: Floats) -> Floats:
    """A function of the C library at many places: the last bits of NumPy's own depend on the processor."""
    return np.fromiter(map(function, values.tolist()), np.float64, len(values))


@lru_cache(maxsize=1)
def _standard_exponential() -> Floats:
    """Quantiles of mean 1, which those of any mean are multiples of."""
    return -_each(math.log1p, -_shares())


@lru_cache(maxsize=1)
def _standard_normal() -> Floats:
    return _each(NormalDist().inv_cdf, _shares())


@lru_cache(maxsize=_TABLES)
def exponential(mean: float) -> Quantiles:
    """Waiting times of a Poisson process with the given mean."""
    return Quantiles(lambda _: mean * _standard_exponential())


@lru_cache(maxsize=_TABLES)
def lognormal(median: float, sigma: float) -> Quantiles:
    """Log-normal: `median` in the middle, `sigma` the standard deviation of the logarithm."""
    return Quantiles(lambda _: median * _each(math.exp, sigma * _standard_normal()))


@lru_cache(maxsize=_TABLES)
def weibull(median: float, shape: float) -> Quantiles:
    """Weibull; a shape below 1 is the negative ageing of page dwell times (Liu, White, Dumais, SIGIR 2010)."""
    scale = median / math.log(2) ** (1 / shape)
    return Quantiles(lambda _: scale * _each(lambda x: x ** (1 / shape), _standard_exponential()))


class Choice(Generic[T]):
    """A weighted choice among named things.

    Args:
        weights: relative weights; those of 0 are never chosen.
    """

    __slots__ = ("cumulative", "values")

    def __init__(self, weights: Mapping[T, float]) -> None:
        used = {value: weight for value, weight in weights.items() if weight > 0}
        total = sum(used.values())
        self.values: Sequence[T] = tuple(used)
        self.cumulative = [part / total for part in accumulate(used.values())]
        self.cumulative[-1] = 1.0  # whatever rounding says

    def at(self, u: float) -> T:
        """The thing at the share `u` in [0, 1)."""
        return self.values[bisect(self.cumulative, u)]

    __call__ = at

    def each(self, u: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        """The things at many shares, as NumPy holds them."""
        return np.asarray(self.values)[np.searchsorted(self.cumulative, u, side="right")]


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
