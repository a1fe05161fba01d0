"""Late submissions: what waits, for how long, and that only the due time changes."""

from __future__ import annotations

import pytest

from simulator.client.submission import Submission, more_days
from simulator.corpus.rows import Row
from simulator.randomness import stream
from simulator.scenario.browsing import Delivery

DAY = 86_400_000


def row(at: int) -> Row:
    return at, 1, 2, "{}", None


def test_by_default_everything_leaves_at_once() -> None:
    gone: list[Row] = []
    submission = Submission(Delivery(), more_days(), gone.append, stream(1, 1, "s"))
    for at in range(100):
        submission.send(row(at))
    assert gone == [row(at) for at in range(100)]


def test_the_published_mixture() -> None:
    gone: list[Row] = []
    mixture = Delivery(next_start=0.10, later=0.05)
    submission = Submission(mixture, more_days(), gone.append, stream(1, 1, "s"))
    for _ in range(20_000):
        submission.send(row(1_000))
    at_once = sum(due == 1_000 for due, *_ in gone)
    later = [due for due, *_ in gone if due != 1_000]
    assert at_once / 20_000 == pytest.approx(0.85, abs=0.01)
    assert len(later) / 20_000 == pytest.approx(0.05, abs=0.006)
    assert min(later) >= 1_000 + 2 * DAY
    submission.browser_started(5_000_000)
    waited = [due for due, *_ in gone if 1_000 < due < DAY]
    assert len(waited) / 20_000 == pytest.approx(0.10, abs=0.01)
    assert set(waited) == {5_001_500}
    before = len(gone)
    submission.browser_started(6_000_000)
    assert len(gone) == before
