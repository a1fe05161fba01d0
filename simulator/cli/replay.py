"""`telsim replay`: runs the real `locust` command on a corpus and has it account for every ping."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
    Ctrl-C, SIGTERM and SIGHUP are handed on; the run then ends in order and what is done stays valid.

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
    from simulator.errors import ExitCode
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
    asked: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def hand_on(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        if process is not None:
            process.send_signal(signal.SIGINT)

    with _signals_to(hand_on):
        process = _start(
            command,
            env={name: value for name, value in os.environ.items() if name not in left_out},
            stdout=subprocess.DEVNULL if quiet else None,
        )
        if asked:
            process.send_signal(signal.SIGINT)
        code = process.wait()
    if asked and code in (ExitCode.INTERRUPTED, -signal.SIGINT):
        if quiet:
            sys.stderr.write("telsim: interrupted; what is done stays valid\n")
        return ExitCode.INTERRUPTED
    if code >= 0:
        return code
    sys.stderr.write(f"telsim: Locust was ended by {signal.Signals(-code).name}; was it out of memory?\n")
    return ExitCode.FAILED


def _start(command: list[str], *, env: dict[str, str], stdout: int | None) -> subprocess.Popen[bytes]:
    """Locust, born with Ctrl-C held back until the replay listens to it.

    In the middle of Locust's imports it would make a traceback, and now and then a process that never ends.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        # A group of its own: the terminal's Ctrl-C then comes once, through us, and not twice.
        return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=stdout, process_group=0)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def _signals_to(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Has `handler` called for what would end us: a load must not go on when nobody can stop it any more."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as it is under nohup
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
