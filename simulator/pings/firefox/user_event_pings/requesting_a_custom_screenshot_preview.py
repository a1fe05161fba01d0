"""Section "Requesting a custom screenshot preview"."""

from __future__ import annotations

from simulator.records import Dialect


def topsite_preview_request(dialect: Dialect, metadata: str, *, browser_session_id: str) -> str:
    """A preview of a tile's own picture was asked for. The sample has three fields (conflict C14).

    Args:
        dialect: the form to write.
        metadata: the basic metadata of the session.
        browser_session_id: without braces; the only part of the metadata that the sample has.
    """
    if dialect == "documented":
        return (
            f'{{"event":"PREVIEW_REQUEST","browser_session_id":"{browser_session_id}","source":"TOP_SITES"}}'
        )
    return f'{{"event":"PREVIEW_REQUEST","source":"TOP_SITES",{metadata}}}'
