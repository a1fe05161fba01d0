"""Section "InfoBar pings"."""

from __future__ import annotations

from typing import Any

from simulator.pings.firefox.basic_metadata import Application
from simulator.pings.firefox.surface_event import surface_event


def infobar_event(app: Application, **surface: Any) -> str:
    """The info bar was shown or used: IMPRESSION, CLICK_PRIMARY_BUTTON, CLICK_SECONDARY_BUTTON or DISMISSED.

    Arguments as for `surface_event`.
    """
    return surface_event(app, **surface)
