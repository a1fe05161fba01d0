"""Section "Remote Settings error pings"."""

from __future__ import annotations

from simulator.pings.firefox.activity_stream_router_pings.undesired_event import undesired_event
from simulator.pings.firefox.basic_metadata import Application, annotation
from simulator.pings.text import quoted
from simulator.records import Dialect


def remote_settings_error(
    dialect: Dialect,
    app: Application,
    *,
    impression_id: str,
    event: str,
    provider: str,
    experiments: str | None,
    user_prefs: int,
) -> str:
    """Messages could not be loaded from Remote Settings.

    The sample forgets the impression id and has two fields that the client does not send (conflict C17).

    Args:
        dialect: the form to write.
        app: the sending application.
        impression_id: without braces; only on the wire.
        event: ASR_RS_NO_MESSAGES or ASR_RS_ERROR.
        provider: id of the message provider.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
        user_prefs: the preference bits; only documented.
    """
    if dialect == "documented":
        return (
            f'{{"action":"asrouter_undesired_event","client_id":"n/a","addon_version":"{app.addon_version}",'
            f'"locale":"{app.locale}",{annotation(experiments)}"user_prefs":{user_prefs},"event":"{event}",'
            f'"event_context":{quoted(provider)}}}'
        )
    return undesired_event(
        app,
        impression_id=impression_id,
        message_id="n/a",
        event=event,
        context=quoted(provider),
        experiments=experiments,
    )
