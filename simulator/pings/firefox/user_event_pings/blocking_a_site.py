"""Section "Blocking a site"."""

from __future__ import annotations


def tile_block(metadata: str, *, position: int, value: str, source: str = "TOP_SITES") -> str:
    """The user dismissed a top site, or on the wire a story, for good.

    Args:
        metadata: the basic metadata of the session.
        position: 0-based slot.
        value: from `tile_value`; of a story its card type alone.
        source: TOP_SITES, or CARDGRID for a story, which the document does not print.
    """
    return f'{{"event":"BLOCK","source":"{source}","action_position":{position},"value":{value},{metadata}}}'
