"""Section "Adding or editing a new TopSite"."""

from __future__ import annotations

from simulator.records import Dialect


def topsite_edit(dialect: Dialect, metadata: str, *, browser_session_id: str, position: int) -> str:
    """A top site was added or edited by hand.

    The sample has four fields and prints the name of a constant as its source; the client sends all basic metadata
    and the constant's value (conflicts C14, C15).

    Args:
        dialect: the form to write.
        metadata: the basic metadata of the session.
        browser_session_id: without braces; the only part of the metadata that the sample has.
        position: -1 for a new site in front of the others, else the slot that was edited.
    """
    if dialect == "documented":
        return (
            f'{{"event":"TOP_SITES_EDIT","source":"TOP_SITES_SOURCE",'
            f'"browser_session_id":"{browser_session_id}","action_position":{position}}}'
        )
    return f'{{"event":"TOP_SITES_EDIT","source":"TOP_SITES","action_position":{position},{metadata}}}'
