"""Working days: sessions in order, inside the span, never overlapping."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sourcegraph_kit import PROFILE

from simulator.behaviour.sourcegraph.working_day import WorkingDays
from simulator.clock import MS_PER_DAY, MS_PER_HOUR
from simulator.randomness import stream
from simulator.scenario.sourcegraph import Sourcegraph

DAYS = WorkingDays(Sourcegraph(sessions_a_day=8.0, works_on_weekend_day=0.5))


@given(
    client=st.integers(0, 10_000),
    offset_h=st.integers(-12, 14),
    start_ms=st.integers(1_600_000_000_000, 1_700_000_000_000),
    length_ms=st.integers(1, 9 * MS_PER_DAY),
)
def test_sessions_follow_each_other_within_the_span(
    client: int, offset_h: int, start_ms: int, length_ms: int
) -> None:
    profile = replace(PROFILE, utc_offset_ms=offset_h * MS_PER_HOUR)
    end_ms = start_ms + length_ms
    sessions = list(DAYS.sessions(profile, stream(1, client, "t"), start_ms=start_ms, end_ms=end_ms))
    edges = [edge for session in sessions for edge in session]
    assert edges == sorted(edges)
    assert len(set(edges)) == len(edges)
    assert all(start_ms <= edge < end_ms for edge in edges)
