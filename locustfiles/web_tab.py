"""telsim's tab in Locust's web page."""

from __future__ import annotations

from typing import Any


def add_tab(control: Any) -> None:
    """Placeholder until the tab is here."""
