"""Section "Clicking a top story item"."""

from __future__ import annotations

from simulator.pings.text import compact, nested
from simulator.records import Dialect


def topstory_click(dialect: Dialect, metadata: str, *, position: int, sponsored: bool) -> str:
    """The user clicked a recommended story. A `story_click_stats` ping goes with it.

    Args:
        dialect: the form to write.
        metadata: the basic metadata of the session.
        position: 0-based place in the grid.
        sponsored: whether somebody pays for the story.
    """
    value = nested(dialect, compact({"card_type": "spoc" if sponsored else "organic"}))
    return f'{{"event":"CLICK","source":"CARDGRID","action_position":{position},"value":{value},{metadata}}}'
