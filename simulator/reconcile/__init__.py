"""What became of every ping: outcomes, corpus and the endpoint's ledger joined, and a verdict drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simulator.corpus import Corpus
from simulator.errors import EndpointError, InputError, UsageError
from simulator.reconcile.accounting import account, read_truth
from simulator.reconcile.asking import Asker, shown, trouble
from simulator.reconcile.ledger import Ledger, read_ledger
from simulator.reconcile.summary import (
    Summary,
    exit_code,
    read_summary,
    summarise,
    write_summary,
)
from simulator.rundir import read_outcomes, read_run_meta
from simulator.target import Target, load_target
from simulator.thresholds import Threshold, parse_thresholds

__all__ = [
    "Asker",
    "Ledger",
    "Summary",
    "exit_code",
    "read_ledger",
    "read_summary",
    "reconcile",
    "scrape",
    "write_summary",
]


def reconcile(
    run: Path,
    corpus: Corpus,
    *,
    ledger: str = "auto",
    thresholds: Sequence[Threshold] | None = None,
    metrics_url: str = "",
    target: Target | None = None,
    allow_generator_bound: bool | None = None,
) -> Summary:
    """Accounts for every ping of a run and writes `summary.json` into its directory.

    By what it is judged is, where nobody says, what the run itself was given (`options` in `run.json`).

    Args:
        run: the run directory.
        corpus: the corpus that was replayed.
        ledger: what `read_ledger` takes; `auto` asks the endpoint that the run was sent to.
        thresholds: objectives with the defaults among them (default: the run's own).
        metrics_url: where the server's Prometheus text is, for `metric:` objectives; default: host + `/metrics`.
        target: the run's endpoint profile: whether it validates, and the TLS of its ledger and metrics.
        allow_generator_bound: whether a run that only shows the generator's limit may pass.

    Raises:
        InputError: the run, its target or its ledger cannot be read, or the run was made with another corpus.
        EndpointError: the ledger's URL does not answer.
    """
    meta = read_run_meta(run)
    if meta.corpus.sha256 and meta.corpus.sha256 != corpus.meta.sha256:
        raise InputError(
            f"{run} was made with another corpus ({meta.corpus.name}, {meta.corpus.sha256[:12]})"
        )
    given = meta.options
    objectives = parse_thresholds([given.get("threshold", "")]) if thresholds is None else tuple(thresholds)
    target = target or _target_of(given.get("target", ""))
    if allow_generator_bound is None:
        allow_generator_bound = bool(given.get("allow_generator_bound"))
    outcomes = read_outcomes(run)
    stored = read_ledger(ledger, host=meta.target.host, target=target)
    try:
        accounting = account(
            outcomes,
            read_truth(corpus),
            stored,
            validates=target is None or target.answers.validates,
        )
    except ValueError as error:
        raise InputError(f"{run}: {error}; it was made with another corpus") from error
    summary = summarise(
        accounting,
        meta,
        outcomes,
        ledger=stored.source if stored else "",
        thresholds=objectives,
        exposition=_exposition(objectives, metrics_url, Asker(meta.target.host, target)),
        allow_generator_bound=allow_generator_bound,
    )
    write_summary(run, summary)
    return summary


def _target_of(name_or_path: str) -> Target | None:
    """The profile that a run was made with; None where the run does not name it."""
    if not name_or_path:
        return None
    try:
        return load_target(name_or_path)
    except (UsageError, InputError) as error:
        raise InputError(
            f"the run's target {name_or_path} cannot be read; say with --target where it is", error.findings
        ) from error


def _exposition(objectives: Sequence[Threshold], metrics_url: str, asker: Asker) -> str:
    if not any(objective.metric.startswith("metric:") for objective in objectives):
        return ""
    return scrape(metrics_url or asker.host.rstrip("/") + "/metrics", asker)


def scrape(url: str, asker: Asker) -> str:
    """The Prometheus text at `url`.

    Raises:
        EndpointError: nothing answers there, or not with 200.
    """
    import httpx  # see simulator.reconcile.asking

    try:
        with asker.client(url, timeout_s=10) as client:
            answer = client.get(url)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise EndpointError(f"no metrics at {shown(url)}: {trouble(error)}") from error
    return answer.text
