"""Section "Clicking on privacy information link"."""

from __future__ import annotations


def privacy_info_click(metadata: str) -> str:
    """The link in the privacy notice was followed; the notice had been shown for a sponsored story just before."""
    return f'{{"event":"CLICK_PRIVACY_INFO","source":"DS_PRIVACY_MODAL",{metadata}}}'
