"""Section "CFR impression for all the prerelease channels and shield experiment"."""

from __future__ import annotations


def cfr_impression_prerelease(metadata: str) -> str:
    """A recommendation was shown.

    Args:
        metadata: from `cfr_metadata_prerelease`.
    """
    return f'{{{metadata},"event":"IMPRESSION"}}'
