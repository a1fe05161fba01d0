"""The form that both error pings of the message router have on the wire."""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application, release_fields
from simulator.pings.text import quoted


def undesired_event(
    app: Application,
    *,
    impression_id: str,
    message_id: str,
    event: str,
    context: str,
    experiments: str | None,
) -> str:
    """An error of the message router as clients send it: the impression id on every channel, never the client's.

    Args:
        app: the sending application.
        impression_id: without braces.
        message_id: the message's own id, `n/a` where it is about none.
        event: what went wrong.
        context: more about it, as JSON text.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
    """
    return (
        f'{{"impression_id":"{{{impression_id}}}","addon_version":"{app.addon_version}",'
        f'{release_fields(app, experiments)},"message_id":{quoted(message_id)},"event":"{event}",'
        f'"event_context":{context}}}'
    )
