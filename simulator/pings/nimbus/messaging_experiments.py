"""Sections "Experiment reach ping" and "Experiment attribute errors".

Documented: records of their own, as printed (the two error samples name no keys; they get those of the reach
sample). Wire: events of category `messaging_experiments` inside the event ping. One reach event names one
sibling branch: the messaging document says one event for each message of the other branches, and so does the code;
the list of branches that this document prints would contradict both (conflict C26).
"""

from __future__ import annotations

from typing import Final, Literal

from simulator.pings.containers.event_record import event_fragment
from simulator.pings.text import quoted
from simulator.records import Dialect

AttributeTrouble = Literal["attribute_error", "attribute_timeout"]

#: The objects that each dialect registers: those that the document lists, and those of later versions besides.
REACH_OBJECTS: Final[dict[Dialect, frozenset[str]]] = {
    "documented": frozenset({"cfr", "whats_new_panel", "moments_page", "snippets", "cfr_fxa"}),
    "wire": frozenset(
        {"cfr", "whats_new_panel", "moments_page", "snippets", "cfr_fxa", "infobar", "spotlight"}
    ),
}


def experiment_reach(dialect: Dialect, *, feature: str, slug: str, branch: str) -> str | None:
    """A message of another branch would have been shown.

    Args:
        dialect: documented gives a whole body, wire an event without its time.
        feature: the feature id; its dashes become underscores.
        slug: the experiment (the sample's `value` looks like a message id, its text says slug: conflict C28).
        branch: the sibling branch.

    Returns:
        None where the dialect registers no such object.
    """
    object_ = feature.replace("-", "_")
    if object_ not in REACH_OBJECTS[dialect]:
        return None
    if dialect == "wire":
        return event_fragment("messaging_experiments", "reach", object_, slug, {"branches": branch})
    return (
        f'{{"category":"messaging_experiments","method":"reach","object":"{object_}","value":{quoted(slug)},'
        f'"extra_keys":{{"branches":{quoted(branch)}}}}}'
    )


def attribute_trouble(dialect: Dialect, trouble: AttributeTrouble, *, attribute: str, source: str) -> str:
    """A targeting attribute failed or took too long.

    Args:
        dialect: documented gives a whole body, wire an event without its time.
        trouble: which of both.
        attribute: its name.
        source: the message's id or the experiment's slug.
    """
    if dialect == "wire":
        return event_fragment("messaging_experiments", "targeting", trouble, attribute, {"source": source})
    return (
        f'{{"category":"messaging_experiments","method":"targeting","object":"{trouble}",'
        f'"value":{quoted(attribute)},"extra_keys":{{"source":{quoted(source)}}}}}'
    )
