"""What a server's own counters say about a trial: the difference of two Prometheus scrapes, where it offers one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from simulator.errors import EndpointError
from simulator.reconcile import Asker, scrape
from simulator.thresholds import read_series

_MOST_SERIES = 500
_GROWING = ("_total", "_sum", "_count")


def read_counters(asker: Asker, metrics_url: str = "") -> Mapping[str, float]:
    """All counters (and sums and counts of histograms) of a server.

    Args:
        asker: asks it.
        metrics_url: where they are; empty: at the host's `/metrics`, where there may be none.

    Raises:
        EndpointError: `metrics_url` was given and does not answer.
        UsageError: it is no URL.
    """
    if metrics_url:
        return parse_counters(scrape(metrics_url, asker))
    try:
        return parse_counters(scrape(asker.host.rstrip("/") + "/metrics", asker))
    except EndpointError:
        return {}


def parse_counters(exposition: str) -> Mapping[str, float]:
    """The growing series of a Prometheus text, at most a few hundred of them."""
    found: dict[str, float] = {}
    for name, labels, value in read_series(exposition):
        if name.endswith(_GROWING) and len(found) < _MOST_SERIES:
            found[f"{name}{{{labels}}}" if labels else name] = value
    return found


def growth(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """By how much each counter grew; a counter that was set back (a restart) is left out."""
    grown = {name: value - before.get(name, 0.0) for name, value in after.items()}
    return {name: value for name, value in grown.items() if value > 0}


def stage_means_ms(grown: Mapping[str, float]) -> dict[str, float]:
    """Mean milliseconds by label value, of the first histogram in seconds that is told apart by one label.

    Endpoints without `Server-Timing` often keep such a histogram (`..._seconds_sum{stage="parse"}`).
    """
    means: dict[str, float] = {}
    family = ""
    for name, total in grown.items():
        found = re.match(r'^(\w+_seconds)_sum\{(?:stage|phase|step|name)="([^"]*)"\}$', name)
        if not found or (family and found[1] != family):
            continue
        family = found[1]
        count = grown.get(name.replace("_sum{", "_count{", 1), 0.0)
        if count:
            means[found[2]] = total / count * 1000
    return means
