"""Section "Clicking a top site item"."""

from __future__ import annotations


def topsite_click(metadata: str, *, position: int, value: str) -> str:
    """The user clicked a top site.

    Args:
        metadata: the basic metadata of the session.
        position: 0-based slot.
        value: from `tile_value`.
    """
    return f'{{"event":"CLICK","source":"TOP_SITES","action_position":{position},"value":{value},{metadata}}}'
