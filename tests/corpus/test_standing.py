"""Pings told as arrays are the same pings, in the same places, as if each had been a row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.client.outbox import Outbox
from simulator.corpus import Kind, Kinds, PartWriter
from simulator.corpus.rows import Row
from simulator.wire import graphql, structured

CLIENTS = range(3, 6)
START_MS = 1_700_000_000_000

#: What a cohort makes, step by step: a row, or something that happens some times over to a client.
steps = st.lists(
    st.tuples(
        st.sampled_from(CLIENTS),
        st.integers(0, 40),
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=6),
    ),
    max_size=25,
)
cuts = st.lists(st.integers(0, 60), max_size=3)


class Cohort:
    """Makes pings twice over: through one outbox as standing pings, and as the rows that they stand for."""

    def __init__(self) -> None:
        self.kinds = Kinds(["a", "b"], ["valid"])
        self.outbox = Outbox("wire", self.kinds)
        self.rows: list[Row] = []
        self.code = self.kinds.code(Kind("a", "p", "r/r/1", structured("r/r/1")))
        graph = self.kinds.code(Kind("b", "p", "g/g/1", graphql("x"), headers={"Accept": "*/*"}))
        self.makes = {
            client: ((), ((graph, f'{{"c":{client}}}'),), ((graph, '{"n":1}'), (graph, '{"n":22}')))
            for client in CLIENTS
        }
        self.first = {
            client: self.outbox.standing.register(client, makes) for client, makes in self.makes.items()
        }

    def make(self, client: int, after_ms: int, happenings: list[tuple[int, int]], number: int) -> None:
        now = START_MS + after_ms
        if not happenings:
            row: Row = (now, client, self.code, f'{{"row":{number}}}', None)
            self.outbox.rows.append(row)
            self.rows.append(row)
            return
        moments, which = (np.array(column) for column in zip(*sorted(happenings), strict=True))
        self.outbox.standing.tell(now, moments, self.first[client], which, after_rows=len(self.outbox.rows))
        self.rows += [
            (now + moment, client, code, body, None)
            for moment, happening in zip(moments.tolist(), which.tolist(), strict=True)
            for code, body in self.makes[client][happening]
        ]

    def part(self, directory: Path, *, standing: bool) -> PartWriter:
        return PartWriter(
            directory,
            0,
            kinds=self.kinds,
            seed=1,
            clients=CLIENTS,
            standing=self.outbox.standing if standing else None,
        )


def written(part: PartWriter, directory: Path) -> bytes:
    made = part.finish()
    index = directory / made.file.replace(".ndjson", ".index.npy")
    return (directory / made.file).read_bytes() + index.read_bytes()


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(steps=steps, cuts=cuts)
def test_a_part_is_the_same_whatever_is_told_as_arrays_and_whenever_it_is_flushed(
    steps: list[tuple[int, int, list[tuple[int, int]]]],
    cuts: list[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    told, listed = tmp_path_factory.mktemp("told"), tmp_path_factory.mktemp("listed")
    steps = sorted(steps, key=lambda step: step[1])
    cohort = Cohort()
    part = cohort.part(told, standing=True)
    ahead = sorted(cuts, reverse=True)
    for number, (client, after_ms, happenings) in enumerate(steps):
        while ahead and ahead[-1] <= after_ms:
            part.flush(cohort.outbox.rows, START_MS + ahead.pop())
        cohort.make(client, after_ms, happenings, number)
    part.flush(cohort.outbox.rows)
    plain = cohort.part(listed, standing=False)
    plain.flush(list(cohort.rows))
    assert written(part, told) == written(plain, listed)


@settings(max_examples=40, deadline=None)
@given(steps=steps)
def test_an_outbox_gives_all_as_rows_in_the_order_in_which_they_were_made(
    steps: list[tuple[int, int, list[tuple[int, int]]]],
) -> None:
    cohort = Cohort()
    for number, step in enumerate(steps):
        cohort.make(*step, number)
    assert len(cohort.outbox) == sum(len(happenings) or 1 for _, _, happenings in steps)
    assert cohort.outbox.take() == cohort.rows
    assert len(cohort.outbox) == 0
    assert cohort.outbox.take() == []
