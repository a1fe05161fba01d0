"""Section "Impression stats": the stories a session saw, and those that were loaded for it."""

from __future__ import annotations


def story_impression_stats(metadata: str, tiles: str) -> str:
    """The stories of which at least half was on the screen.

    Args:
        metadata: from `impression_metadata`.
        tiles: from `tiles_list`.
    """
    return f'{{{metadata},"tiles":{tiles}}}'


def story_loaded_content(metadata: str, tiles: str, *, loaded: int) -> str:
    """The stories that were loaded when the page became visible.

    Args:
        metadata: from `impression_metadata`.
        tiles: from `tiles_list`.
        loaded: how many.
    """
    return f'{{{metadata},"tiles":{tiles},"loaded":{loaded}}}'
