"""Section "Click/block/save_to_pocket ping": what the user did with one story.

In real clients a user event goes with each: CLICK (`topstory_click`, both dialects), BLOCK and SAVE_TO_POCKET. A
BLOCK of a story is sent on the wire alone, as `tile_block` with the source CARDGRID, because the document prints that
event for top sites only. SAVE_TO_POCKET is sent in neither dialect: the documents have no such event, so there is no
ping type for it, and one that the catalogue does not know would be a stranger in every corpus.
"""

from __future__ import annotations

from typing import Literal

from simulator.pings.text import quoted


def _story_stats(
    did: Literal["click", "block", "pocket"], metadata: str, *, story: str, position: int, shim: str | None
) -> str:
    token = f',"shim":{quoted(shim)}' if shim else ""
    # The list has one tile, so the 0-based index of the tile that was touched is always 0.
    return f'{{{metadata},"tiles":[{{"id":{story},"pos":{position}{token}}}],"{did}":0}}'


def story_click_stats(metadata: str, *, story: str, position: int, shim: str | None) -> str:
    """The user clicked a story; goes with `topstory_click`.

    Args:
        metadata: from `impression_metadata`.
        story: the story's id as JSON text, a number or (version 2) a string.
        position: 0-based place in the grid.
        shim: the ad server's token, only on sponsored stories.
    """
    return _story_stats("click", metadata, story=story, position=position, shim=shim)


def story_block_stats(metadata: str, *, story: str, position: int, shim: str | None) -> str:
    """The user dismissed a story; goes with a BLOCK event on the wire. Arguments as for `story_click_stats`."""
    return _story_stats("block", metadata, story=story, position=position, shim=shim)


def story_pocket_stats(metadata: str, *, story: str, position: int, shim: str | None) -> str:
    """The user saved a story to Pocket. Arguments as for `story_click_stats`."""
    return _story_stats("pocket", metadata, story=story, position=position, shim=shim)
