"""Nimbus' deterministic sampling (Sampling.sys.mjs; application-services sampling.rs).

A value is hashed to 48 bits: the first twelve hexadecimal digits of the SHA-256 of its compact JSON text. Hashes
and bounds are compared as text of equal length. Buckets exclude their upper bound, ratios include it, so with all
buckets taken the one largest hash stays out: that is what the real code does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

_HEX_DIGITS: Final = 12
_LARGEST: Final = 2**48 - 1

#: The text before unit id and slug in what branches are drawn from.
_BRANCH_PREFIX: Final = "experimentmanager"


def truncated_hash(value: object) -> str:
    """The first 48 bits of a value's hash, in hexadecimal."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_HEX_DIGITS]


def fraction_key(fraction: float) -> str:
    """The hash below which the share `fraction` (0 to 1) of all hashes lies."""
    return f"{int(fraction * _LARGEST):012x}"


def bucket_ranges(*, start: int, count: int, total: int) -> tuple[tuple[str, str], ...]:
    """The hashes of `count` buckets from `start`, as ranges that exclude their ends. A slice may wrap around.

    Args:
        start: the first bucket; counted modulo `total`.
        count: how many.
        total: how many buckets there are.
    """
    first = start % total
    end = first + count
    spans = [(first, end)] if end <= total else [(0, end % total), (first, total)]
    return tuple((fraction_key(low / total), fraction_key(high / total)) for low, high in spans)


def in_ranges(unit_id: str, namespace: str, ranges: Sequence[tuple[str, str]]) -> bool:
    """Whether a unit falls into a slice of a namespace (`bucket_ranges`)."""
    hashed = truncated_hash([unit_id, namespace])
    return any(low <= hashed < high for low, high in ranges)


def in_buckets(unit_id: str, namespace: str, *, start: int, count: int, total: int = 10_000) -> bool:
    """Whether a unit falls into `count` of `total` buckets of a namespace from `start`."""
    return in_ranges(unit_id, namespace, bucket_ranges(start=start, count=count, total=total))


def ratio_bounds(ratios: Sequence[int]) -> tuple[str, ...]:
    """The upper bounds, included, of all ratios but the last, which takes what remains."""
    total = sum(ratios)
    return tuple(fraction_key(reached / total) for reached in accumulate(ratios))[:-1]


def ratio_choice(value: object, bounds: Sequence[str]) -> int:
    """Which of the ratios behind `bounds` (`ratio_bounds`) a value falls to."""
    hashed = truncated_hash(value)
    return next((position for position, bound in enumerate(bounds) if hashed <= bound), len(bounds))


def branch_choice(unit_id: str, slug: str, bounds: Sequence[str]) -> int:
    """Which branch of an experiment a unit gets, as a position."""
    return ratio_choice(f"{_BRANCH_PREFIX}-{unit_id}-{slug}-branch", bounds)
