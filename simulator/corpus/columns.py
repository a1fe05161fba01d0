"""Pings on their way into a part, as columns: sorting and numbering them takes a few calls for all."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from simulator.corpus.rows import Row

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Columns:
    """Some pings; each field has one value for each of them, but for the last two.

    Args:
        due: when it is due, in milliseconds since the Unix epoch.
        client: who sends it.
        code: its kind.
        made: grows in the order in which pings were made.
        source: the number of a standing ping; for a row `~n`, its body being `bodies[n]`.
        bodies: of the rows, as their lines hold them.
        own_ids: document ids of the rows, None where one is to be drawn.
    """

    due: Ints
    client: Ints
    code: Ints
    made: Ints
    source: Ints
    bodies: list[str] = field(default_factory=list)
    own_ids: list[str | None] = field(default_factory=list)

    @classmethod
    def of(cls, rows: list[Row], made: Ints) -> Columns:
        """Rows as columns."""
        count = len(rows)
        due, client, code, bodies, own_ids = zip(*rows, strict=True) if rows else ((), (), (), (), ())
        return cls(
            due=np.fromiter(due, np.int64, count),
            client=np.fromiter(client, np.int64, count),
            code=np.fromiter(code, np.int64, count),
            made=made,
            source=~np.arange(count),
            bodies=list(bodies),
            own_ids=list(own_ids),
        )

    def __len__(self) -> int:
        """How many pings."""
        return len(self.due)

    def joined(self, others: Columns) -> Columns:
        """These and then the others."""
        shifted = np.where(others.source < 0, others.source - len(self.bodies), others.source)
        return Columns(
            due=np.concatenate((self.due, others.due)),
            client=np.concatenate((self.client, others.client)),
            code=np.concatenate((self.code, others.code)),
            made=np.concatenate((self.made, others.made)),
            source=np.concatenate((self.source, shifted)),
            bodies=self.bodies + others.bodies,
            own_ids=self.own_ids + others.own_ids,
        )

    def at(self, positions: Ints) -> Columns:
        """The pings at some positions, in that order; rows keep their bodies in the new order."""
        source = self.source.take(positions)
        own = np.flatnonzero(source < 0)
        numbers = (~source[own]).tolist()
        source[own] = ~np.arange(len(own))
        bodies, own_ids = self.bodies, self.own_ids
        return Columns(
            due=self.due.take(positions),
            client=self.client.take(positions),
            code=self.code.take(positions),
            made=self.made.take(positions),
            source=source,
            bodies=[bodies[n] for n in numbers],
            own_ids=[own_ids[n] for n in numbers],
        )
