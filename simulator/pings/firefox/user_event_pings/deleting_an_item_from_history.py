"""Section "Deleting an item from history"."""

from __future__ import annotations


def history_delete(metadata: str, *, position: int, value: str) -> str:
    """A site was deleted from history by its tile's menu; the user confirmed it.

    Args:
        metadata: the basic metadata of the session.
        position: 0-based slot.
        value: from `tile_value`, of a pinned or an ordinary tile.
    """
    return (
        f'{{"event":"DELETE","source":"TOP_SITES","action_position":{position},"value":{value},{metadata}}}'
    )
