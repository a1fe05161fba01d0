"""The files of a report, each written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from simulator.errors import UsageError
from simulator.reconcile.summary import Summary
from simulator.report.junit import junit_xml
from simulator.report.markdown import markdown
from simulator.report.run_page import run_page
from simulator.rundir import JUNIT_FILE, REPORT_FILE, RunMeta, write_atomically

#: The variable in which CI systems name the file for a job's summary page.
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def write_reports(
    run: Path,
    summary: Summary,
    meta: RunMeta,
    *,
    html_file: Path | None = None,
    junit_file: Path | None = None,
    markdown_file: Path | None = None,
) -> list[Path]:
    """Writes HTML and JUnit (into the run directory unless told otherwise), and Markdown where somebody wants it.

    Args:
        run: the run directory.
        summary: from `reconcile`.
        meta: `run.json`.
        html_file: default: `report.html` in the run directory.
        junit_file: default: `junit.xml` in the run directory.
        markdown_file: default: what `GITHUB_STEP_SUMMARY` names, to whose end it is added; without it, none.

    Raises:
        UsageError: a file cannot be written.
    """
    html_file = html_file or run / REPORT_FILE
    junit_file = junit_file or run / JUNIT_FILE
    _write(html_file, run_page(summary, meta).encode())
    _write(junit_file, junit_xml(summary, meta))
    written = [html_file, junit_file]
    named = os.environ.get(STEP_SUMMARY, "")
    if markdown_file:
        _write(markdown_file, markdown(summary, meta).encode())
        written.append(markdown_file)
    elif named:
        _append(Path(named), markdown(summary, meta))
        written.append(Path(named))
    return written


def _write(file: Path, data: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, data)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error


def _append(file: Path, text: str) -> None:
    try:
        with file.open("a", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {file}, which {STEP_SUMMARY} names: {error.strerror}") from error
