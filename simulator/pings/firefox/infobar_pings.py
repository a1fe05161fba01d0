"""Section "InfoBar pings"."""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application, release_fields
from simulator.pings.text import quoted


def infobar_event(
    app: Application,
    *,
    client_id: str,
    browser_session_id: str,
    message_id: str,
    event: str,
    experiments: str | None,
) -> str:
    """The info bar was shown or used. The printed sample is what goes on the wire.

    Args:
        app: the sending application.
        client_id: without braces, on all channels.
        browser_session_id: without braces.
        message_id: the message's own id.
        event: IMPRESSION, CLICK_PRIMARY_BUTTON, CLICK_SECONDARY_BUTTON or DISMISSED.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
    """
    return (
        f'{{{release_fields(app, experiments)},"addon_version":"{app.addon_version}","event":"{event}",'
        f'"client_id":"{client_id}","message_id":{quoted(message_id)},'
        f'"browser_session_id":"{browser_session_id}"}}'
    )
