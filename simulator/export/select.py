"""Which pings of a corpus are wanted. Decided on the index; only a choice by product reads records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt

from simulator.corpus import Corpus, Part
from simulator.errors import UsageError
from simulator.records import Ping


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A choice of pings. What is empty or None does not restrict; what is given must hold all together.

    Args:
        pings: ping types, any of them.
        labels: labels, any of them.
        products: products, any of them.
        clients: client numbers, any of them.
        from_ms: due at or after, in milliseconds since the Unix epoch.
        to_ms: due before.
        limit: at most so many, the first ones.
        one_of_each: the first of each ping type and label.
    """

    pings: Sequence[str] = ()
    labels: Sequence[str] = ()
    products: Sequence[str] = ()
    clients: Sequence[int] = ()
    from_ms: int | None = None
    to_ms: int | None = None
    limit: int | None = None
    one_of_each: bool = False


def select(corpus: Corpus, wanted: Wanted) -> Iterator[Ping]:
    """The wanted pings of a corpus, in its order.

    Raises:
        UsageError: a ping type, label or product that the corpus cannot have.
    """
    meta = corpus.meta
    pings = _codes("ping type", wanted.pings, corpus.ping_names)
    labels = _codes("label", wanted.labels, corpus.label_names)
    _codes("product", wanted.products, list(meta.products))
    return _selected(corpus, wanted, pings, labels)


def _selected(corpus: Corpus, wanted: Wanted, pings: list[int], labels: list[int]) -> Iterator[Ping]:
    left = len(corpus) if wanted.limit is None else wanted.limit
    seen: set[tuple[str, str]] = set()
    for part in corpus.parts:
        for i in _rows(part, wanted, pings, labels):
            if left <= 0:
                return
            index = part.index[i]
            kind = (corpus.ping_names[index["ping"]], corpus.label_names[index["label"]])
            if wanted.one_of_each and kind in seen:
                continue
            ping = part.ping(i)
            if wanted.products and ping.product not in wanted.products:
                continue
            seen.add(kind)
            left -= 1
            yield ping


def _rows(part: Part, wanted: Wanted, pings: list[int], labels: list[int]) -> Iterator[int]:
    index = part.index
    keep: npt.NDArray[np.bool_] = np.ones(len(index), dtype=bool)
    for column, values in (("ping", pings), ("label", labels), ("client", wanted.clients)):
        if values:
            keep &= np.isin(index[column], np.array(values, dtype=np.int64))
    if wanted.from_ms is not None:
        keep &= index["due_ms"] >= wanted.from_ms
    if wanted.to_ms is not None:
        keep &= index["due_ms"] < wanted.to_ms
    yield from np.flatnonzero(keep).tolist()


def _codes(what: str, names: Sequence[str], known: list[str]) -> list[int]:
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"it has {', '.join(known)}"
            raise UsageError(f"this corpus has no {what} {name!r}; {hint}")
    return [known.index(name) for name in names]
