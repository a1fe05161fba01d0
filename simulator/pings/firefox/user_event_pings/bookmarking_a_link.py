"""Section "Bookmarking a link"."""

from __future__ import annotations

from simulator.pings.text import compact, nested
from simulator.records import Dialect


def bookmark_add(dialect: Dialect, metadata: str, *, position: int) -> str:
    """A highlight was bookmarked.

    Args:
        dialect: the form to write.
        metadata: the basic metadata of the session.
        position: 0-based place among the highlights.
    """
    value = nested(dialect, compact({"card_type": "trending"}))
    return f'{{"event":"BOOKMARK_ADD","source":"HIGHLIGHTS","action_position":{position},"value":{value},{metadata}}}'
