"""Section "Onboarding Return-To-AMO install ping"."""

from __future__ import annotations

from simulator.pings.text import compact, nested, quoted
from simulator.records import Dialect


def onboarding_rtamo_install(dialect: Dialect, metadata: str, *, message_id: str) -> str:
    """The add-on that brought the user here was installed.

    Args:
        dialect: the form to write; `event_context` is an object in the sample, text on the wire (conflict C4).
        metadata: from `onboarding_metadata`.
        message_id: the id of what is shown, the screen's appended to the message's.
    """
    context = nested(dialect, compact({"page": "about:welcome", "source": "ADD_EXTENSION_BUTTON"}))
    return f'{{{metadata},"message_id":{quoted(message_id)},"event":"INSTALL","event_context":{context}}}'
