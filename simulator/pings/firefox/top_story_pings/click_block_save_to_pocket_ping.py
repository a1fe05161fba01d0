"""Section "Click/block/save_to_pocket ping": what the user did with one story."""

from __future__ import annotations

from typing import Literal

from simulator.pings.text import quoted


def _story_stats(
    did: Literal["click", "block", "pocket"], metadata: str, *, story: int, position: int, shim: str | None
) -> str:
    token = f',"shim":{quoted(shim)}' if shim else ""
    # The list has one tile, so the 0-based index of the tile that was touched is always 0.
    return f'{{{metadata},"tiles":[{{"id":{story},"pos":{position}{token}}}],"{did}":0}}'


def story_click_stats(metadata: str, *, story: int, position: int, shim: str | None) -> str:
    """The user clicked a story; goes with `topstory_click`.

    Args:
        metadata: from `impression_metadata`.
        story: the story's id.
        position: 0-based place in the grid.
        shim: the ad server's token, only on sponsored stories.
    """
    return _story_stats("click", metadata, story=story, position=position, shim=shim)


def story_block_stats(metadata: str, *, story: int, position: int, shim: str | None) -> str:
    """The user dismissed a story; goes with a BLOCK event. Arguments as for `story_click_stats`."""
    return _story_stats("block", metadata, story=story, position=position, shim=shim)


def story_pocket_stats(metadata: str, *, story: int, position: int, shim: str | None) -> str:
    """The user saved a story to Pocket; goes with a SAVE_TO_POCKET event. Arguments as for `story_click_stats`."""
    return _story_stats("pocket", metadata, story=story, position=position, shim=shim)
