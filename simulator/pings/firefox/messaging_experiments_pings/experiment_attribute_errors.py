"""Section "Experiment attribute errors"."""

from __future__ import annotations

from typing import Literal

from simulator.pings.text import compact


def _attribute_event(
    kind: Literal["attribute_error", "attribute_timeout"], attribute: str, source: str
) -> str:
    # The document prints three bare strings; they have the names that the reach record gives to its parts.
    return compact(
        {
            "category": "messaging_experiments",
            "method": "targeting",
            "object": kind,
            "value": attribute,
            "extra_keys": {"source": source},
        }
    )


def attribute_error(*, attribute: str, source: str) -> str:
    """A targeting attribute could not be evaluated. The record as the document prints it.

    Args:
        attribute: the variable of the targeting expression.
        source: id of the message, or slug of the experiment, whose expression asked for it.
    """
    return _attribute_event("attribute_error", attribute, source)


def attribute_timeout(*, attribute: str, source: str) -> str:
    """A targeting attribute took too long (five seconds). Arguments as for `attribute_error`."""
    return _attribute_event("attribute_timeout", attribute, source)
