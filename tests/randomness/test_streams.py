import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.distributions import Choice, counts, decaying, exponential, lognormal, weibull
from simulator.randomness import client_keys, cohort_streams, stream, uniforms, uuid_text

SEEDS = st.integers(0, 2**63 - 1)
CLIENTS = st.integers(0, 10_000_000)


@given(seed=SEEDS, client=CLIENTS, width=st.integers(1, 80))
def test_a_cohorts_stream_is_the_clients_own(seed: int, client: int, width: int) -> None:
    alone = stream(seed, client, "browsing")
    together = cohort_streams(seed, "browsing", range(client, client + 2), width=width)[0]
    assert [alone.uniform() for _ in range(200)] == [together.uniform() for _ in range(200)]
    assert [alone.uuid() for _ in range(20)] == [together.uuid() for _ in range(20)]


@given(seed=SEEDS, client=CLIENTS)
def test_streams_of_neighbours_and_purposes_differ(seed: int, client: int) -> None:
    names = [(seed, client, "a"), (seed, client, "b"), (seed, client + 1, "a"), (seed + 1, client, "a")]
    drawn = [tuple(s.uniform() for _ in range(4)) for s in (stream(*name) for name in names)]
    assert len(set(drawn)) == 4


@pytest.mark.slow
def test_uniforms_are_uniform_and_unrelated_between_clients() -> None:
    from scipy import stats  # not above: it takes a second, and every test process would pay it

    keys = client_keys(7, "test", np.arange(2_000))
    drawn = uniforms(keys[:, None], np.arange(64, dtype=np.uint64)[None, :])
    assert stats.kstest(drawn.ravel(), "uniform").pvalue > 1e-3
    neighbours = np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]
    assert abs(neighbours) < 0.01
    successive = np.corrcoef(drawn[:, :-1].ravel(), drawn[:, 1:].ravel())[0, 1]
    assert abs(successive) < 0.01


def test_uuids_are_version_4_and_do_not_repeat() -> None:
    text = uuid_text(client_keys(3, "id", np.arange(20_000)), np.zeros(20_000, dtype=np.uint64))
    ids = {bytes(row).decode() for row in text}
    assert len(ids) == 20_000
    assert all(
        one[14] == "4" and one[19] in "89ab" and one[8] == one[13] == one[18] == one[23] == "-" for one in ids
    )


def test_streams_are_pinned() -> None:
    # A change here changes every corpus that was ever made from a seed.
    known = stream(7, 3, "browsing")
    assert [round(known.uniform(), 9) for _ in range(3)] == [0.650339193, 0.078556054, 0.577982673]
    assert known.uuid() == "e6c5aa8f-cb89-4e9a-ab97-84748453b938"


def test_quantile_tables_follow_their_distributions() -> None:
    from scipy import stats

    at = (np.arange(50_000) + 0.5) / 50_000
    for table, exact in (
        (exponential(10_000), stats.expon(scale=10_000)),
        (lognormal(15_000, 1.6), stats.lognorm(1.6, scale=15_000)),
        (weibull(4_000, 0.7), stats.weibull_min(0.7, scale=4_000 / np.log(2) ** (1 / 0.7))),
    ):
        drawn = np.array([table(u) for u in at.tolist()])
        assert stats.kstest(drawn, exact.cdf).statistic < 0.002


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 10), min_size=1), st.floats(0, 1, exclude_max=True))
def test_choice_never_chooses_what_weighs_nothing(weights: dict[str, float], u: float) -> None:
    if sum(weights.values()) > 0:
        assert weights[Choice(weights)(u)] > 0


def test_counts_and_positions_have_their_means() -> None:
    at = ((np.arange(20_000) + 0.5) / 20_000).tolist()
    poisson = counts(3.4)
    assert abs(float(np.mean([poisson(u) for u in at])) - 3.4) < 0.01
    position = decaying(8, 0.5)
    shares = np.bincount([position(u) for u in at], minlength=8) / len(at)
    assert abs(shares[1] / shares[0] - 0.5) < 0.01
