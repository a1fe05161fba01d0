"""What badges and the What's New panel have in common: the client id on all channels, two eras of routes."""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application, annotation, release_fields
from simulator.pings.text import quoted
from simulator.records import Dialect


def panel_metadata(
    dialect: Dialect,
    app: Application,
    *,
    client_id: str,
    browser_session_id: str,
    message_id: str,
    experiments: str | None,
) -> str:
    """Everything but the event: documented as the seed's `cfr_user_event`, wire as whats-new-panel/1.

    Args:
        dialect: the form to write.
        app: the sending application.
        client_id: without braces.
        browser_session_id: without braces; only on the wire.
        message_id: id of the badge or message, comma-joined ids of all that a panel shows, or `n/a`.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
    """
    if dialect == "documented":
        return (
            f'"locale":"{app.locale}","client_id":"{client_id}","version":"{app.version}",'
            f'"release_channel":"{app.release_channel}","addon_version":"{app.addon_version}",'
            f'"action":"cfr_user_event",{annotation(experiments)}"source":"CFR",'
            f'"message_id":{quoted(message_id)}'
        )
    return (
        f'"client_id":"{client_id}","browser_session_id":"{browser_session_id}",'
        f'"addon_version":"{app.addon_version}",{release_fields(app, experiments)},'
        f'"message_id":{quoted(message_id)}'
    )
