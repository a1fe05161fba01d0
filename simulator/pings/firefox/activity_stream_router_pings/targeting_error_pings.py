"""Section "Targeting error pings"."""

from __future__ import annotations

from simulator.pings.firefox.activity_stream_router_pings.undesired_event import undesired_event
from simulator.pings.firefox.basic_metadata import Application, annotation
from simulator.pings.text import quoted
from simulator.records import Dialect


def targeting_error(
    dialect: Dialect,
    app: Application,
    *,
    impression_id: str,
    message_id: str,
    cause: str,
    experiments: str | None,
) -> str:
    """A message's targeting expression could not be evaluated. It never names the client (conflict C18).

    Args:
        dialect: the form to write.
        app: the sending application.
        impression_id: without braces; printed with braces, on all channels.
        message_id: the message's own id.
        cause: MALFORMED_EXPRESSION or OTHER_ERROR.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
    """
    event, context = "TARGETING_EXPRESSION_ERROR", quoted(cause)
    if dialect == "documented":
        return (
            f'{{"client_id":"n/a","action":"asrouter_undesired_event","addon_version":"{app.addon_version}",'
            f'"impression_id":"{{{impression_id}}}","locale":"{app.locale}",{annotation(experiments)}'
            f'"message_id":{quoted(message_id)},"event":"{event}","event_context":{context}}}'
        )
    return undesired_event(
        app,
        impression_id=impression_id,
        message_id=message_id,
        event=event,
        context=context,
        experiments=experiments,
    )
