"""`telsim generate`: scenario to corpus."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simulator.engine import Progress


def command(
    scenario: Annotated[str, typer.Argument(help="A scenario file, or the name of a shipped one.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Directory for the corpus, new or empty.")] = Path(
        "corpus"
    ),
    *,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed than the scenario's.")] = None,
    clients: Annotated[int | None, typer.Option(min=1, help="Another number of clients.")] = None,
    duration: Annotated[str | None, typer.Option(help="Another duration, such as 1d or 6h.")] = None,
    dialect: Annotated[str | None, typer.Option(help="documented or wire.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Processes.")] = 1,
    executor: Annotated[str, typer.Option(help="local, or dask with --scheduler.")] = "local",
    scheduler: Annotated[str, typer.Option(help="Address of a Dask scheduler.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a corpus that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print corpus.json's summary as JSON.")] = False,
) -> None:
    """Simulate a scenario into a corpus of pings.

    Scenario and seed decide every byte: the digest is the same for any number of workers.

    Example: telsim generate newtab-day --out corpus --clients 2000 --workers 2
    """
    from contextlib import nullcontext
    from time import perf_counter

    from simulator.engine import generate
    from simulator.engine.executors import dask_cluster
    from simulator.errors import UsageError
    from simulator.scenario import load_scenario
    from simulator.simulation import Plan

    if executor not in {"local", "dask"} or (executor == "dask") != bool(scheduler):
        raise UsageError("--executor is local, or dask together with --scheduler ADDRESS")
    given = {"seed": seed, "clients": clients, "duration": duration, "dialect": dialect}
    chosen, text = load_scenario(scenario, overrides={k: v for k, v in given.items() if v is not None})
    plan = Plan(chosen, chosen.seed, chosen.dialect)
    started = perf_counter()  # of this machine's clock nothing is asked: it may be set back
    what = f"{chosen.name}, {chosen.clients:,} clients"
    with _Bar(what) if sys.stderr.isatty() else nullcontext() as progress:
        meta = generate(
            plan,
            out,
            scenario_text=text,
            workers=workers,
            executor=dask_cluster(scheduler) if executor == "dask" else None,
            replace=force,
            progress=progress,
        )
    seconds = max(perf_counter() - started, 1e-3)
    if as_json:
        import msgspec

        sys.stdout.write(msgspec.json.encode(meta).decode() + "\n")
        return
    sys.stdout.write(
        f"{out}: {meta.records:,} pings of {meta.clients:,} clients, {meta.bytes / 1e6:,.1f} MB, {meta.dialect}, "
        f"seed {meta.seed}, in {seconds:.1f} s ({meta.records / seconds:,.0f} pings/s)\nsha256 {meta.sha256}\n"
    )


class _Bar:
    """A progress bar on standard error, for terminals: what draws it takes an eighth of a second to import."""

    def __init__(self, what: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._shown = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[pings]:,} pings"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            auto_refresh=False,  # its thread would keep workers from being forked
        )
        self._task = self._shown.add_task(what, total=None, pings=0)

    def __enter__(self) -> Progress:
        self._shown.start()
        return self._update

    def __exit__(self, *error: object) -> None:
        self._shown.stop()

    def _update(self, done: int, parts: int, pings: int) -> None:
        self._shown.update(self._task, completed=done, total=parts, pings=pings, refresh=True)
