"""Section "Performing a search handoff"."""

from __future__ import annotations


def newtab_search_handoff(metadata: str) -> str:
    """The user began to type and focus moved to the URL bar."""
    return f'{{"event":"SEARCH_HANDOFF",{metadata}}}'
