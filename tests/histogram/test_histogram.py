"""Percentiles stay within half a bucket, merging is the same as recording everything in one place."""

import itertools
import json
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import histogram
from simulator.histogram import Histogram, PackedHistogram, bucket_edges, bucket_of, buckets_of

durations = st.one_of(
    st.integers(0, 1_000),
    st.integers(0, 10_000_000),
    st.integers(0, 5_000_000_000),
    st.integers(0, histogram.LONGEST_NS),
    st.integers(0, 45).map(lambda bits: min((1 << bits), histogram.LONGEST_NS)),
)
many = st.lists(durations, min_size=1, max_size=200)


def exact(values: list[int], q: float) -> int:
    return sorted(values)[max(0, math.ceil(q / 100 * len(values) - 1e-9) - 1)]


def recorded(values: list[int]) -> Histogram:
    found = Histogram()
    for value in values:
        found.record(value)
    return found


def tolerance(ns: int) -> float:
    if ns < 8_388_608:
        return ns / 256 + 1
    return 33_000 if ns < 4_294_967_296 else ns / 256 + 1


@given(durations)
def test_a_duration_lies_between_the_edges_of_its_bucket(ns):
    low, high = bucket_edges(bucket_of(ns))
    assert low <= ns <= high
    assert high - low <= 2 * tolerance(ns)
    assert bucket_of(low) == bucket_of(high) == bucket_of(ns) < histogram.BUCKETS


def test_buckets_follow_each_other_without_gap_or_overlap():
    edges = [bucket_edges(index) for index in range(histogram.BUCKETS - 128)]
    assert edges[0] == (0, 0)
    assert all(before[1] + 1 == after[0] for before, after in itertools.pairwise(edges))
    assert edges[-1][1] >= histogram.LONGEST_NS // 2


@given(many)
def test_the_vector_form_agrees_with_the_scalar_form(values):
    assert buckets_of(np.array(values)).tolist() == [bucket_of(value) for value in values]


@given(many, st.sampled_from([0, 1, 50, 90, 99, 99.9, 100]))
def test_percentiles_are_off_by_half_a_bucket_at_most(values, q):
    truth = exact(values, q)
    assert abs(recorded(values).percentile(q) - truth) <= tolerance(truth)


@given(many)
def test_count_mean_and_maximum_are_exact(values):
    found = recorded(values)
    assert (found.count, found.max_ns) == (len(values), max(values))
    assert found.mean_ns == sum(values) / len(values)


@given(st.lists(many, min_size=1, max_size=5))
def test_merging_parts_equals_recording_all(parts):
    merged = Histogram()
    for part in parts:
        merged.merge(recorded(part))
    assert merged.pack() == recorded([value for part in parts for value in part]).pack()


@given(many)
def test_record_many_equals_recording_one_by_one(values):
    found = Histogram()
    found.record_many(np.array(values))
    assert found.pack() == recorded(values).pack()


@given(st.lists(st.tuples(st.integers(0, 10**10), st.integers(1, 500)), min_size=1, max_size=50))
def test_weights_count_a_value_several_times(weighted):
    found = Histogram()
    values, weights = (np.array(column) for column in zip(*weighted, strict=True))
    found.record_many(values, weights)
    assert found.pack() == recorded([value for value, weight in weighted for _ in range(weight)]).pack()


@given(st.lists(many, min_size=1, max_size=4))
def test_shipments_add_up_over_json(shipments):
    worker, master = Histogram(), Histogram()
    for values in shipments:
        worker.record_many(np.array(values))
        wire = json.dumps(msgspec.to_builtins(worker.take()))
        master.add_packed(msgspec.convert(json.loads(wire), PackedHistogram))
    assert worker.count == 0
    assert histogram.unpack(master.pack()).pack() == recorded([v for part in shipments for v in part]).pack()


def test_memory_is_bounded_whatever_is_recorded():
    found = Histogram()
    found.record_many(np.geomspace(1, 10**15, 1_000_000).astype(np.int64))
    assert len(found.pack().buckets) // 2 <= histogram.BUCKETS
    assert found.max_ns == pytest.approx(10**15)


@pytest.mark.parametrize("ns", [-1, -5_000_000_000])
def test_a_clock_that_ran_backwards_counts_as_zero(ns):
    found = Histogram()
    found.record(ns)
    found.record_many(np.array([ns]))
    assert (found.count, found.percentile(50), found.sum_ns) == (2, 0, 0)


def test_nothing_recorded_has_no_percentiles():
    assert Histogram().percentiles([50, 99]) == [0, 0]
    assert Histogram().mean_ns == 0
