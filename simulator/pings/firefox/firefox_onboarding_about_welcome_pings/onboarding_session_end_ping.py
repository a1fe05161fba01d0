"""Section "Onboarding session end ping"."""

from __future__ import annotations

from simulator.pings.text import compact, nested, quoted
from simulator.records import Dialect


def onboarding_session_end(dialect: Dialect, metadata: str, *, message_id: str, reason: str) -> str:
    """about:welcome went away.

    Args:
        dialect: the form to write; `event_context` is an object in the sample, text on the wire (conflict C4).
        metadata: from `onboarding_metadata`.
        message_id: the id of what is shown, the screen's appended to the message's.
        reason: welcome-window-closed, welcome-tab-closed, app-shut-down or address-bar-navigated.
    """
    context = nested(dialect, compact({"page": "about:welcome", "reason": reason}))
    return f'{{{metadata},"message_id":{quoted(message_id)},"event":"SESSION_END","event_context":{context}}}'
