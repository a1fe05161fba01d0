"""Section "Show/hide Personalization Panel"."""

from __future__ import annotations


def newtab_personalize_show(metadata: str) -> str:
    """The personalization panel was opened."""
    return f'{{"event":"SHOW_PERSONALIZE",{metadata}}}'


def newtab_personalize_hide(metadata: str) -> str:
    """The personalization panel was closed again; it had been opened in the same session."""
    return f'{{"event":"HIDE_PERSONALIZE",{metadata}}}'
