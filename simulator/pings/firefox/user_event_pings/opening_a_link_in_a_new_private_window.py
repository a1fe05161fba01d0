"""Section "Opening a link in a new private window"."""

from __future__ import annotations


def open_private_window(metadata: str, *, position: int, value: str) -> str:
    """A tile was opened in a private window, where nothing is reported any more.

    Args:
        metadata: the basic metadata of the session.
        position: 0-based slot.
        value: from `tile_value`, of a pinned or an ordinary tile.
    """
    return (
        f'{{"event":"OPEN_PRIVATE_WINDOW","source":"TOP_SITES","action_position":{position},"value":{value},'
        f"{metadata}}}"
    )
