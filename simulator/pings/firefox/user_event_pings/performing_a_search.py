"""Section "Performing a search"."""

from __future__ import annotations


def newtab_search(metadata: str) -> str:
    """The user searched from the new tab's own search box; the session ends with it."""
    return f'{{"event":"SEARCH",{metadata}}}'
