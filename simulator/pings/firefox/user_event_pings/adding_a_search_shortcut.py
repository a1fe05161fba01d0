"""Section "Adding a search shortcut"."""

from __future__ import annotations

from simulator.pings.firefox.user_event_pings.search_shortcut import search_shortcut
from simulator.records import Dialect


def search_shortcut_add(dialect: Dialect, metadata: str, *, position: int, vendor: str) -> str:
    """A search engine was put among the top sites. Arguments as for `search_shortcut`."""
    return search_shortcut(dialect, metadata, event="SEARCH_EDIT_ADD", position=position, vendor=vendor)
