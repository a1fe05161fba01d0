"""Section "Panel interaction pings": the What's New panel."""

from __future__ import annotations

from simulator.pings.text import compact, quoted
from simulator.records import Dialect


def _context(dialect: Dialect, value: dict[str, str | bool]) -> str:
    """Documented: the object `value`. Wire: JSON text in `event_context` (conflict C21)."""
    text = compact(value)
    return f'"value":{text}' if dialect == "documented" else f'"event_context":{quoted(text)}'


def whats_new_panel_event(dialect: Dialect, metadata: str, *, event: str, view: str) -> str:
    """The panel was opened, or one of its messages clicked.

    Args:
        dialect: the form to write.
        metadata: from `panel_metadata`; an impression has the ids of all messages, comma-joined.
        event: IMPRESSION or CLICK.
        view: application_menu or toolbar_dropdown.
    """
    return f'{{{metadata},"event":"{event}",{_context(dialect, {"view": view})}}}'


def whats_new_panel_pref_toggle(dialect: Dialect, metadata: str, *, value: bool) -> str:
    """The panel's checkbox about notifications was changed.

    Args:
        dialect: the form to write.
        metadata: from `panel_metadata`, with the message id `n/a`.
        value: whether it is checked now.
    """
    return f'{{{metadata},"event":"WNP_PREF_TOGGLE",{_context(dialect, {"prefValue": value})}}}'
