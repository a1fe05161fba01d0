"""`telsim smoke`: the whole path in one go."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simulator.cli.handed_on import SETTINGS, allowed_hosts, own_word

if TYPE_CHECKING:
    from simulator.records import CorpusMeta
    from simulator.scenario import Scenario

__all__ = ["SETTINGS", "command"]

_SCENARIO = "smoke"


def command(  # noqa: PLR0913, RUF100 -- one parameter an option
    context: typer.Context,
    scenario: Annotated[
        str, typer.Argument(help="A scenario file, or the name of a shipped one.")
    ] = _SCENARIO,
    *,
    host: Annotated[
        str, typer.Option(help="Base URL of your own endpoint; without it, telsim's own is started.")
    ] = "",
    target: Annotated[
        str, typer.Option(help="A shipped target (telsim targets) or the path of a .toml file.")
    ] = "structured",
    threshold: Annotated[
        list[str] | None, typer.Option(help="An objective such as 'p99<50ms' or 'errors<0.1%'; repeatable.")
    ] = None,
    run_dir: Annotated[
        Path | None, typer.Option(help="Run directory; default: the next free one below runs/.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed than the scenario's.")] = None,
    clients: Annotated[int | None, typer.Option(min=1, help="Another number of clients.")] = None,
    dialect: Annotated[str | None, typer.Option(help="documented or wire.")] = None,
    ledger: Annotated[
        str,
        typer.Option(
            help="What the endpoint stored: a ledger URL, an NDJSON file of ids, "
            "sqlite:///FILE?query=SELECT..., auto or none."
        ),
    ] = "auto",
    metrics_url: Annotated[
        str, typer.Option(help="The server's Prometheus text, for metric: objectives.")
    ] = "",
    allow_generator_bound: Annotated[
        bool, typer.Option("--allow-generator-bound", help="Let a run pass that shows the generator's limit.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print summary.json instead of the table.")] = False,
) -> None:
    """Simulate, replay with Locust, account for every ping, print the verdict: the whole path in one go.

    Without --host it starts telsim's own endpoint on a free loopback port. Every other option goes to locust.
    Exit code 0: nothing lost, duplicated or wrongly judged, and every threshold held; 1: the verdict is bad;
    2: wrong use or refused; 3: the generator was the limit; 130: interrupted.

    Example: telsim smoke

    Example: telsim smoke newtab-day --clients 200 --host http://127.0.0.1:8765 --threshold 'p99<50ms'
    """
    from simulator.cli.replay import run_locust
    from simulator.corpus import open_corpus
    from simulator.errors import ExitCode
    from simulator.guard import admit
    from simulator.reconcile import exit_code, reconcile
    from simulator.report import write_reports
    from simulator.report.terminal import print_summary
    from simulator.rundir import RUN_FILE, claim_run_directory, read_run_meta
    from simulator.scenario import load_scenario
    from simulator.target import load_target
    from simulator.thresholds import parse_thresholds

    scenario, extra = own_word(scenario, context.args, default=_SCENARIO)
    if host:
        admit(host, allowed_hosts(extra))
    profile = load_target(target)
    objectives = parse_thresholds(threshold or [])
    overrides = {"seed": seed, "clients": clients, "dialect": dialect}
    loaded = load_scenario(scenario, overrides={k: v for k, v in overrides.items() if v is not None})
    directory = run_dir or claim_run_directory(Path(scenario).stem)
    corpus_path = directory / "corpus"
    meta = _generate(loaded, corpus_path, quiet=as_json)
    with ExitStack() as stack:
        url = host or _own_endpoint(stack, meta)
        code = run_locust(
            corpus_path,
            host=url,
            target=target,
            run_dir=directory,
            extra=[*extra, *([] if host else ["--any-dialect"])],
            quiet=True,
        )
        if code in (ExitCode.USAGE, ExitCode.INTERRUPTED) or not (directory / RUN_FILE).exists():
            raise typer.Exit(code or ExitCode.FAILED)
        summary = reconcile(
            directory,
            open_corpus(corpus_path),
            ledger=ledger,
            thresholds=objectives,
            metrics_url=metrics_url,
            target=profile,
            allow_generator_bound=allow_generator_bound or not host,
        )
    run = read_run_meta(directory)
    if as_json:
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(summary), indent=2).decode() + "\n")
    else:
        print_summary(summary, run)
    write_reports(directory, summary, run)
    sys.stderr.write(f"run directory: {directory}\n")
    raise typer.Exit(code or exit_code(summary))


def _generate(loaded: tuple[Scenario, str], out: Path, *, quiet: bool) -> CorpusMeta:
    from simulator.engine import generate
    from simulator.simulation import Plan

    scenario, text = loaded
    meta = generate(Plan(scenario, scenario.seed, scenario.dialect), out, scenario_text=text)
    if not quiet:
        sys.stdout.write(
            f"simulated {meta.records:,} pings of {meta.clients:,} clients ({meta.dialect}, seed {meta.seed}, "
            f"sha256 {meta.sha256[:12]}…)\n"
        )
        sys.stdout.flush()
    return meta


def _own_endpoint(stack: ExitStack, meta: CorpusMeta) -> str:
    """Start telsim's endpoint for the dialect of the corpus, until the stack is left; its store goes with it."""
    from tempfile import TemporaryDirectory

    from simulator.endpoint.process import EndpointProcess
    from simulator.endpoint.settings import Settings

    store = Path(stack.enter_context(TemporaryDirectory(prefix="telsim-smoke-"))) / "pings.sqlite3"
    endpoint = stack.enter_context(EndpointProcess(Settings(schemas=meta.dialect, store=str(store))))
    return endpoint.url
