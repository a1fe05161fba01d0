"""Section "Clicking a popular topic link"."""

from __future__ import annotations

from typing import Final

from simulator.pings.text import compact, nested
from simulator.records import Dialect

TOPICS: Final = ("must-reads", "productivity", "health", "finance", "technology", "more-recommendations")


def popular_topic_click(dialect: Dialect, metadata: str, *, topic: str) -> str:
    """A topic below the stories was followed. No position is sent: none is printed, none was seen in code.

    Args:
        dialect: the form to write.
        metadata: the basic metadata of the session.
        topic: one of `TOPICS`.
    """
    value = nested(dialect, compact({"topic": topic}))
    return f'{{"event":"CLICK","source":"POPULAR_TOPICS","value":{value},{metadata}}}'
