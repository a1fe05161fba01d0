"""One short replay, run as its own process exactly as a user would run it, and what it measured."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from simulator.clock import wall_clock_ns
from simulator.corpus import open_corpus
from simulator.errors import EndpointError, ExitCode, UsageError
from simulator.guard import admit
from simulator.reconcile import Summary, reconcile
from simulator.reconcile.accounting import ACCEPTED, REJECTED
from simulator.rundir import RUN_FILE, Outcomes, RunMeta, read_outcomes, read_run_meta
from simulator.shipped import locustfile_path
from simulator.target import Target, load_target
from simulator.thresholds import Threshold, parse_thresholds

_NOISE_BLOCKS = 10
_SLACK_S = 600.0  # a large corpus takes minutes to prepare
_STDERR_LINES = 5
_ODD = 0x9E3779B97F4A7C15  # spreads a moment over all bits (2^64 divided by the golden ratio)
_LOG_HEAD = re.compile(r"^\[[^\]]*\] \S+?/ERROR/telsim\.replay: ", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where trials go to.

    Args:
        host: base URL.
        target: name of a shipped target, or the path of a TOML file.
        allow_hosts: hosts beyond loopback that the user allowed.
        any_dialect: whether a corpus in another dialect than the target's may be sent.
        lanes: connections.
        metrics_url: where the server's Prometheus text is; empty: at the host's `/metrics`.
    """

    host: str
    target: str
    allow_hosts: Sequence[str] = ()
    any_dialect: bool = False
    lanes: int = 8
    metrics_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one replay does.

    Args:
        corpus: directory.
        seconds: length of the measured window.
        warmup_s: what is left out before it.
        pace: as `--pace` takes it.
        batch: pings a request; 0: what the target says.
        gzip: whether bodies are compressed; None: what the target says.
        id_salt: what changes its document ids: an endpoint that knows them from another trial does less for them.
    """

    corpus: Path
    seconds: float
    warmup_s: float = 1.0
    pace: str = "max"
    batch: int = 0
    gzip: bool | None = None
    id_salt: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """What a trial found.

    Args:
        summary: figures, bound and verdict; pings are judged by their answers alone.
        meta: the run's own account.
        noise: relative standard error of the rate, from blocks of time.
    """

    summary: Summary
    meta: RunMeta
    noise: float


def command_line(trial: Trial, endpoint: Endpoint, run: Path) -> list[str]:
    """The replay's command line; anybody can run it by hand."""
    total_s = int(np.ceil(trial.seconds + trial.warmup_s))
    words = [sys.executable, "-m", "locust", "-f", str(locustfile_path()), "--headless", "--only-summary"]
    words += ["--corpus", str(trial.corpus.absolute()), "--host", endpoint.host, "--target", endpoint.target]
    words += ["--pace", trial.pace, "--batch", str(trial.batch), "--repeat", "0"]
    words += ["--id-salt", str(trial.id_salt)]
    words += ["--gzip", {None: "auto", True: "on", False: "off"}[trial.gzip]]
    words += ["-u", str(endpoint.lanes), "-r", str(max(100, endpoint.lanes)), "--run-dir", str(run)]
    words += ["--warmup", f"{trial.warmup_s:g}s", "-t", f"{total_s}s"]
    words += ["--loglevel", "ERROR", *(["--any-dialect"] if endpoint.any_dialect else [])]
    return words + [word for host in endpoint.allow_hosts for word in ("--allow-host", host)]


def check_endpoint(endpoint: Endpoint) -> Target:
    """The profile of an endpoint to which trials may be sent.

    Raises:
        TelsimError: there is no such target, or no load may go there; better told now than as a trial's failure.
    """
    admit(endpoint.host, endpoint.allow_hosts)
    return load_target(endpoint.target)


def run_trial(trial: Trial, endpoint: Endpoint, *, thresholds: Sequence[Threshold] | None = None) -> Measured:
    """Runs one trial and reads what it measured.

    Args:
        trial: what to send.
        endpoint: where to.
        thresholds: objectives for the summary's verdict (default: the defaults).

    Raises:
        UsageError: the replay refused its options, the host or the dialect.
        EndpointError: the endpoint does not answer, or the replay ended without a result.
    """
    objectives = parse_thresholds([]) if thresholds is None else thresholds
    with tempfile.TemporaryDirectory(prefix="telsim-trial-") as directory:
        run = Path(directory) / "run"
        meta = _replay(replace(trial, id_salt=_new_salt()), endpoint, run)
        if not meta.requests:
            trouble = meta.errors[0].message if meta.errors else "no request was answered"
            raise EndpointError(f"{endpoint.host}: {trouble}")
        summary = reconcile(
            run,
            open_corpus(trial.corpus),
            ledger="none",
            thresholds=objectives,
            metrics_url=endpoint.metrics_url,
            target=load_target(endpoint.target),
            allow_generator_bound=True,
        )
        return Measured(summary, meta, rate_noise(read_outcomes(run), meta))


def _replay(trial: Trial, endpoint: Endpoint, run: Path) -> RunMeta:
    """Runs the replay in a process of its own."""
    words = command_line(trial, _absolute(endpoint), run)
    limit_s = trial.seconds + trial.warmup_s + _SLACK_S
    try:
        done = subprocess.run(
            words,
            cwd=run.parent,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EndpointError(f"a trial of {trial.seconds:g} s did not end within {limit_s:g} s") from error
    _check(done, run)
    return read_run_meta(run)


def _new_salt() -> int:
    """Another number for each trial, of this command and of those before it."""
    return wall_clock_ns() * _ODD >> 32 & 0xFFFFFFFF


def _absolute(endpoint: Endpoint) -> Endpoint:
    """The trial runs in a directory of its own, so a target file needs its whole path."""
    target = Path(endpoint.target)
    if target.suffix != ".toml":
        return endpoint
    return replace(endpoint, target=str(target.absolute()))


def _environment() -> dict[str, str]:
    """Ours, with this telsim importable by the replay and without options that Locust would read from it."""
    root = str(Path(__file__).resolve().parents[2])
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LOCUST_", "TELSIM_"))}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))}


def _check(done: subprocess.CompletedProcess[str], run: Path) -> None:
    """Turns a replay that did not run into the error that it told.

    Raises:
        UsageError: it refused.
        EndpointError: it ended without a result.
    """
    told = _LOG_HEAD.sub("", "\n".join(line for line in done.stderr.splitlines() if line.strip()))
    said = "\n".join(told.splitlines()[-_STDERR_LINES:]) or f"exit code {done.returncode}"
    if done.returncode == ExitCode.USAGE:
        raise UsageError(f"the replay refused: {said}")
    if done.returncode in (ExitCode.INTERRUPTED, -2):
        raise KeyboardInterrupt
    if not (run / RUN_FILE).exists():
        raise EndpointError(f"the replay ended without a result: {said}")


def rate_noise(outcomes: Outcomes, meta: RunMeta) -> float:
    """The relative standard error of the rate of answered pings, from ten blocks of the measured window."""
    judged = (outcomes["state"] == ACCEPTED) | (outcomes["state"] == REJECTED)
    done = outcomes["done"][judged & (outcomes["done"] >= meta.measured_from_ns)]
    if meta.measured_to_ns:
        done = done[done <= meta.measured_to_ns]
    if len(done) < _NOISE_BLOCKS:
        return 1.0
    counts, _ = np.histogram(done, bins=_NOISE_BLOCKS)
    return float(counts.std(ddof=1) / counts.mean() / np.sqrt(_NOISE_BLOCKS))
