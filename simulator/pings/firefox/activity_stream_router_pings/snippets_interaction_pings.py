"""Section "Snippets interaction pings"."""

from __future__ import annotations

from simulator.records import Dialect

#: The document misspells the click, and knows no dismissal.
DOCUMENTED_EVENTS = {"CLICK_BUTTON": "CLICK_BUTTION", "BLOCK": "BLOCK"}


def snippets_interaction(dialect: Dialect, metadata: str, *, event: str) -> str:
    """Something was done with a snippet.

    Args:
        dialect: the form to write; the document prints `CLICK_BUTTION` (conflict C13).
        metadata: from `snippets_metadata`.
        event: CLICK_BUTTON, BLOCK or (wire only) DISMISS.
    """
    name = DOCUMENTED_EVENTS[event] if dialect == "documented" else event
    return f'{{{metadata},"event":"{name}"}}'
