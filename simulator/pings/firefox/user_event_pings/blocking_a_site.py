"""Section "Blocking a site"."""

from __future__ import annotations


def tile_block(metadata: str, *, position: int, value: str) -> str:
    """The user dismissed a top site for good.

    Args:
        metadata: the basic metadata of the session.
        position: 0-based slot.
        value: from `tile_value`.
    """
    return f'{{"event":"BLOCK","source":"TOP_SITES","action_position":{position},"value":{value},{metadata}}}'
