"""Section "Spotlight pings"."""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application, release_fields
from simulator.pings.text import quoted


def spotlight_event(
    app: Application,
    *,
    client_id: str,
    browser_session_id: str,
    message_id: str,
    event: str,
    experiments: str | None,
) -> str:
    """A spotlight dialog was shown, followed or closed. The printed sample is what goes on the wire.

    Args:
        app: the sending application.
        client_id: without braces, on all channels.
        browser_session_id: without braces.
        message_id: the message's own id.
        event: IMPRESSION, CLICK or DISMISS.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
    """
    return (
        f'{{{release_fields(app, experiments)},"addon_version":"{app.addon_version}","event":"{event}",'
        f'"client_id":"{client_id}","message_id":{quoted(message_id)},'
        f'"browser_session_id":"{browser_session_id}"}}'
    )
