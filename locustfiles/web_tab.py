"""telsim's tabs in Locust's web page: lateness, labels, the endpoint's hot path, the verdict."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, request

from simulator.pacing import NS_PER_MS
from simulator.reconcile.summary import spoken
from simulator.records import STATES
from simulator.report.wording import headline

_STATS_PATH = "/stats/requests"

_LATENCY = (
    "telsim-latency",
    "Lateness",
    ("what", "count", "mean_ms", "p50_ms", "p90_ms", "p99_ms", "max_ms"),
)
_LABELS = ("telsim-labels", "Labels", ("label", *STATES))
_HOT_PATH = ("telsim-hot-path", "Hot path", ("stage", "answers", "mean_ms_a_request", "mean_ms_a_ping"))
_VERDICT = ("telsim-verdict", "Verdict", ("objective", "measured", "holds"))
_TABS = (_LATENCY, _LABELS, _HOT_PATH, _VERDICT)
_HOLDS = {True: "yes", False: "no", None: "not measured"}

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
            document["extended_stats"] = figures(control)
            if control.is_undecided and document["state"] in ("stopping", "stopped", "cleanup"):
                # The page asks for figures as long as a run goes on; it would never learn of the verdict.
                document["state"] = "running"
            response.set_data(json.dumps(document))
        return response


def figures(control: Any) -> list[dict[str, Any]]:
    """The rows of each tab; no rows before the first run."""
    rows: tuple[list[dict[str, Any]], ...] = ([], [], [])
    if (collector := control.collector) is not None:
        rows = (_latency_rows(collector), collector.label_rows(), _stage_rows(collector))
    return [
        {"key": tab[0], "data": data}
        for tab, data in zip(_TABS, (*rows, _verdict_rows(control)), strict=True)
    ]


def _verdict_rows(control: Any) -> list[dict[str, Any]]:
    """The verdict's one line, then what was asked for, then telsim's own rules."""
    if control.refusal:
        return [_row("the run was refused", control.refusal, "no")]
    if (collector := control.collector) is None:
        return []
    if collector.request.judging is None:
        return [_row("none: start with a threshold or a ledger", "", "")]
    verdict = control.verdict
    if verdict is None or not verdict.is_drawn:
        return [_row("verdict", "interrupted" if control.interrupted else "comes when the run has ended", "")]
    if (summary := verdict.summary) is None:
        return [_row("verdict", verdict.said, "no")]
    return [
        _row("verdict", headline(summary), _HOLDS[summary.verdict == "pass"]),
        *(
            _row(
                result.text,
                "" if result.value is None else spoken(result.value, result.unit),
                _HOLDS[result.ok],
            )
            for result in summary.thresholds
        ),
        _row("limit", f"{summary.bound}: {summary.bound_reason}", ""),
        _row("files", str(verdict.run_dir), ""),
    ]


def _row(objective: str, measured: str, holds: str) -> dict[str, Any]:
    return {"objective": objective, "measured": measured, "holds": holds}


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
    requests, pings = collector.totals["requests"], collector.totals["pings"]
    # Not the batch size that was asked for: the last batch is smaller, and those of a time window are as they come.
    batch = pings / requests if pings else collector.request.batch
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
