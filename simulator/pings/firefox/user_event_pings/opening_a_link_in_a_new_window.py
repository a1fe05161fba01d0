"""Section "Opening a link in a new window"."""

from __future__ import annotations


def open_new_window(metadata: str, *, position: int, value: str) -> str:
    """A tile was opened in a new window; the page stays as it is.

    Args:
        metadata: the basic metadata of the session.
        position: 0-based slot.
        value: from `tile_value`, of a pinned or an ordinary tile.
    """
    return f'{{"event":"OPEN_NEW_WINDOW","source":"TOP_SITES","action_position":{position},"value":{value},{metadata}}}'
