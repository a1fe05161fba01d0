"""The fields that all Top Story pings share. They carry the impression id and never the client's or the session's."""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application
from simulator.records import Dialect


def impression_metadata(
    dialect: Dialect,
    app: Application,
    *,
    impression_id: str,
    page: str,
    experiments: str | None,
    user_prefs: int,
) -> str:
    """Everything but the tiles and what happened to them.

    Documented has the source `pocket` of the samples, wire the component's name CARDGRID (conflict C23).

    Args:
        dialect: the form to write.
        app: the sending application.
        impression_id: without braces; both dialects print it with braces.
        page: the page that the user sees.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
        user_prefs: the preference bits.
    """
    common = (
        f'"impression_id":"{{{impression_id}}}","addon_version":"{app.addon_version}","locale":"{app.locale}"'
    )
    if dialect == "documented":
        return (
            f'{common},"source":"pocket","page":"{page}","experiments":{experiments or "{}"},'
            f'"user_prefs":{user_prefs}'
        )
    return (
        f'{common},"version":"{app.version}","release_channel":"{app.release_channel}","source":"CARDGRID",'
        f'"page":"{page}","experiments":{experiments or "{}"},"user_prefs":{user_prefs}'
    )


def tiles_list(story_ids: list[str], *, positions: bool) -> str:
    """The `tiles` of an impression or of loaded content, as JSON text.

    Args:
        story_ids: as JSON text (numbers, or strings in version 2, conflict C22), in the order of the page.
        positions: whether to add each tile's 0-based `pos`.
    """
    if positions:
        return "[" + ",".join(f'{{"id":{story},"pos":{pos}}}' for pos, story in enumerate(story_ids)) + "]"
    return "[" + ",".join(f'{{"id":{story}}}' for story in story_ids) + "]"
