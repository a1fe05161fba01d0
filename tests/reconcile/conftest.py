"""Small truths, outcomes and ledgers to join."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.reconcile.accounting import Truth
from simulator.reconcile.ledger import Ledger, hash_ids
from simulator.records import EXPECTATIONS, OUTCOME_DTYPE, STATES


def ping_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


@pytest.fixture
def make_truth():
    """Builds the truth of a corpus from the expectation of each record."""

    def make(expectations):
        names = ["valid", "wrong_type", "copy"]
        expect = np.array([EXPECTATIONS.index(one) for one in expectations], dtype=np.uint8)
        return Truth(
            expect=expect,
            label=expect.astype(np.uint16),
            ping=(np.arange(len(expect)) % 2).astype(np.uint16),
            label_names=names,
            ping_names=["topsite_click", "newtab_session"],
        )

    return make


@pytest.fixture
def make_outcomes():
    """Builds outcome rows from (record, number of the id, state[, attempts[, round]])."""

    def make(rows):
        made = np.zeros(len(rows), dtype=OUTCOME_DTYPE)
        for at, (row, number, state, *more) in enumerate(rows):
            attempt, repetition = (*more, 1, 0)[:2] if len(more) < 2 else more
            sent = state != "unsent"
            made[at]["id"] = ping_id(number).encode()
            made[at]["row"], made[at]["state"] = row, STATES.index(state)
            made[at]["attempt"], made[at]["round"] = attempt if sent else 0, repetition
            if sent:
                made[at]["due"], made[at]["sent"], made[at]["done"] = (
                    10**18,
                    10**18 + 10**6,
                    10**18 + 3 * 10**6,
                )
        return made

    return make


@pytest.fixture
def make_ledger():
    """Builds a ledger from {number of the id: stored copies}."""

    def make(stored):
        ids = np.array([ping_id(number).encode() for number in stored], dtype="S36")
        return Ledger("test", hash_ids(ids), np.array(list(stored.values()), dtype=np.int64))

    return make
