"""The cost model finds the costs that made the data, and says how sure it is."""

import numpy as np
import pytest

from simulator.hotpath.fit import fit_cost, t_975
from simulator.randomness import client_keys, uniforms

BATCHES = [1, 2, 5, 10, 20, 50, 100, 200, 500]


def noisy(seed, share):
    from scipy import stats  # not above: it takes a second, and every test process would pay it

    u = uniforms(client_keys(seed, "test/fit", [0]), np.arange(len(BATCHES), dtype=np.uint64))
    return 1 + share * stats.norm.ppf(np.clip(u, 1e-6, 1 - 1e-6))


def test_exact_data_give_exact_costs():
    found = fit_cost(BATCHES, [80 + 3 * n for n in BATCHES], [0.01] * len(BATCHES))
    assert found.request_us.value == pytest.approx(80)
    assert found.ping_us.value == pytest.approx(3)
    assert found.worst_residual < 1e-9
    assert found.points == 9


@pytest.mark.slow
def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    hits = 0
    for seed in range(200):
        times = [(80 + 3 * n) * factor for n, factor in zip(BATCHES, noisy(seed, 0.05), strict=True)]
        found = fit_cost(BATCHES, times, [0.05] * len(BATCHES))
        hits += found.request_us.low <= 80 <= found.request_us.high
    assert 185 <= hits <= 200


@pytest.mark.slow
def test_scatter_beyond_the_stated_noise_widens_the_interval():
    times = [(80 + 3 * n) * factor for n, factor in zip(BATCHES, noisy(1, 0.2), strict=True)]
    trusting = fit_cost(BATCHES, times, [0.2] * len(BATCHES))
    deceived = fit_cost(BATCHES, times, [0.001] * len(BATCHES))
    widths = [found.ping_us.high - found.ping_us.low for found in (trusting, deceived)]
    assert widths[1] > widths[0] / 3


@pytest.mark.parametrize("points", [3, 4, 9])
@pytest.mark.parametrize(("stated", "covariance"), [(0.9, "unscaled"), (0.01, True)])
def test_line_and_interval_are_those_of_numpys_own_fit(points, stated, covariance):
    from scipy import stats

    x = np.array(BATCHES[:points], dtype=float)
    y = (80 + 3 * x) * noisy(2, 0.2)[:points]
    found = fit_cost(x, y, [stated] * points)
    line, spread = np.polyfit(x, y, 1, w=1 / (y * stated), cov=covariance)
    for estimate, value, variance in zip(
        (found.ping_us, found.request_us), line, np.diag(spread), strict=True
    ):
        half = stats.t.ppf(0.975, points - 2) * np.sqrt(variance)
        assert estimate.value == pytest.approx(value)
        assert estimate.value - estimate.low == pytest.approx(half, rel=1e-3)
        assert estimate.high - estimate.value == pytest.approx(half, rel=1e-3)


def test_no_time_is_believed_to_be_exact():
    times = [(80 + 3 * n) * factor for n, factor in zip(BATCHES, noisy(1, 0.001), strict=True)]
    exact, nearly = (fit_cost(BATCHES, times, [noise] * len(BATCHES)) for noise in (0, 0.005))
    assert exact == nearly
    one_is_exact = fit_cost(BATCHES, times, [0, *[0.005] * (len(BATCHES) - 1)])
    assert one_is_exact == nearly


@pytest.mark.parametrize("batches", [[], [1], [1, 500], [1, 1, 500, 500]])
def test_two_batch_sizes_fit_any_line_and_say_nothing(batches):
    assert fit_cost(batches, [1.0] * len(batches), [0.1] * len(batches)) is None


def test_the_batch_from_which_a_request_is_cheap():
    found = fit_cost(BATCHES, [90 + 1 * n for n in BATCHES], [0.01] * len(BATCHES))
    assert found.batch_for_overhead(0.1) == pytest.approx(810)
    free = fit_cost(BATCHES, [90 - 0.001 * n for n in BATCHES], [0.01] * len(BATCHES))
    assert free.batch_for_overhead(0.1) == float("inf")


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [*range(1, 16), 16, 20, 40, 200])
def test_student_quantiles_agree_with_scipy(degrees):
    from scipy import stats

    assert t_975(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-3)
