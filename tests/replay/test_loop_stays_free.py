"""Workers never block the loop longer than 0.5 s, however large the corpus: each step's time is bounded."""

from __future__ import annotations

import time

import numpy as np
import pytest
from large_corpus import LONGEST_GAP_S, large_corpus, load_and_send
from replay_rig import OK

from simulator.tape import TapeSpec
from simulator.tape.order import DueOrder
from simulator.target import load_target

pytestmark = [pytest.mark.slow, pytest.mark.alone]


@pytest.mark.parametrize(
    ("target", "batch", "packed", "pace", "rounds"),
    [
        ("structured", 1, False, "rate 500", 1),
        ("structured", 1, True, "schedule", 1),
        ("ndjson", 500, True, "max", 0),
        ("ndjson", 50_000, True, "poisson 5", 0),
    ],
)
def test_the_loop_goes_on_from_the_first_look_at_a_corpus_to_the_last_outcome(
    target, batch, packed, pace, rounds, odd_server, tmp_path
):
    # Four million rows are looked at and sorted out, and a fortieth of them composed: one of forty workers.
    server = odd_server(lambda connection, seen: connection.sendall(OK))
    spec = TapeSpec(
        target=load_target(target),
        netloc="x",
        batch=batch,
        gzip=packed,
        worker=3,
        workers=40,
        repeats=rounds != 1,
    )
    corpus = large_corpus(4_000_000, 40)
    gaps = load_and_send(corpus, spec, server.url, tmp_path, pace=pace, rounds=rounds, send_s=2.0)
    print({stage: f"{gap / LONGEST_GAP_S:.0%} of what is allowed" for stage, gap in gaps.items()})
    assert set(gaps) == {"tape", "start", "run", "end"}
    assert max(gaps.values()) < LONGEST_GAP_S


@pytest.mark.parametrize("parts", [1, 7, 500])
@pytest.mark.parametrize("workers", [1, 3])
def test_rows_come_in_the_order_of_a_stable_sort(parts, workers):
    corpus = large_corpus(300_000, parts)
    for number in range(0, parts, 2):  # as in a corpus of ties: many rows of one millisecond
        corpus.parts[number].index["due_ms"] //= 60_000
    order = DueOrder(corpus, worker=workers - 1, workers=workers)
    for _ in order.steps():
        pass
    due = np.concatenate([part.index["due_ms"] for part in corpus.parts])
    client = np.concatenate([part.index["client"] for part in corpus.parts])
    own = np.flatnonzero(client % workers == workers - 1)
    assert order.rows(0, len(order)).tolist() == own[np.argsort(due[own], kind="stable")].tolist()
    assert order.rows(1000, 1003).tolist() == order.rows(0, len(order))[1000:1003].tolist()


def test_a_step_of_sorting_takes_as_long_in_a_corpus_eight_times_as_large():
    def longest_step_s(rows: int) -> float:
        order = DueOrder(large_corpus(rows, 4))
        gaps = []
        before = time.monotonic()
        for _ in order.steps():
            gaps.append(time.monotonic() - before)
            before = time.monotonic()
        return float(np.percentile(gaps, 99))  # the very longest may be the machine's own

    small, large = longest_step_s(500_000), longest_step_s(4_000_000)
    assert large < 4 * small
    assert large < LONGEST_GAP_S / 5
