"""Reports of a run: terminal, HTML, JUnit, Markdown; and the comparison of two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.reconcile.summary import Summary
    from simulator.rundir import RunMeta

__all__ = ["write_reports"]


def write_reports(
    run: Path,
    summary: Summary,
    meta: RunMeta,
    *,
    html_file: Path | None = None,
    junit_file: Path | None = None,
    markdown_file: Path | None = None,
) -> list[Path]:
    """Writes HTML, JUnit and Markdown; see `simulator.report.files`, which is only imported when it is needed."""
    from simulator.report import files

    return files.write_reports(
        run, summary, meta, html_file=html_file, junit_file=junit_file, markdown_file=markdown_file
    )
