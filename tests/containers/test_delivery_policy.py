from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.client.delivery_policy import (
    GLEAN,
    LEGACY,
    NEW_TAB,
    OF_CARRIER,
    POLICIES,
    DeliveryQueue,
    Wait,
    fate,
)
from simulator.clock import MS_PER_MINUTE


def drain(
    queue: DeliveryQueue, status: int | None, *, now_ms: int = 0, most: int = 1_000
) -> list[tuple[int, str]]:
    """Send until the queue has nothing left to say, each answer coming at once; waits pass as they are asked for."""
    sent = []
    for _ in range(most):
        what = queue.take(now_ms)
        if what is None:
            return sent
        if isinstance(what, Wait):
            assert what.until_ms > now_ms
            now_ms = what.until_ms
            continue
        sent.append((now_ms, what))
        queue.answered(what, status, now_ms=now_ms)
    return sent


@pytest.mark.parametrize(
    ("policy", "status", "expected"),
    [
        (NEW_TAB, 200, "delivered"),
        (NEW_TAB, 500, "dropped"),
        (NEW_TAB, None, "dropped"),
        (LEGACY, 404, "dropped"),
        (LEGACY, 503, "retried"),
        (LEGACY, None, "retried"),
        (GLEAN, 204, "delivered"),
        (GLEAN, 400, "dropped"),
        (GLEAN, 302, "retried"),
        (GLEAN, 507, "retried"),
    ],
)
def test_what_an_answer_means(policy, status, expected):
    assert fate(policy, status) == expected


def test_every_carrier_has_a_policy_and_names_select_them():
    assert set(OF_CARRIER.values()) == set(POLICIES.values())
    assert OF_CARRIER["glean"].name == "glean"


def test_new_tab_pings_go_at_once_and_once():
    queue = DeliveryQueue(NEW_TAB)
    for i in range(40):
        queue.submit(str(i))
    assert drain(queue, 503) == [(0, str(i)) for i in range(40)]
    assert len(queue.dropped) == 40


def test_glean_sends_fifteen_a_minute():
    queue = DeliveryQueue(GLEAN)
    for i in range(20):
        queue.submit(str(i))
    assert Counter(at for at, _ in drain(queue, 200)) == {0: 15, MS_PER_MINUTE: 5}


def test_glean_gives_up_after_three_failures_until_the_next_submission():
    queue = DeliveryQueue(GLEAN)
    queue.submit("a")
    assert drain(queue, 500) == [(0, "a")] * 3
    queue.submit("b")
    assert drain(queue, 500) == [(0, "a"), (0, "b"), (0, "a")]
    queue.submit("c")
    assert sorted(document_id for _, document_id in drain(queue, 200)) == ["a", "b", "c"]


def test_glean_waits_three_times_in_a_row():
    queue = DeliveryQueue(GLEAN)
    for i in range(16):
        queue.submit(str(i))
    for _ in range(15):
        assert isinstance(queue.take(5), str)
    assert [queue.take(6) for _ in range(4)] == [Wait(5 + MS_PER_MINUTE)] * 3 + [None]


def test_legacy_sends_ten_a_minute_newest_first():
    queue = DeliveryQueue(LEGACY)
    for i in range(12):
        queue.submit(str(i))
    sent = drain(queue, 200)
    assert [at for at, _ in sent] == [0] * 10 + [MS_PER_MINUTE] * 2
    assert sent[0][1] == "11"
    assert sent[-1][1] == "0"


@pytest.mark.parametrize(("policy", "order"), [(LEGACY, ["c", "b", "a", "c"]), (GLEAN, ["a", "b", "c", "a"])])
def test_what_failed_goes_to_the_end_of_the_line(policy, order):
    queue = DeliveryQueue(policy)
    for name in "abc":
        queue.submit(name)
    first = queue.take(0)
    queue.answered(first, 503, now_ms=0)
    assert [first, *(name for _, name in drain(queue, 200, now_ms=MS_PER_MINUTE))] == order


def test_legacy_backs_off_up_to_two_hours():
    queue = DeliveryQueue(LEGACY)
    queue.submit("a")
    at = [sent // MS_PER_MINUTE for sent, _ in drain(queue, 503, most=22)]
    assert [later - earlier for earlier, later in pairwise(at)] == [
        1,
        2,
        4,
        8,
        16,
        32,
        64,
        120,
        120,
        120,
    ]


def test_a_body_above_a_mebibyte_is_never_sent():
    for policy in (LEGACY, GLEAN):
        queue = DeliveryQueue(policy)
        queue.submit("big", body_bytes=(1 << 20) + 1)
        assert queue.take(0) is None
        assert queue.dropped == ["big"]


def test_the_oldest_pending_ping_makes_room():
    queue = DeliveryQueue(GLEAN)
    for i in range(501):
        queue.submit(str(i))
    assert queue.dropped == ["0"]


@given(
    st.sampled_from([NEW_TAB, LEGACY, GLEAN]),
    st.lists(st.tuples(st.integers(0, 90_000), st.sampled_from([200, 400, 503, None])), max_size=120),
)
def test_no_ping_is_lost_and_no_window_is_overfull(policy, steps):
    queue = DeliveryQueue(policy)
    now_ms, sent_at, delivered, submitted = 0, [], [], []
    for number, (pause, status) in enumerate(steps):
        now_ms += pause
        queue.submit(str(number))
        submitted.append(str(number))
        while True:
            what = queue.take(now_ms)
            if not isinstance(what, str):
                break
            sent_at.append(now_ms)
            if queue.answered(what, status, now_ms=now_ms) == "delivered":
                delivered.append(what)
    assert sorted(delivered + queue.dropped + list(queue.pending)) == sorted(submitted)
    if policy.most_in_window is not None:
        # Windows are fixed, not sliding: two neighbours can meet, three cannot.
        for i, at in enumerate(sent_at):
            assert (
                sum(at <= other < at + policy.window_ms for other in sent_at[i:]) <= 2 * policy.most_in_window
            )
