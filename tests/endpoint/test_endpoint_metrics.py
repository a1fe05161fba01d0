"""Stage histograms: counted together, they must say what counting one at a time would."""

import pytest

from simulator.endpoint.metrics import STAGES, Metrics


def cumulated(text: str, stage: str) -> dict[str, int]:
    lines = [
        line for line in text.splitlines() if line.startswith(f'telsim_stage_seconds_bucket{{stage="{stage}"')
    ]
    return {line.split('le="')[1].split('"')[0]: int(line.rsplit(" ", 1)[1]) for line in lines}


@pytest.mark.parametrize("count", [1, 255, 256, 257, 1000])
def test_every_request_is_in_the_histograms_whenever_one_looks(count):
    metrics = Metrics()
    for number in range(count):
        metrics.request("batch", 200, (number * 1_000, 0, 10_000, 10_001, 2_000_000_000))
    for _ in range(2):  # looking changes nothing
        text = metrics.text({}, {})
        for stage in STAGES:
            assert f'telsim_stage_seconds_count{{stage="{stage}"}} {count}\n' in text
        assert cumulated(text, "read")["0.0001"] == min(count, 101)
        assert cumulated(text, "decompress")["1e-05"] == count
        assert cumulated(text, "parse")["1e-05"] == count  # a bound belongs to its bucket
        assert cumulated(text, "validate")["1e-05"] == 0
        assert cumulated(text, "validate")["2.5e-05"] == count
        assert (cumulated(text, "store")["1"], cumulated(text, "store")["+Inf"]) == (0, count)
        assert f'telsim_stage_seconds_sum{{stage="store"}} {count * 2.0}\n' in text


def test_numbers_are_written_to_the_last_digit():
    """Whoever takes the difference of two looks at an old process would else see steps of hours."""
    metrics = Metrics()
    metrics.request("batch", 200, (123_456_789_012_345, 1, 0, 0, 0))
    text = metrics.text({}, {"store_bytes": 123_456_789_012, "share": 0.1234567890123})
    assert 'telsim_stage_seconds_sum{stage="read"} 123456.789012345\n' in text
    assert 'telsim_stage_seconds_sum{stage="decompress"} 1e-09\n' in text
    assert "\ntelsim_store_bytes 123456789012\n" in text
    assert "\ntelsim_share 0.1234567890123\n" in text
