"""Section "Impression ping for the sponsored TopSites"."""

from __future__ import annotations


def sponsored_topsite_impression(metadata: str, tile: str) -> str:
    """A sponsored tile was shown.

    Args:
        metadata: from `sponsored_metadata`.
        tile: from `sponsored_tile`, with the impression's reporting URL.
    """
    return f"{{{tile},{metadata}}}"
