"""The `value` of events about a top site: how its picture is made and what kind of tile it is."""

from __future__ import annotations

from functools import lru_cache

from simulator.pings.text import compact, nested
from simulator.records import Dialect


@lru_cache(maxsize=256)
def tile_value(
    dialect: Dialect, *, icon_type: str, card_type: str | None = None, search_vendor: str | None = None
) -> str:
    """The `value` of a click, block, delete or open event on a tile, as JSON text.

    Args:
        dialect: the form to write.
        icon_type: always there.
        card_type: pinned, search or spoc; an ordinary site has none.
        search_vendor: only where `card_type` is search.
    """
    value: dict[str, str] = {}
    if card_type:
        value["card_type"] = card_type
    value["icon_type"] = icon_type
    if search_vendor:
        value["search_vendor"] = search_vendor
    return nested(dialect, compact(value))
