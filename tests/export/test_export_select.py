"""Which pings a choice takes: filters hold together, and what cannot be is said with what could."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import UsageError
from simulator.export import Wanted, select

START_MS = 1_639_526_400_000
NAMES = ["topsite_click", "event_ping", "sentry_event", "sourcegraph_log_event", "newtab_session"]
LABELS = ["valid", "missing_required", "truncated_json", "empty_body", "not_gzip"]


def test_everything_by_default(corpus, pings) -> None:
    assert list(select(corpus, Wanted())) == pings


def test_one_of_each_is_the_first_of_each_type_and_label(corpus) -> None:
    kinds = [(ping.ping, ping.label, ping.client) for ping in select(corpus, Wanted(one_of_each=True))]
    assert kinds == [
        ("topsite_click", "valid", 0),
        ("topsite_click", "missing_required", 4),
        ("topsite_click", "truncated_json", 5),
        ("event_ping", "valid", 6),
        ("sentry_event", "valid", 7),
        ("sourcegraph_log_event", "valid", 8),
        ("newtab_session", "empty_body", 9),
        ("newtab_session", "not_gzip", 10),
    ]


choices = st.builds(
    Wanted,
    pings=st.lists(st.sampled_from(NAMES), max_size=3),
    labels=st.lists(st.sampled_from(LABELS), max_size=3),
    products=st.lists(st.sampled_from(["firefox", "sourcegraph"]), max_size=2),
    clients=st.lists(st.integers(0, 12), max_size=5),
    from_ms=st.none() | st.integers(0, 12).map(lambda n: START_MS + n * 60_000),
    to_ms=st.none() | st.integers(0, 12).map(lambda n: START_MS + n * 60_000),
    limit=st.none() | st.integers(1, 12),
)


@given(choices)
def test_filters_are_what_reading_every_record_gives(corpus, pings, wanted) -> None:
    expected = [
        ping
        for ping in pings
        if (not wanted.pings or ping.ping in wanted.pings)
        and (not wanted.labels or ping.label in wanted.labels)
        and (not wanted.products or ping.product in wanted.products)
        and (not wanted.clients or ping.client in wanted.clients)
        and (wanted.from_ms is None or ping.due_ms >= wanted.from_ms)
        and (wanted.to_ms is None or ping.due_ms < wanted.to_ms)
    ]
    assert list(select(corpus, wanted)) == expected[: wanted.limit]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (Wanted(pings=["topsite_clik"]), "no ping type 'topsite_clik'; did you mean 'topsite_click'"),
        (Wanted(labels=["oops"]), "no label 'oops'; it has valid, "),
        (Wanted(products=["fenix"]), "no product 'fenix'; "),
    ],
)
def test_what_cannot_be_is_told_at_once(corpus, wanted, says) -> None:
    with pytest.raises(UsageError, match=says):
        select(corpus, wanted)
