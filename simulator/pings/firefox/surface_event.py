"""The form of info bar and spotlight pings: the client's id on all channels, and the run of the browser."""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application, release_fields
from simulator.pings.text import quoted


def surface_event(
    app: Application,
    *,
    client_id: str,
    browser_session_id: str,
    message_id: str,
    event: str,
    experiments: str | None,
) -> str:
    """A message on one of these surfaces was shown or used. The printed samples are what goes on the wire.

    Args:
        app: the sending application.
        client_id: without braces, on all channels.
        browser_session_id: without braces.
        message_id: the message's own id.
        event: what happened.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
    """
    return (
        f'{{{release_fields(app, experiments)},"addon_version":"{app.addon_version}","event":"{event}",'
        f'"client_id":"{client_id}","message_id":{quoted(message_id)},'
        f'"browser_session_id":"{browser_session_id}"}}'
    )
