"""Section "Load more button ping"."""

from __future__ import annotations


def story_load_more(metadata: str) -> str:
    """More stories were asked for. It stands among the Top Story pings, but it is a user event.

    Args:
        metadata: the basic metadata of the session.
    """
    return f'{{"event":"CLICK","source":"DS_LOAD_MORE_BUTTON",{metadata}}}'
