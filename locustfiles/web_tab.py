"""telsim's tabs in Locust's web page: lateness, labels, the endpoint's hot path."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, request

from simulator.pacing import NS_PER_MS
from simulator.records import STATES

_STATS_PATH = "/stats/requests"

_LATENCY = (
    "telsim-latency",
    "Lateness",
    ("what", "count", "mean_ms", "p50_ms", "p90_ms", "p99_ms", "max_ms"),
)
_LABELS = ("telsim-labels", "Labels", ("label", *STATES))
_HOT_PATH = ("telsim-hot-path", "Hot path", ("stage", "answers", "mean_ms_a_request", "mean_ms_a_ping"))
_TABS = (_LATENCY, _LABELS, _HOT_PATH)

_KINDS = {
    "corrected": "response time, from the due time",
    "service": "service time, from the real send",
    "lateness": "lateness, from the due time to the real send",
}


def add_tab(control: Any) -> None:
    """Adds the tabs to the page of `control`'s environment, and their figures to the page's statistics.

    Locust's page shows a table for each entry of `extended_tables` and takes its rows from `extended_stats` in
    the answer that it polls (its own documentation: "Extending Locust", example `extend_modern_web_ui.py`).
    """
    web_ui = control.environment.web_ui
    web_ui.template_args.update(
        extended_tabs=[{"key": key, "title": title} for key, title, _ in _TABS],
        extended_tables=[
            {"key": key, "structure": [{"key": column, "title": _title(column)} for column in columns]}
            for key, _, columns in _TABS
        ],
    )
    prefix = control.environment.parsed_options.web_base_path or ""

    @web_ui.app.after_request
    def add_figures(response: Response) -> Response:
        if request.path == prefix + _STATS_PATH and response.is_json and response.status_code == 200:
            document = response.get_json()
            document["extended_stats"] = figures(control.collector)
            response.set_data(json.dumps(document))
        return response


def figures(collector: Any) -> list[dict[str, Any]]:
    """The rows of each tab; no rows before the first run."""
    if collector is None:
        return [{"key": key, "data": []} for key, _, _ in _TABS]
    rows = (_latency_rows(collector), collector.label_rows(), _stage_rows(collector))
    return [{"key": tab[0], "data": data} for tab, data in zip(_TABS, rows, strict=True)]


def _latency_rows(collector: Any) -> list[dict[str, Any]]:
    rows = []
    for kind, words in _KINDS.items():
        histogram = collector.merged(kind)
        if not histogram.count:
            continue  # a closed loop has no due times
        p50, p90, p99 = histogram.percentiles([50, 90, 99])
        times = {
            "mean_ms": histogram.mean_ns,
            "p50_ms": p50,
            "p90_ms": p90,
            "p99_ms": p99,
            "max_ms": histogram.max_ns,
        }
        milliseconds = {name: round(ns / NS_PER_MS, 3) for name, ns in times.items()}
        rows.append({"what": words, "count": histogram.count, **milliseconds})
    return rows


def _stage_rows(collector: Any) -> list[dict[str, Any]]:
    batch = collector.request.batch
    return [
        {
            "stage": name,
            "answers": int(count),
            "mean_ms_a_request": round(total / count, 5),
            "mean_ms_a_ping": round(total / count / batch, 6),
        }
        for name, (total, count) in collector.stages.items()
        if count
    ]


def _title(column: str) -> str:
    return column.replace("_ms_", " ms ").replace("_ms", " (ms)").replace("_", " ")
