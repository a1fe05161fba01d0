"""Section "Closing the new tab preferences pane"."""

from __future__ import annotations


def newtab_prefs_close(metadata: str) -> str:
    """The preferences pane was closed. Clients of version 75 and later never send this (conflict C30)."""
    return f'{{"event":"CLOSE_NEWTAB_PREFS",{metadata}}}'
