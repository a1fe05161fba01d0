"""The fields of both Sponsored TopSites pings. Only the context id may name the user: nothing links to other pings."""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application, release_fields


def sponsored_metadata(app: Application, *, context_id: str, experiments: str | None) -> str:
    """What does not depend on the tile.

    Args:
        app: the sending application.
        context_id: without braces; both dialects print it with braces.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
    """
    return f'"context_id":"{{{context_id}}}",{release_fields(app, experiments)}'


def sponsored_tile(*, advertiser: str, tile_id: int, position: int, reporting_url: str) -> str:
    """What depends on the tile alone.

    Args:
        advertiser: the advertiser's name.
        tile_id: the tile's number.
        position: **1-based** slot, as the client counts here.
        reporting_url: the advertiser's address, percent-encoded (conflict C35).
    """
    return (
        f'"advertiser":"{advertiser}","tile_id":{tile_id},"source":"newtab","position":{position},'
        f'"reporting_url":"{reporting_url}"'
    )
