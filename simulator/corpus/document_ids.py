"""Document ids: the n-th of a client is a function of (seed, client, n)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.randomness import client_keys, ranks, uuid_text

Ints = npt.NDArray[np.int64]


class DocumentIds:
    """Numbers the pings of some consecutive clients, and gives each its id.

    Args:
        seed: the corpus's seed.
        clients: whose pings may come.
    """

    def __init__(self, seed: int, clients: range) -> None:
        self._clients = clients
        # Numbers of at most two bytes are sorted several times as fast.
        self._narrow = np.dtype(np.uint16 if len(clients) <= 1 << 16 else np.int64)
        self._keys = client_keys(seed, "document id", np.arange(clients.start, clients.stop))
        self._drawn = np.zeros(len(clients), dtype=np.int64)

    def take(self, client: Ints) -> tuple[Ints, npt.NDArray[np.uint8]]:
        """The next pings of clients, in the order in which they are due.

        Args:
            client: who sends each.

        Returns:
            The how-manieth of its client each is, from 0 over the whole simulation; and their ids, 36 ASCII bytes each.
        """
        member = (client - self._clients.start).astype(self._narrow)
        counts = np.bincount(member, minlength=len(self._clients))
        number = np.empty(len(member), dtype=np.int64)
        number[np.argsort(member, kind="stable")] = ranks(counts)
        number += self._drawn.take(member)
        self._drawn += counts
        return number, uuid_text(self._keys.take(member), number.astype(np.uint64))
