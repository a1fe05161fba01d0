"""Section "Experiment reach ping"."""

from __future__ import annotations

from simulator.pings.text import compact


def experiment_reach(*, feature: str, slug: str, branches: str) -> str:
    """A message of a branch that the client is not in would have been shown. The record as the document prints it.

    Args:
        feature: the feature, with underscores for hyphens: cfr, whats_new_panel, moments_page, snippets, cfr_fxa.
        slug: the experiment's slug (conflict C28).
        branches: the branch's slug; one event for each sibling branch's message (conflict C26).
    """
    return compact(
        {
            "category": "messaging_experiments",
            "method": "reach",
            "object": feature,
            "value": slug,
            "extra_keys": {"branches": branches},
        }
    )
