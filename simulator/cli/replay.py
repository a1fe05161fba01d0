"""`telsim replay`: runs the real `locust` command on a corpus and has it account for every ping."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from simulator.cli.handed_on import SETTINGS, allowed_hosts

__all__ = ["SETTINGS", "command", "run_locust"]


def command(  # noqa: PLR0913, RUF100 -- one parameter an option
    context: typer.Context,
    corpus: Annotated[Path, typer.Argument(help="Directory that telsim generate made.")],
    *,
    host: Annotated[str, typer.Option(help="Base URL of the endpoint.")] = "http://127.0.0.1:8765",
    target: Annotated[
        str, typer.Option(help="A shipped target (telsim targets) or the path of a .toml file.")
    ] = "structured",
    run_dir: Annotated[
        Path | None, typer.Option(help="Run directory; default: the next free one below runs/.")
    ] = None,
    ledger: Annotated[
        str,
        typer.Option(
            help="What the endpoint stored: a ledger URL, an NDJSON file of ids, "
            "sqlite:///FILE?query=SELECT..., auto or none."
        ),
    ] = "auto",
    threshold: Annotated[
        list[str] | None, typer.Option(help="An objective such as 'p99<50ms' or 'errors<0.1%'; repeatable.")
    ] = None,
    metrics_url: Annotated[
        str, typer.Option(help="The server's Prometheus text, for metric: objectives.")
    ] = "",
    allow_generator_bound: Annotated[
        bool, typer.Option("--allow-generator-bound", help="Let a run pass that shows the generator's limit.")
    ] = False,
    web: Annotated[
        bool, typer.Option("--web", help="Start Locust's web page and wait for its button.")
    ] = False,
) -> None:
    """Replay a corpus with Locust and account for every ping. Exit 0 only if the verdict is good.

    Every other option goes to locust: -u 64 (connections), -t 60s, --processes 4, --pace 'rate 500',
    --pace schedule --speed 60, --batch 100, --gzip on, --repeat 0, --warmup 5s, --calibrate 2s, --csv, --html.

    Example: telsim replay corpus --host http://127.0.0.1:8765 --pace 'poisson 200' -t 30s
    """
    from simulator.corpus import open_corpus
    from simulator.errors import UsageError
    from simulator.guard import admit
    from simulator.target import load_target
    from simulator.thresholds import parse_thresholds

    extra = list(context.args)
    if str(corpus).startswith("-"):
        raise UsageError(f"the corpus comes before options for locust: telsim replay CORPUS {corpus} ...")
    admit(host, allowed_hosts(extra))
    load_target(target)
    open_corpus(corpus)
    parse_thresholds(threshold or [])
    judging = [f"--ledger={ledger}", *(f"--threshold={text}" for text in threshold or [])]
    judging += [f"--metrics-url={metrics_url}"] if metrics_url else []
    judging += ["--allow-generator-bound"] if allow_generator_bound else []
    code = run_locust(
        corpus, host=host, target=target, run_dir=run_dir, judging=judging, extra=extra, web=web
    )
    raise typer.Exit(code)


def run_locust(
    corpus: Path,
    *,
    host: str,
    target: str,
    run_dir: Path | None,
    judging: Sequence[str] = (),
    extra: Sequence[str] = (),
    web: bool = False,
    quiet: bool = False,
) -> int:
    """Replays `corpus` with the `locust` command in a process of its own; returns its exit code.

    With `judging` it is the verdict's. Without, it is 0 where everything was sent, whatever the answers were: the
    caller then reconciles the run itself.
    Ctrl-C and SIGTERM are handed on; the run then ends in order and what is done stays valid.

    Args:
        corpus: directory of the corpus.
        host: base URL of the endpoint.
        target: name or path of the target.
        run_dir: where `run.json` and the outcomes go; must hold no run. None: the next free one below `runs/`.
        judging: the options `--ledger` and `--threshold` and their like.
        extra: more options for `locust`, among them the replay's own.
        web: start the web page in place of running at once.
        quiet: keep Locust's tables and log lines below warnings to itself.
    """
    from simulator.shipped import locustfile_path

    command = [sys.executable, "-m", "locust", "-f", str(locustfile_path())]
    command += ["--corpus", str(corpus), "--host", host, "--target", target]
    command += ["--run-dir", str(run_dir)] if run_dir else []
    if not web:
        command += ["--headless", "--exit-code-on-error", "0"]
        command += ["--only-summary"]
    if quiet and run_dir:
        # The only way to keep Locust's summary off the terminal is to have it in a file.
        command += ["--loglevel", "WARNING", "--json-file", str(run_dir / "locust-stats")]
    command += [*judging, *extra]
    # Where the caller judges, the run must not be judged a second time by what the environment says.
    left_out = () if judging else ("TELSIM_THRESHOLD", "TELSIM_LEDGER")
    # A group of its own: the terminal's Ctrl-C then comes once, through us, and not twice.
    with subprocess.Popen(
        command,
        env={name: value for name, value in os.environ.items() if name not in left_out},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if quiet else None,
        process_group=0,
    ) as process:
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def hand_on(_number: int, _frame: FrameType | None) -> None:
            process.send_signal(signal.SIGINT)

        try:
            for number in before:
                signal.signal(number, hand_on)
            return process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
