"""Messaging's events about experiments as they go on the wire: records of category `messaging_experiments`.

In the documents they are records of their own (`pings/firefox/messaging_experiments_pings`). One reach event names
one sibling branch: the messaging document asks for one event for each message of the other branches, and so does
the code; the list of branches that the other document prints would contradict both (conflict C26).
"""

from __future__ import annotations

from typing import Final, Literal

from simulator.pings.containers.event_record import event_fragment
from simulator.records import Dialect

AttributeTrouble = Literal["attribute_error", "attribute_timeout"]

#: The objects that each dialect registers: those that the document lists, and those of later versions besides.
REACH_OBJECTS: Final[dict[Dialect, frozenset[str]]] = {
    "documented": frozenset({"cfr", "whats_new_panel", "moments_page", "snippets", "cfr_fxa"}),
    "wire": frozenset(
        {"cfr", "whats_new_panel", "moments_page", "snippets", "cfr_fxa", "infobar", "spotlight"}
    ),
}


def reach_event(*, feature: str, slug: str, branch: str) -> str:
    """A message of another branch would have been shown: an event without its time.

    Args:
        feature: with underscores for hyphens; one of `REACH_OBJECTS`.
        slug: the experiment (the sample's `value` looks like a message id, its text says slug: conflict C28).
        branch: the sibling branch.
    """
    return event_fragment("messaging_experiments", "reach", feature, slug, {"branches": branch})


def attribute_event(trouble: AttributeTrouble, *, attribute: str, source: str) -> str:
    """A targeting attribute failed or took too long: an event without its time.

    Args:
        trouble: which of both.
        attribute: its name.
        source: the message's id or the experiment's slug.
    """
    return event_fragment("messaging_experiments", "targeting", trouble, attribute, {"source": source})
