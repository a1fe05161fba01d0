"""Section "Opening the new tab preferences pane"."""

from __future__ import annotations


def newtab_prefs_open(metadata: str) -> str:
    """The preferences pane was opened."""
    return f'{{"event":"OPEN_NEWTAB_PREFS",{metadata}}}'
