"""Where senders put their pings: rows for the corpus, and the codes of the kinds of ping."""

from __future__ import annotations

from simulator.catalogue import ping_types
from simulator.corpus.rows import Kind, Kinds, Row
from simulator.records import Dialect
from simulator.wire import structured


class Outbox:
    """The pings of one cohort on their way to the corpus. Senders append rows to `rows`, which is never replaced.

    Args:
        dialect: the dialect that the senders write.
        kinds: hands out the kind codes.
    """

    def __init__(self, dialect: Dialect, kinds: Kinds) -> None:
        self.dialect = dialect
        self.kinds = kinds
        self.rows: list[Row] = []

    def structured(self, ping: str) -> int:
        """The kind code of a structured ping of the catalogue."""
        row = ping_types()[ping]
        route = row.routes[self.dialect]
        return self.kinds.code(Kind(ping, row.product, route, structured(route)))
