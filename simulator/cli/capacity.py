"""`telsim capacity`: the highest rate that holds an objective."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simulator.capacity import Step


def command(  # noqa: PLR0913, RUF100 -- one parameter an option
    corpus: Annotated[Path, typer.Argument(help="Corpus directory.")],
    *,
    host: Annotated[str, typer.Option(help="The endpoint's base URL.")],
    slo: Annotated[str, typer.Option(help="Objectives with commas between them.")] = "p99<50ms,errors<0.1%",
    metrics_url: Annotated[
        str,
        typer.Option(help="The server's Prometheus text, for metric: objectives; default: HOST/metrics."),
    ] = "",
    target: Annotated[str, typer.Option(help="A shipped target or a TOML file.")] = "structured",
    out: Annotated[Path, typer.Option(help="Directory for capacity.json and capacity.html.")] = Path(
        "capacity"
    ),
    batch: Annotated[int, typer.Option(help="Pings a request (0: what the target says).", min=0)] = 0,
    start: Annotated[float, typer.Option(help="First rate to try, requests/s.", min=0.1)] = 100.0,
    highest: Annotated[float, typer.Option(help="No rate above this is tried.", min=1)] = 200_000.0,
    precision: Annotated[float, typer.Option(help="How exact, in percent.", min=0.5, max=50)] = 5.0,
    seconds: Annotated[float, typer.Option(help="Measured seconds of each trial.", min=1, max=86_400)] = 5.0,
    hold: Annotated[
        float, typer.Option(help="Seconds for which the answer must hold.", min=1, max=86_400)
    ] = 20.0,
    poisson: Annotated[bool, typer.Option("--poisson", help="Random arrivals instead of even ones.")] = False,
    lanes: Annotated[int, typer.Option(help="Connections.", min=1, max=60_000)] = 64,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A host that is not loopback and may be loaded; repeatable.")
    ] = None,
    any_dialect: Annotated[
        bool, typer.Option("--any-dialect", help="Send a corpus in another dialect than the target's.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print capacity.json.")] = False,
) -> None:
    """Search the highest rate under an objective, confirm it by holding it, report the knee.

    Works on any endpoint that a target describes. Exit code 1 if no rate holds, 3 if the generator ended the search.

    Example: telsim capacity corpus --host http://127.0.0.1:8765 --slo "p99<50ms,errors<0.1%"
    """
    import msgspec

    from simulator.capacity import CAPACITY_FILE, Search, check_objectives, find_capacity, replay_attempts
    from simulator.corpus import open_corpus
    from simulator.guard import hosts_named
    from simulator.hotpath.trial import Endpoint, Trial, check_endpoint
    from simulator.report.hotpath_page import capacity_page
    from simulator.report.hotpath_terminal import print_capacity
    from simulator.rundir import make_directory, write_atomically
    from simulator.thresholds import parse_thresholds

    thresholds = parse_thresholds([slo])
    check_objectives(thresholds)
    endpoint = Endpoint(
        host=host,
        target=target,
        allow_hosts=hosts_named(allow_host or (), os.environ),
        any_dialect=any_dialect,
        lanes=lanes,
        metrics_url=metrics_url,
    )
    check_endpoint(endpoint)
    trial = Trial(corpus=open_corpus(corpus).path, seconds=seconds, batch=batch)
    pace = "poisson" if poisson else "rate"
    search = Search(
        start=start, highest=highest, precision=precision / 100, trial_s=seconds, hold_s=max(hold, seconds)
    )
    make_directory(out)  # now, and not when everything is measured
    asked = [threshold.text for threshold in thresholds if not threshold.default]
    found = find_capacity(
        replay_attempts(trial, endpoint, thresholds, pace=pace, told=_tell), search, slo=asked
    )
    what = f"{corpus.name} to {target} at {host}, {pace} arrivals, {lanes} connections, held for {hold:g} s"
    data = msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
    write_atomically(out / CAPACITY_FILE, data)
    write_atomically(out / "capacity.html", capacity_page(found, what=what).encode())
    if as_json:
        sys.stdout.write(data.decode())
    else:
        print_capacity(found)
    sys.stderr.write(f"wrote {out / CAPACITY_FILE}, {out / 'capacity.html'}\n")
    raise typer.Exit(_exit_code(found.rate, found.limit))


def _exit_code(rate: float | None, limit: str) -> int:
    from simulator.errors import ExitCode

    if rate is None:
        return ExitCode.FAILED
    return ExitCode.GENERATOR_BOUND if limit == "generator" else ExitCode.PASS


def _tell(step: Step) -> None:
    from simulator.report.hotpath_terminal import step_line

    sys.stderr.write(step_line(step) + "\n")
