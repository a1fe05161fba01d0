"""Section "Removing a bookmark from a link"."""

from __future__ import annotations

from simulator.pings.text import compact, nested
from simulator.records import Dialect


def bookmark_remove(dialect: Dialect, metadata: str, *, position: int) -> str:
    """The bookmark of a highlight was removed.

    Args:
        dialect: the form to write.
        metadata: the basic metadata of the session.
        position: 0-based place among the highlights.
    """
    value = nested(dialect, compact({"card_type": "bookmark"}))
    return (
        f'{{"event":"BOOKMARK_DELETE","source":"HIGHLIGHTS","action_position":{position},"value":{value},'
        f"{metadata}}}"
    )
