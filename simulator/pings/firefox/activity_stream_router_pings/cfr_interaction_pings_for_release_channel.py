"""Section "CFR interaction pings for release channel"."""

from __future__ import annotations

from simulator.pings.firefox.activity_stream_router_pings.cfr_metadata import DOCUMENTED_EVENTS
from simulator.records import Dialect


def cfr_interaction_release(dialect: Dialect, metadata: str, *, event: str) -> str:
    """Something was done with a recommendation.

    Args:
        dialect: the form to write.
        metadata: from `cfr_metadata_release`.
        event: CLICK_DOORHANGER, INSTALL, ENABLE, PIN, BLOCK, DISMISS, MANAGE, RATIONALE, LEARN_MORE, CLICK or
            CLICK_BUTTON.
    """
    name = DOCUMENTED_EVENTS.get(event, event) if dialect == "documented" else event
    return f'{{{metadata},"event":"{name}"}}'
