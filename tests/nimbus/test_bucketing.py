from __future__ import annotations

import hashlib
import json
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.nimbus.bucketing import (
    branch_choice,
    bucket_ranges,
    fraction_key,
    in_buckets,
    in_ranges,
    ratio_bounds,
    ratio_choice,
    truncated_hash,
)

UNIT = st.uuids().map(str)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1234, "test_namespace"], "2a6e18a86edc"),
        (None, "74234e98afe7"),
        ("", "12ae32cb1ec0"),
        ({"id": 1234, "namespace": "experiment"}, "5d1effd4b032"),
    ],
)
def test_published_hash_vectors(value, expected):
    assert truncated_hash(value) == expected


def test_hash_is_of_the_compact_text_without_escapes():
    text = json.dumps(["ü", "n s"], separators=(",", ":"), ensure_ascii=False)
    assert truncated_hash(["ü", "n s"]) == hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [
        (0, "000000000000"),
        (1, "ffffffffffff"),
        (0.5, "7fffffffffff"),
        (0.25, "3fffffffffff"),
        (1 / 2**48, "000000000000"),
    ],
)
def test_fraction_keys(fraction, expected):
    assert fraction_key(fraction) == expected


def test_a_bucket_excludes_its_upper_bound_even_when_all_are_taken():
    ranges = bucket_ranges(start=0, count=10_000, total=10_000)
    assert ranges == (("000000000000", "ffffffffffff"),)


def test_a_slice_wraps_around():
    assert bucket_ranges(start=7_500, count=5_000, total=10_000) == (
        ("000000000000", fraction_key(0.25)),
        (fraction_key(0.75), fraction_key(1)),
    )
    assert bucket_ranges(start=17_500, count=100, total=10_000) == ((fraction_key(0.75), fraction_key(0.76)),)


@given(UNIT, st.integers(0, 20_000), st.integers(0, 10_000))
def test_a_slice_and_its_complement_share_out_every_unit(unit, start, count):
    inside = in_buckets(unit, "ns", start=start, count=count)
    outside = in_buckets(unit, "ns", start=start + count, count=10_000 - count)
    assert inside != outside


@given(UNIT, st.integers(0, 9_999), st.integers(0, 9_999), st.integers(1, 10_000))
def test_a_larger_slice_keeps_everybody(unit, start, count, more):
    if in_buckets(unit, "ns", start=start, count=count):
        assert in_buckets(unit, "ns", start=start, count=min(10_000, count + more))


@given(UNIT)
def test_a_unit_has_exactly_one_bucket(unit):
    ranges = [bucket_ranges(start=bucket, count=1, total=16) for bucket in range(16)]
    assert sum(in_ranges(unit, "ns", one) for one in ranges) == 1


def test_ratio_bounds_are_inclusive():
    bounds = ratio_bounds([1, 1])
    assert bounds == ("7fffffffffff",)

    # Any value whose hash is below or at the bound gets the first ratio; the rest the last.
    values = [f"v{i}" for i in range(2_000)]
    assert {ratio_choice(v, bounds) for v in values} == {0, 1}
    for value in values:
        assert ratio_choice(value, (truncated_hash(value),)) == 0


def test_the_production_prefix_decides_the_branch():
    unit, slug = "0c5c0b9a-9a3f-4b9b-9e2f-b6ab6a0b8d31", "my-experiment"
    bounds = ratio_bounds([1, 1, 1])
    assert branch_choice(unit, slug, bounds) == ratio_choice(
        f"experimentmanager-{unit}-{slug}-branch", bounds
    )


@pytest.mark.parametrize("ratios", [[1], [1, 1, 1], [1, 2, 1, 4], [5, 0, 5]])
def test_each_branch_gets_its_share_of_all_hashes(ratios):
    bounds = ratio_bounds(ratios)
    assert len(bounds) == len(ratios) - 1
    edges = [0, *(int(bound, 16) for bound in bounds), 2**48 - 1]
    shares = [(high - low) / 2**48 for low, high in pairwise(edges)]
    assert shares == pytest.approx([ratio / sum(ratios) for ratio in ratios], abs=1e-9)
    drawn = Counter(branch_choice(f"unit-{i}", "slug", bounds) for i in range(2_000))
    assert set(drawn) == {position for position, ratio in enumerate(ratios) if ratio}


@given(UNIT)
def test_a_bucket_is_drawn_from_unit_and_namespace_in_that_order(unit):
    place = int(hashlib.sha256(f'["{unit}","ns"]'.encode()).hexdigest()[:12], 16)
    bucket = place * 10_000 // (2**48 - 1)
    around = {b for b in (bucket - 1, bucket, bucket + 1) if in_buckets(unit, "ns", start=b, count=1)}
    assert around == {bucket}


def test_branches_follow_their_ratios():
    bounds = ratio_bounds([3, 1])
    drawn = Counter(branch_choice(f"unit-{i}", "slug", bounds) for i in range(8_000))
    assert drawn[0] / 8_000 == pytest.approx(0.75, abs=0.02)


def test_buckets_follow_their_share():
    taken = sum(in_buckets(f"unit-{i}", "ns", start=9_500, count=3_000) for i in range(8_000))
    assert taken / 8_000 == pytest.approx(0.3, abs=0.02)
