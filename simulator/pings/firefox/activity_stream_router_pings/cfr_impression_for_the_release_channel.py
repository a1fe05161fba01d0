"""Section "CFR impression for the release channel"."""

from __future__ import annotations


def cfr_impression_release(metadata: str) -> str:
    """A recommendation was shown.

    Args:
        metadata: from `cfr_metadata_release`.
    """
    return f'{{{metadata},"event":"IMPRESSION"}}'
