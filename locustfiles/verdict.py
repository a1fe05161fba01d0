"""The verdict on a finished run, for whoever asked for one with `--threshold` or `--ledger`.

`telsim report` draws it up in a process of its own: joining millions of outcomes with a ledger takes time and memory
that Locust's loop, with its page and its workers' heartbeats, must not wait for.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import gevent
from gevent.event import Event

from simulator.errors import ExitCode, InputError
from simulator.rundir import read_run_meta
from simulator.thresholds import parse_thresholds

if TYPE_CHECKING:
    from simulator.reconcile.summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """By what a run is judged.

    Args:
        target: name or file of the run's target: what it may accept, and the TLS of its ledger and metrics.
        thresholds: objectives, with commas between them; telsim's own rules hold beside them.
        ledger: what the endpoint stored, as `telsim report` takes it.
        metrics_url: the server's Prometheus text; empty: beside the endpoint.
        allow_generator_bound: whether a run that only shows the generator's limit may pass.
    """

    target: str
    thresholds: str
    ledger: str = "auto"
    metrics_url: str = ""
    allow_generator_bound: bool = False


def read_judging(options: argparse.Namespace) -> Judging | None:
    """What the options ask for; None where nobody asked for a verdict, so that Locust's own rules decide.

    Raises:
        UsageError: an objective cannot be read.
    """
    parse_thresholds([options.threshold])
    if not (options.threshold or options.ledger):
        return None
    return Judging(
        target=options.target,
        thresholds=options.threshold,
        ledger=options.ledger or "auto",
        metrics_url=options.metrics_url,
        allow_generator_bound=options.allow_generator_bound,
    )


class Verdict:
    """One run's verdict; drawn up in the background.

    Args:
        run_dir: the run, with its `run.json` written.
        corpus: what was replayed.
        judging: by what it is judged.
    """

    def __init__(self, run_dir: Path, corpus: Path, judging: Judging) -> None:
        self.run_dir = run_dir
        self.exit_code = int(ExitCode.FAILED)
        self.summary: Summary | None = None
        self.said = ""
        self._command = _command(run_dir, corpus, judging)
        self._later = shlex.join(
            ["telsim", "report", str(run_dir), "--corpus", str(corpus), *_rules(judging)]
        )
        self._drawn = Event()

    def begin(self, on_drawn: Callable[[Verdict], None]) -> None:
        """Draws it up, then calls `on_drawn`; nobody who waits goes on before that."""
        gevent.spawn(self._draw, on_drawn)

    @property
    def is_drawn(self) -> bool:
        """Whether it is there."""
        return bool(self._drawn.is_set())

    def wait(self) -> None:
        """Waits until it is drawn up."""
        self._drawn.wait()

    def _draw(self, on_drawn: Callable[[Verdict], None]) -> None:
        try:
            self._run()
        finally:
            on_drawn(self)
            self._drawn.set()

    def _run(self) -> None:
        from simulator.reconcile.summary import read_summary  # workers never come here

        done = subprocess.run(
            self._command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        self.said = done.stderr.strip()
        try:
            self.summary = read_summary(self.run_dir)
        except InputError:  # no verdict (an unreachable ledger, say) is not a good one
            self.exit_code = done.returncode or int(ExitCode.FAILED)
            self.said += f"\ntelsim: no verdict; what was sent is kept, judge it with {self._later}"
        else:
            self.exit_code = done.returncode

    def print(self, file: TextIO) -> None:
        """The same table as `telsim report` prints, and on standard error where the files are, or what went wrong."""
        from rich.console import Console

        from simulator.report.terminal import print_summary

        if self.summary is not None:
            print_summary(self.summary, read_run_meta(self.run_dir), Console(file=file, highlight=False))
            file.flush()
        sys.stderr.write(f"{self.said}\n" if self.said else "")


def _command(run_dir: Path, corpus: Path, judging: Judging) -> list[str]:
    words = [sys.executable, "-m", "simulator", "report", str(run_dir), "--corpus", str(corpus)]
    words += [f"--ledger={judging.ledger}", *_rules(judging)]
    return words + ([f"--metrics-url={judging.metrics_url}"] if judging.metrics_url else [])


def _rules(judging: Judging) -> list[str]:
    """By what a run is judged, without the addresses of ledger and metrics: those may hold secrets."""
    words = [f"--target={judging.target}"]
    words += [f"--threshold={judging.thresholds}"] if judging.thresholds else []
    return words + (["--allow-generator-bound"] if judging.allow_generator_bound else [])
