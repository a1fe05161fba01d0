"""Section "Deleting a search shortcut"."""

from __future__ import annotations

from simulator.pings.firefox.user_event_pings.search_shortcut import search_shortcut
from simulator.records import Dialect


def search_shortcut_delete(dialect: Dialect, metadata: str, *, position: int, vendor: str) -> str:
    """A search engine was taken from the top sites. Arguments as for `search_shortcut`."""
    return search_shortcut(dialect, metadata, event="SEARCH_EDIT_DELETE", position=position, vendor=vendor)
