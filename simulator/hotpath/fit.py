"""The cost model of an endpoint: time for a request plus time for each ping in it, with confidence intervals.

At its limit an endpoint that answers R requests a second of n pings each spends 1/R seconds of its capacity on
one of them. If that is a + b n, then a is what a request costs and b what a ping costs.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_LEAST_NOISE = 0.005
#: 97.5 % quantiles of Student's t for 1, 2, 3 ... degrees of freedom; beyond, the normal one is near enough.
_T_975 = (
    12.706,
    4.303,
    3.182,
    2.776,
    2.571,
    2.447,
    2.365,
    2.306,
    2.262,
    2.228,
    2.201,
    2.179,
    2.160,
    2.145,
    2.131,
)
_Z_975 = 1.96


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A figure and its 95 % confidence interval."""

    value: float
    low: float
    high: float


class CostFit(msgspec.Struct, frozen=True, kw_only=True):
    """Microseconds a request and a ping.

    Args:
        request_us: what a request costs, however many pings it has.
        ping_us: what each ping costs.
        points: how many batch sizes the line was laid through.
        worst_residual: largest relative distance of a point from the line; above a tenth, the line is a bad model.
    """

    request_us: Estimate
    ping_us: Estimate
    points: int
    worst_residual: float

    def batch_for_overhead(self, share: float) -> float:
        """The batch size from which on the request's own cost is at most `share` of the whole."""
        if self.ping_us.value <= 0:
            return float("inf")
        return max(1.0, self.request_us.value * (1 - share) / share / self.ping_us.value)


def t_975(degrees: int) -> float:
    """The 97.5 % quantile of Student's t."""
    if degrees <= len(_T_975):
        return _T_975[degrees - 1]
    # Cornish and Fisher's first two terms: off by less than 0.1 % from 16 degrees of freedom on.
    z = _Z_975
    return z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)


def fit_cost(pings: Sequence[float], times_us: Sequence[float], noise: Sequence[float]) -> CostFit | None:
    """Lays a line through (pings a request, time a request) by weighted least squares.

    Args:
        pings: mean pings a request of each point.
        times_us: time a request of each point, microseconds.
        noise: relative standard error of each time.

    Returns:
        None where fewer than three different batch sizes were measured: two points fit any line.
    """
    x, y = np.asarray(pings, dtype=float), np.asarray(times_us, dtype=float)
    if len(np.unique(x)) < 3:
        return None
    sigma = y * np.maximum(np.asarray(noise, dtype=float), _LEAST_NOISE)
    weights = 1 / sigma**2
    design = np.stack((np.ones_like(x), x), axis=1)
    covariance = np.linalg.inv(design.T @ (weights[:, None] * design))
    found = covariance @ (design.T @ (weights * y))
    residuals = y - design @ found
    degrees = len(x) - 2
    # Where points scatter more than their own noise says, the interval is widened accordingly.
    spread = max(1.0, float((weights * residuals**2).sum() / degrees))
    half = t_975(degrees) * np.sqrt(np.diag(covariance) * spread)
    request, ping = (
        Estimate(value=float(value), low=float(value - wide), high=float(value + wide))
        for value, wide in zip(found, half, strict=True)
    )
    return CostFit(
        request_us=request,
        ping_us=ping,
        points=len(x),
        worst_residual=float(np.abs(residuals / y).max()),
    )
