"""Section "Feature Callouts interaction pings": badges in the toolbar."""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application
from simulator.pings.firefox.panel_metadata import panel_metadata
from simulator.records import Dialect


def toolbar_badge(
    dialect: Dialect,
    app: Application,
    *,
    client_id: str,
    browser_session_id: str,
    message_id: str,
    event: str,
    experiments: str | None,
) -> str:
    """A badge in the toolbar was seen or clicked, in a window that is not private.

    Args:
        dialect: the form to write; the routes differ too (conflict C20).
        app: the sending application.
        client_id: without braces, on all channels.
        browser_session_id: without braces; only on the wire.
        message_id: the badge's id.
        event: IMPRESSION or CLICK.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
    """
    metadata = panel_metadata(
        dialect,
        app,
        client_id=client_id,
        browser_session_id=browser_session_id,
        message_id=message_id,
        experiments=experiments,
    )
    return f'{{{metadata},"event":"{event}"}}'
