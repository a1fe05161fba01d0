"""A run as Markdown, for the summary page of a CI job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simulator.reconcile.summary import Summary
from simulator.report.wording import (
    HEADLINES,
    Line,
    count,
    fate_lines,
    speed_lines,
    threshold_line,
)
from simulator.rundir import RunMeta

_SIGNS = {"pass": "✅", "fail": "❌", "generator-bound": "⚠️", "interrupted": "⚠️"}


def markdown(summary: Summary, meta: RunMeta) -> str:
    """The verdict, why, and the tables that it rests on."""
    parts = [f"## {_SIGNS[summary.verdict]} telsim: {HEADLINES[summary.verdict]}", ""]
    parts += [f"- {escape(reason)}" for reason in summary.reasons]
    parts += [
        "",
        escape(f"{meta.corpus.name} to {meta.target.name} at {meta.target.host}, {meta.pacing.text}"),
        "",
    ]
    parts += _table(("", "", ""), map(_cells, fate_lines(summary)))
    labels = [row for row in summary.labels if row.expect != "accept"]
    if labels:
        states = ("accepted", "rejected", "failed", "unknown", "unsent", "wrong")
        rows = ((row.name, row.expect, *(count(getattr(row, s)) for s in states)) for row in summary.labels)
        parts += _table(("label", "must be", *states), rows)
    parts += _table(("", "", ""), map(_cells, speed_lines(summary, meta)))
    parts += _table(
        ("objective", "measured", "verdict"), (_cells(threshold_line(r)) for r in summary.thresholds)
    )
    return "\n".join(parts)


def _cells(line: Line) -> tuple[str, str, str]:
    return line.name, f"**{line.value}**" if line.bad else line.value, line.meaning


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return [*lines, ""]


def _cell(text: str) -> str:
    bold = text.startswith("**") and text.endswith("**") and len(text) > 4
    return f"**{escape(text[2:-2])}**" if bold else escape(text)


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    text = text.replace("&", "&amp;")
    for sign in "\\`*_[]<>|~#":
        text = text.replace(sign, f"\\{sign}" if sign not in "<>" else {"<": "&lt;", ">": "&gt;"}[sign])
    return " ".join(text.split())
