"""What all onboarding pings have in common."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.pings.firefox.basic_metadata import Application, release_fields
from simulator.pings.text import compact


def onboarding_metadata(
    app: Application,
    *,
    client_id: str,
    browser_session_id: str,
    experiments: str | None,
    attribution: Mapping[str, str] | None,
) -> str:
    """Everything but the event. The same in both dialects, apart from `event_context`, which builders add.

    Args:
        app: the sending application.
        client_id: without braces, on all channels.
        browser_session_id: without braces.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
        attribution: where the download came from; None or empty is left out (conflict C38).
    """
    came_from = f',"attribution":{compact(dict(attribution))}' if attribution else ""
    return (
        f'"client_id":"{client_id}",{release_fields(app, experiments)},"addon_version":"{app.addon_version}",'
        f'"browser_session_id":"{browser_session_id}"{came_from}'
    )
