"""Section "Onboarding button clicks"."""

from __future__ import annotations

from simulator.pings.text import compact, nested, quoted
from simulator.records import Dialect


def onboarding_click(dialect: Dialect, metadata: str, *, message_id: str, source: str) -> str:
    """A button of about:welcome was clicked.

    Args:
        dialect: the form to write; the document prints `CLICK_BUTTION` (conflict C13) and an object (C4).
        metadata: from `onboarding_metadata`.
        message_id: the screen's id.
        source: primary_button or secondary_button.
    """
    event = "CLICK_BUTTION" if dialect == "documented" else "CLICK_BUTTON"
    context = nested(dialect, compact({"page": "about:welcome", "source": source}))
    return f'{{{metadata},"message_id":{quoted(message_id)},"event":"{event}","event_context":{context}}}'
