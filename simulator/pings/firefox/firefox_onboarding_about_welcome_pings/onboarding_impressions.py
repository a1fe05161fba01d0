"""Section "Onboarding impressions"."""

from __future__ import annotations

from simulator.pings.text import compact, nested, quoted
from simulator.records import Dialect


def onboarding_impression(dialect: Dialect, metadata: str, *, message_id: str) -> str:
    """A screen of about:welcome was shown, or the page itself (its bare id).

    Args:
        dialect: the form to write; `event_context` is an object in the sample, text on the wire (conflict C4).
        metadata: from `onboarding_metadata`.
        message_id: the id of what is shown, the screen's appended to the message's.
    """
    context = nested(dialect, compact({"page": "about:welcome"}))
    return f'{{{metadata},"message_id":{quoted(message_id)},"event":"IMPRESSION","event_context":{context}}}'
