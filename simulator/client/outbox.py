"""Where senders put their pings: rows for the corpus, and the codes of the kinds of ping."""

from __future__ import annotations

from simulator.catalogue import ping_types
from simulator.corpus.rows import Kind, Kinds, Row
from simulator.corpus.standing import StandingPings
from simulator.records import Dialect
from simulator.wire import glean, structured, telemetry


class Outbox:
    """The pings of one cohort on their way to the corpus.

    Senders append rows to `rows`, which is never replaced, and tell `standing` of pings that are the same each time.

    Args:
        dialect: the dialect that the senders write.
        kinds: hands out the kind codes.
    """

    def __init__(self, dialect: Dialect, kinds: Kinds) -> None:
        self.dialect = dialect
        self.kinds = kinds
        self.rows: list[Row] = []
        self.standing = StandingPings(kinds)

    def __len__(self) -> int:
        """How much waits: rows, and happenings that each make a standing ping or a few."""
        return len(self.rows) + len(self.standing)

    def take(self) -> list[Row]:
        """All pings that wait, as rows in the order in which they were made. Nothing waits afterwards."""
        rows, made = self.rows.copy(), self.standing.take()
        self.rows.clear()
        taken: list[Row] = []
        given = 0
        for after, row in zip(made.after_rows.tolist(), self.standing.rows_of(made), strict=True):
            taken += rows[given:after]
            given = after
            taken.append(row)
        return taken + rows[given:]

    def structured(self, ping: str, *, version: str = "") -> int:
        """The kind code of a structured ping of the catalogue, in another version of its route where one is given."""
        row = ping_types()[ping]
        route = row.routes[self.dialect]
        if version:
            route = route.rsplit("/", 1)[0] + "/" + version
        return self.kinds.code(Kind(ping, row.product, route, structured(route)))

    def telemetry(self, ping: str, doctype: str, *, version: str, channel: str, build_id: str) -> int:
        """The kind code of a legacy telemetry ping; its address names the build that sends it."""
        row = ping_types()[ping]
        address = telemetry(doctype, version=version, channel=channel, build_id=build_id)
        return self.kinds.code(Kind(ping, row.product, row.routes[self.dialect], address))

    def glean(self, ping: str, name: str, *, application_id: str, product: str) -> int:
        """The kind code of a Glean ping, which more than one product sends."""
        route = ping_types()[ping].routes[self.dialect]
        return self.kinds.code(Kind(ping, product, route, glean(name, application_id=application_id)))
