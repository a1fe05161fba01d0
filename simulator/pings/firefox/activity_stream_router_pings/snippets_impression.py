"""Section "Snippets impression"."""

from __future__ import annotations


def snippets_impression(metadata: str) -> str:
    """A snippet was shown at the foot of a new tab.

    Args:
        metadata: from `snippets_metadata`.
    """
    return f'{{{metadata},"event":"IMPRESSION"}}'
