"""Section "Spotlight pings"."""

from __future__ import annotations

from typing import Any

from simulator.pings.firefox.basic_metadata import Application
from simulator.pings.firefox.surface_event import surface_event


def spotlight_event(app: Application, **surface: Any) -> str:
    """A spotlight dialog was shown, followed or closed: IMPRESSION, CLICK or DISMISS.

    Arguments as for `surface_event`.
    """
    return surface_event(app, **surface)
