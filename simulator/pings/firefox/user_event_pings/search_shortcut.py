"""What both events about search shortcuts have in common."""

from __future__ import annotations

from simulator.pings.text import compact, nested
from simulator.records import Dialect


def search_shortcut(dialect: Dialect, metadata: str, *, event: str, position: int, vendor: str) -> str:
    """A search shortcut was added or deleted.

    Args:
        dialect: the form to write. The samples print a position; the client's code sends none (conflict C29).
        metadata: the basic metadata of the session.
        event: SEARCH_EDIT_ADD or SEARCH_EDIT_DELETE.
        position: 0-based slot of the shortcut.
        vendor: short name of the engine, such as google.
    """
    value = nested(dialect, compact({"search_vendor": vendor}))
    slot = f'"action_position":{position},' if dialect == "documented" else ""
    return f'{{"event":"{event}","source":"TOP_SITES",{slot}"value":{value},{metadata}}}'
