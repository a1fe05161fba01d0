"""What `corpus.json` says about its records, counted again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from simulator.corpus import Corpus
from simulator.corpus.writer import META_FILE
from simulator.errors import Finding
from simulator.records import Ping

_HINT = "corpus.json was changed; generate the corpus again"


class Recount:
    """Counts records as they are read."""

    def __init__(self) -> None:
        self._kinds = Counter[tuple[str, str, str]]()
        self._first_ms: int | None = None
        self._last_ms = 0

    def add(self, ping: Ping) -> None:
        """Count one record."""
        self._kinds[ping.ping, ping.label, ping.product] += 1
        due_ms = ping.due_ms
        if self._first_ms is None or due_ms < self._first_ms:
            self._first_ms = due_ms
        if due_ms > self._last_ms:
            self._last_ms = due_ms

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Every number of `corpus.json` that is another one. What could not be read counts for nothing."""
        meta = corpus.meta
        said: dict[str, int] = {"bytes": meta.bytes}
        there: dict[str, int] = {"bytes": sum(len(part.lines) for part in corpus.parts)}
        if self._kinds.total() == meta.records:  # else the records that cannot be read are found already
            if self._first_ms is not None:  # where there is no record, the times are those of the scenario
                said |= {"first_due_ms": meta.first_due_ms, "last_due_ms": meta.last_due_ms}
                there |= {"first_due_ms": self._first_ms, "last_due_ms": self._last_ms}
            for at, name in enumerate(("pings", "labels", "products")):
                said |= _keyed(name, getattr(meta, name))
                there |= _keyed(name, self._counts(at))
        for key in dict.fromkeys((*said, *there)):
            if said.get(key, 0) != there.get(key, 0):
                what = f"it says {said.get(key, 0):,}, and the records give {there.get(key, 0):,}"
                yield Finding(f"{corpus.path / META_FILE}: {key}", what, _HINT)

    def _counts(self, at: int) -> Counter[str]:
        counts = Counter[str]()
        for kind, count in self._kinds.items():
            counts[kind[at]] += count
        return counts


def _keyed(name: str, counts: Mapping[str, int]) -> dict[str, int]:
    return {f"{name}.{key}": count for key, count in counts.items()}
