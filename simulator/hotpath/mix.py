"""Corpora with a chosen share of invalid pings, cut from one that is given."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np

from simulator.corpus import Corpus, write_corpus
from simulator.errors import CorpusError
from simulator.randomness import stream
from simulator.records import EXPECTATIONS, Ping

EMPTIED = "emptied"

_ACCEPT, _REJECT = EXPECTATIONS.index("accept"), EXPECTATIONS.index("reject")


def write_mix(corpus: Corpus, path: Path, *, invalid_share: float, records: int = 20_000) -> int:
    """Writes a corpus of at most `records` pings, of which the given share is invalid.

    Invalid pings are the corpus's own where it has enough of them; for the rest, valid ones whose body is
    replaced by an empty object, which no schema with a required key accepts.

    Args:
        corpus: where the pings come from.
        path: directory of the new corpus.
        invalid_share: 0 to 1.
        records: how many pings at most.

    Returns:
        How many pings had to be emptied.

    Raises:
        CorpusError: the corpus has no valid pings.
    """
    expect = np.concatenate(
        [np.asarray(part.index["expect"]) for part in corpus.parts] or [np.empty(0, np.uint8)]
    )
    if not np.count_nonzero(expect == _ACCEPT):
        raise CorpusError(f"{corpus.path}: no valid pings to measure with")
    size = min(records, int(np.count_nonzero(expect == _ACCEPT)))
    invalid = round(size * invalid_share)
    own = list(islice(_pings(corpus, _REJECT), invalid)) if invalid else []
    valid = list(islice(_pings(corpus, _ACCEPT), size - len(own)))
    emptied = [_emptied(ping) for ping in valid[: invalid - len(own)]]
    chosen = [*own, *emptied, *valid[len(emptied) :]]
    # Spread the invalid ones evenly over the batches: sorted by a drawn number, not by kind.
    draw = stream(corpus.meta.seed, 0, f"hotpath/mix/{invalid_share}").uniform
    order = sorted(range(len(chosen)), key=lambda _: draw())
    pings = (msgspec.structs.replace(chosen[at], due_ms=place) for place, at in enumerate(order))
    write_corpus(path, pings, scenario_name="hotpath", seed=corpus.meta.seed, dialect=corpus.meta.dialect)
    return len(emptied)


def _pings(corpus: Corpus, expectation: int) -> Iterator[Ping]:
    for part in corpus.parts:
        for row in np.flatnonzero(part.index["expect"] == expectation).tolist():
            yield part.ping(row)


def _emptied(ping: Ping) -> Ping:
    return msgspec.structs.replace(ping, body=msgspec.Raw(b"{}"), body_b64="", label=EMPTIED, expect="reject")
