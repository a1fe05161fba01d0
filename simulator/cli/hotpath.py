"""`telsim hotpath`: what a request costs an endpoint, and what a ping costs it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def command(  # noqa: PLR0913, RUF100 -- one parameter an option
    corpus: Annotated[Path, typer.Argument(help="Corpus directory.")],
    *,
    host: Annotated[str, typer.Option(help="The endpoint's base URL.")],
    target: Annotated[
        str, typer.Option(help="Target, best one that takes batches: a shipped name or a TOML file.")
    ] = "json-array",
    out: Annotated[Path, typer.Option(help="Directory for hotpath.json and hotpath.html.")] = Path("hotpath"),
    batches: Annotated[str, typer.Option(help="Batch sizes.")] = "1,2,5,10,20,50,100,200,500",
    contrast_batch: Annotated[int, typer.Option(help="Batch size of the contrasts.", min=1)] = 100,
    seconds: Annotated[float, typer.Option(help="Measured seconds of each trial.", min=1, max=86_400)] = 3.0,
    passes: Annotated[
        int, typer.Option(help="How often the whole is run, every second time backwards.", min=1)
    ] = 1,
    lanes: Annotated[int, typer.Option(help="Connections.", min=1, max=60_000)] = 8,
    metrics_url: Annotated[
        str, typer.Option(help="The server's Prometheus text, where it is not at HOST/metrics.")
    ] = "",
    contrasts: Annotated[bool, typer.Option(help="Try 0, 5, 50, 100 % invalid pings, and gzip.")] = True,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A host that is not loopback and may be loaded; repeatable.")
    ] = None,
    any_dialect: Annotated[
        bool, typer.Option("--any-dialect", help="Send a corpus in another dialect than the target's.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print hotpath.json.")] = False,
) -> None:
    """Sweep batch sizes, validity and gzip; fit the time a request and a ping cost the endpoint.

    Each trial is a replay of its own, so the endpoint may be anything that a target describes. Exit code 1 if it
    judged pings wrongly, 3 if the generator was the limit of every trial.

    Example: telsim hotpath corpus --host http://127.0.0.1:8765 --seconds 5
    """
    import msgspec

    from simulator.corpus import open_corpus
    from simulator.guard import hosts_named
    from simulator.hotpath.sweep import HOTPATH_FILE, INVALID_SHARES, Plan, sweep
    from simulator.hotpath.trial import Endpoint, check_endpoint, run_trial
    from simulator.report.hotpath_page import hotpath_page
    from simulator.report.hotpath_terminal import print_hotpath
    from simulator.rundir import make_directory, write_atomically

    sizes = _sizes(batches)
    endpoint = Endpoint(
        host=host,
        target=target,
        allow_hosts=hosts_named(allow_host or (), os.environ),
        any_dialect=any_dialect,
        lanes=lanes,
        metrics_url=metrics_url,
    )
    if check_endpoint(endpoint).envelope is None:
        sizes, contrast_batch = (1,), 1
        sys.stderr.write(
            f"target {target} sends one ping a request: its cost is measured, but cannot be parted into a request's "
            "and a ping's\n"
        )
    plan = Plan(
        batches=sizes,
        invalid_shares=INVALID_SHARES if contrasts else (),
        gzip=contrasts,
        contrast_batch=contrast_batch,
        seconds=seconds,
        passes=passes,
    )
    opened = open_corpus(corpus)
    make_directory(out)  # now, and not when everything is measured
    found = sweep(opened, endpoint, plan, run=run_trial, progress=_tell)
    data = msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
    write_atomically(out / HOTPATH_FILE, data)
    write_atomically(out / "hotpath.html", hotpath_page(found).encode())
    if as_json:
        sys.stdout.write(data.decode())
    else:
        print_hotpath(found)
    sys.stderr.write(f"wrote {out / HOTPATH_FILE}, {out / 'hotpath.html'}\n")
    raise typer.Exit(_exit_code([point.wrong for point in found.points], [p.bound for p in found.points]))


def _exit_code(wrong: list[int], bounds: list[str]) -> int:
    from simulator.errors import ExitCode

    if any(wrong):
        return ExitCode.FAILED
    return ExitCode.GENERATOR_BOUND if set(bounds) == {"generator"} else ExitCode.PASS


def _sizes(text: str) -> tuple[int, ...]:
    from simulator.errors import UsageError

    try:
        sizes = sorted({int(piece) for piece in text.split(",")})
    except ValueError:
        sizes = []
    if not sizes or sizes[0] < 1:
        raise UsageError(f"--batches {text!r}: write sizes with commas between them, as in 1,10,100")
    return tuple(sizes)


def _tell(what: str, number: int, of: int) -> None:
    sys.stderr.write(f"trial {number + 1} of {of}: {what}\n")
