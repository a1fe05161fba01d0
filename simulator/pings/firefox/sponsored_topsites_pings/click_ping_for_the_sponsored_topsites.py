"""Section "Click ping for the sponsored TopSites"."""

from __future__ import annotations


def sponsored_topsite_click(metadata: str, tile: str) -> str:
    """A sponsored tile was clicked.

    Args:
        metadata: from `sponsored_metadata`.
        tile: from `sponsored_tile`, with the click's reporting URL.
    """
    return f"{{{tile},{metadata}}}"
