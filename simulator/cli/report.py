"""`telsim report`: what became of every ping of a run, as text, HTML, JUnit, Markdown or JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simulator.reconcile import Summary


def command(  # noqa: PLR0913, RUF100 -- one parameter an option
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    *,
    html: Annotated[Path | None, typer.Option(help="HTML file; default: report.html in RUN.")] = None,
    junit: Annotated[Path | None, typer.Option(help="JUnit file; default: junit.xml in RUN.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Markdown file; default: what GITHUB_STEP_SUMMARY names.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print summary.json.")] = False,
    corpus: Annotated[
        Path | None, typer.Option(help="The corpus of the run: reconcile (again) before reporting.")
    ] = None,
    ledger: Annotated[
        str,
        typer.Option(
            help="With --corpus: what the endpoint stored. A ledger URL, an NDJSON file of ids, "
            "sqlite:///FILE?query=SELECT..., auto or none."
        ),
    ] = "auto",
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            help="With --corpus: an objective such as p99<50ms; repeatable. Default: those of the run."
        ),
    ] = None,
    metrics_url: Annotated[
        str, typer.Option(help="With --corpus: the server's Prometheus text, for metric: objectives.")
    ] = "",
    target: Annotated[
        str,
        typer.Option(
            help="With --corpus: where the run's target is now, if it was a file that has moved. It says what the "
            "endpoint may accept, and the TLS of ledger and metrics."
        ),
    ] = "",
    allow_generator_bound: Annotated[
        bool, typer.Option("--allow-generator-bound", help="With --corpus: let such a run pass.")
    ] = False,
) -> None:
    """Report a run: on the terminal, and as HTML, JUnit and Markdown. The exit code is the run's verdict.

    With --corpus the run is judged (again), by its own target and objectives unless others are given.

    Example: telsim report runs/today --html today.html

    Example: telsim report runs/today --corpus corpus --ledger stored-ids.ndjson --threshold 'p99<50ms'
    """
    import msgspec

    from simulator.errors import UsageError
    from simulator.reconcile import exit_code, read_summary
    from simulator.report import write_reports
    from simulator.report.terminal import print_summary
    from simulator.rundir import read_run_meta

    if corpus is None and (threshold or metrics_url or target or allow_generator_bound or ledger != "auto"):
        raise UsageError(
            "--threshold, --ledger, --metrics-url, --target and --allow-generator-bound need --corpus"
        )
    meta = read_run_meta(run)
    if corpus is None:
        summary = read_summary(run)
    else:
        summary = _reconciled(
            run,
            corpus,
            ledger,
            threshold or [],
            metrics_url,
            target=target,
            allow_generator_bound=allow_generator_bound,
        )
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(summary), indent=2).decode() + "\n")
    else:
        print_summary(summary, meta)
    written = write_reports(run, summary, meta, html_file=html, junit_file=junit, markdown_file=markdown)
    sys.stderr.write(f"wrote {', '.join(map(str, written))}\n")
    raise typer.Exit(exit_code(summary))


def _reconciled(
    run: Path,
    corpus: Path,
    ledger: str,
    thresholds: list[str],
    metrics_url: str,
    *,
    target: str,
    allow_generator_bound: bool,
) -> Summary:
    from simulator.corpus import open_corpus
    from simulator.reconcile import reconcile
    from simulator.target import load_target
    from simulator.thresholds import parse_thresholds

    return reconcile(
        run,
        open_corpus(corpus),
        ledger=ledger,
        thresholds=parse_thresholds(thresholds) if thresholds else None,
        metrics_url=metrics_url,
        target=load_target(target) if target else None,
        allow_generator_bound=allow_generator_bound or None,
    )
