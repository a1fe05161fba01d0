"""What both snippet pings have in common. The documented samples keep the placeholder `n/a` (conflict C6)."""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application, annotation, release_fields
from simulator.pings.text import quoted
from simulator.records import Dialect


def snippets_metadata(
    dialect: Dialect, app: Application, *, client_id: str, message_id: str, experiments: str | None
) -> str:
    """Everything but the event. Of the two `source` keys of the sample the second one is legal (conflict C12).

    Args:
        dialect: the form to write.
        app: the sending application.
        client_id: without braces, on all channels.
        message_id: the snippet's id.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
    """
    if dialect == "documented":
        return (
            f'"client_id":"{client_id}","action":"snippets_user_event","impression_id":"n/a",'
            f'"addon_version":"{app.addon_version}","locale":"{app.locale}",{annotation(experiments)}'
            f'"source":"NEWTAB_FOOTER_BAR","message_id":{quoted(message_id)}'
        )
    return (
        f'"client_id":"{client_id}","addon_version":"{app.addon_version}",{release_fields(app, experiments)},'
        f'"source":"NEWTAB_FOOTER_BAR","message_id":{quoted(message_id)}'
    )
