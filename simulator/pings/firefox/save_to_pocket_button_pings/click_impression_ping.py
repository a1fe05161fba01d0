"""Section "Click/impression ping" of the Save to Pocket button."""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application
from simulator.records import Dialect

_DOCUMENTED_ACTION = {"save": "click"}


def pocket_button(
    dialect: Dialect,
    app: Application,
    *,
    action: str,
    source: str,
    position: int,
    logged_in: bool,
    impression_id: str,
    profile_creation_day: int,
    experiments: str | None,
) -> str:
    """The toolbar button that saves to Pocket was used, or something of its panel was shown.

    Args:
        dialect: the form to write. The document knows no `save` (there it is a click) and calls the last field
            `pocket_logged_in_state` (conflicts C10, C11).
        app: the sending application.
        action: impression, click, save or unpin.
        source: what was shown or used, such as save_button or on_save_recs.
        position: 0-based place within the source.
        logged_in: whether the user is logged in to Pocket.
        impression_id: without braces; printed with braces.
        profile_creation_day: days from the Unix epoch to the profile's creation.
        experiments: the annotation as JSON text, None while not enrolled anywhere; the sample has none.
    """
    status = "true" if logged_in else "false"
    common = (
        f'"locale":"{app.locale}","version":"{app.version}","release_channel":"{app.release_channel}","model":"",'
        f'"impression_id":"{{{impression_id}}}","profile_creation_date":{profile_creation_day}'
    )
    if dialect == "documented":
        action = _DOCUMENTED_ACTION.get(action, action)
        events = f'[{{"action":"{action}","position":{position},"source":"{source}"}}]'
        return f'{{{common},"events":{events},"pocket_logged_in_state":{status}}}'
    events = f'[{{"action":"{action}","position":{position},"source":"{source}"}}]'
    return f'{{{common},"events":{events},"pocket_logged_in_status":{status},"experiments":{experiments or "{}"}}}'
