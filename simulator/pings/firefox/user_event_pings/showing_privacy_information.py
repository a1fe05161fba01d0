"""Section "Showing privacy information"."""

from __future__ import annotations

from simulator.records import Dialect


def privacy_info_show(dialect: Dialect, metadata: str, *, source: str, position: int) -> str:
    """The menu of a sponsored item led to the privacy notice.

    Args:
        dialect: the form to write. The only sample is about a top site, so documented always names that source.
        metadata: the basic metadata of the session.
        source: TOP_SITES, or CARDGRID where the item is a sponsored story.
        position: 0-based place of the item.
    """
    named = "TOP_SITES" if dialect == "documented" else source
    return f'{{"event":"SHOW_PRIVACY_INFO","source":"{named}","action_position":{position},{metadata}}}'
