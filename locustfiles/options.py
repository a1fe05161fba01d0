"""The replay's own options on Locust's command line and in its start form, and their checks."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenario_corpus import corpus_of, is_scenario, open_beside
from verdict import Judging, read_judging

from simulator import __version__
from simulator.corpus import Corpus
from simulator.errors import RefusedError, UsageError
from simulator.guard import Destination, admit, hosts_named
from simulator.pacing import PACE_HELP, Pace, duration_s, parse_pace
from simulator.tape import TapeSpec
from simulator.target import Target, load_target, tls_context

USER_AGENT = f"telsim/{__version__}"
_USERS = 16
_SPAWN_RATE = 100.0
_STOP_TIMEOUT_S = "10"
_FEW_PROCESSES, _PROCESSES_A_CORE = 32, 4


#: Names of the options in Locust's namespace, for the record. None of them holds a secret; the URLs of ledger and
#: metrics might, so they are not here.
OPTION_NAMES = (
    *(
        "corpus",
        "target",
        "pace",
        "speed",
        "batch",
        "window",
        "gzip",
        "repeat",
        "id_salt",
        "warmup",
        "patience",
    ),
    *("run_dir", "calibrate", "allow_host", "any_dialect", "threshold", "allow_generator_bound"),
)


class JoinTexts(argparse.Action):
    """An option that may be repeated; its texts are joined with commas.

    A list would do on the command line, but Locust's start form shows a text field for a text only.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse's signature
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,  # noqa: ARG002 - argparse's signature
    ) -> None:
        """Adds one more text."""
        setattr(namespace, self.dest, ",".join(filter(None, [getattr(namespace, self.dest, ""), values])))


def _processes(text: str) -> int:
    """How often to fork.

    Raises:
        argparse.ArgumentTypeError: it is no number, or oftener than this machine can bear.
    """
    try:
        count = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    most = max(_FEW_PROCESSES, _PROCESSES_A_CORE * (os.cpu_count() or 1))
    if count > most:
        raise argparse.ArgumentTypeError(f"{count} processes are too many for this machine; {most} at most")
    return count


def add_options(parser: Any) -> None:
    """Adds the replay's options to Locust's parser (event `init_command_line_parser`)."""
    parser.prog = "locust"  # started as a module, Locust calls itself __main__.py in its errors
    add = parser.add_argument
    # Locust forks as many processes as it is told, and a typing error would take the machine down.
    own = parser._option_string_actions.get("--processes")  # noqa: SLF001 - argparse has no other way to it
    if own is not None:
        own.type = _processes
    add(
        "--corpus",
        env_var="TELSIM_CORPUS",
        default="",
        help="directory that telsim generate made, or a scenario",
    )
    add(
        "--target",
        env_var="TELSIM_TARGET",
        default="structured",
        help="a shipped target (telsim targets) or the path of a .toml file",
    )
    add("--pace", env_var="TELSIM_PACE", default="max", help=PACE_HELP)
    add(
        "--speed",
        env_var="TELSIM_SPEED",
        type=float,
        default=1.0,
        help="with --pace schedule: 60 plays an hour in a minute",
    )
    add(
        "--batch",
        env_var="TELSIM_BATCH",
        type=int,
        default=0,
        help="pings a request (0: what the target says)",
    )
    add(
        "--window",
        env_var="TELSIM_WINDOW",
        default="",
        help="with --pace schedule: pings of one such stretch of recorded time make one batch, for example 1s",
    )
    add(
        "--gzip",
        env_var="TELSIM_GZIP",
        choices=["auto", "on", "off"],
        default="auto",
        help="compress bodies (auto: what the target says). With --repeat, ids stand uncompressed in them, so that "
        "they can change: batches are about a third larger then",
    )
    add(
        "--repeat",
        env_var="TELSIM_REPEAT",
        type=int,
        default=1,
        help="how often to send the corpus, each time with fresh ids (0: until -t)",
    )
    add(
        "--id-salt",
        env_var="TELSIM_ID_SALT",
        type=int,
        default=0,
        help="change every document id by this number (up to 4294967295), so that an endpoint which has seen the "
        "corpus takes it for a new one",
    )
    add(
        "--warmup",
        env_var="TELSIM_WARMUP",
        default="0s",
        help="leave the first seconds out of latencies and rates",
    )
    add(
        "--patience",
        env_var="TELSIM_PATIENCE",
        default="",
        help="how long the endpoint may refuse connections before the run gives up (default: 10s; 2s where it has "
        "answered nothing yet)",
    )
    add(
        "--run-dir",
        env_var="TELSIM_RUN_DIR",
        default="",
        help="directory for run.json and outcomes (must hold no run yet); default: none, or with --threshold the "
        "next free one below runs/",
    )
    add(
        "--tape-dir",
        env_var="TELSIM_TAPE_DIR",
        default="",
        help="where the prepared requests are kept during the run",
        include_in_web_ui=False,
    )
    add(
        "--calibrate",
        env_var="TELSIM_CALIBRATE",
        default="0s",
        help="first measure this generator against a null sink for so long, for example 2s",
    )
    add(
        "--allow-host",
        env_var="TELSIM_ALLOW_HOST",
        action="append",
        default=[],
        include_in_web_ui=False,
        help="a host that is not loopback and may be loaded; repeat for more",
    )
    add(
        "--any-dialect",
        env_var="TELSIM_ANY_DIALECT",
        action="store_true",
        help="send a corpus in a dialect that the target does not expect",
    )
    _add_verdict_options(add)
    parser.set_defaults(stop_timeout=_STOP_TIMEOUT_S)


def default_users(options: argparse.Namespace) -> None:
    """Sets connections and how fast they open where nobody did: 16, at once.

    Not as defaults of the parser: Locust takes those for given, and warns of each that a LoadTestShape ignores.
    """
    if options.num_users is None:
        options.num_users = _USERS
    if options.spawn_rate is None:
        options.spawn_rate = _SPAWN_RATE


def _add_verdict_options(add: Any) -> None:
    add(
        "--threshold",
        env_var="TELSIM_THRESHOLD",
        action=JoinTexts,
        default="",
        help="an objective such as 'p99<50ms' or 'errors<0.1%%'; repeat for more. The run is then judged: exit code "
        "0, 1 (not met, or a ping lost), 3 (the generator was the limit); summary.json, report.html and junit.xml "
        "are in the run directory",
    )
    add(
        "--ledger",
        env_var="TELSIM_LEDGER",
        default="",
        help="judge the run by what the endpoint stored: a ledger URL, an NDJSON file of ids, "
        "sqlite:///FILE?query=SELECT..., auto (default with --threshold) or none",
    )
    add(
        "--metrics-url",
        env_var="TELSIM_METRICS_URL",
        default="",
        help="the server's Prometheus text, for metric: objectives (default: /metrics of the host)",
    )
    add(
        "--allow-generator-bound",
        env_var="TELSIM_ALLOW_GENERATOR_BOUND",
        action="store_true",
        help="let a run pass that shows the generator's limit",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one run is to do: the options, checked. Holds secrets only in `headers`, which nothing prints.

    Args:
        corpus: what to send.
        target: endpoint profile.
        destination: where to.
        pace: how fast, over all workers.
        batch, gzip, window_ms, repeat, id_salt, warmup_s, patience_s, calibrate_s: as in the options.
        run_dir, tape_dir: directories; None where not wanted.
        judging: by what the run is judged; None: by Locust's own rules alone.
    """

    corpus: Corpus
    target: Target
    destination: Destination
    pace: Pace
    pace_text: str
    batch: int
    gzip: bool
    window_ms: int | None
    repeat: int
    id_salt: int
    warmup_s: float
    patience_s: float | None
    calibrate_s: float
    run_dir: Path | None
    tape_dir: Path | None
    judging: Judging | None

    def tape_spec(self, worker: int, workers: int) -> TapeSpec:
        """What worker number `worker` of `workers` has to put on its tape."""
        return TapeSpec(
            target=self.target,
            netloc=self.destination.netloc,
            base_path=self.destination.base_path,
            headers=self.target.resolved_headers(os.environ),
            user_agent=USER_AGENT,
            batch=self.batch,
            gzip=self.gzip,
            window_ms=self.window_ms,
            worker=worker,
            workers=workers,
            repeats=self.repeat != 1 or self.id_salt != 0,
        )


def read_options(options: argparse.Namespace, host: str | None) -> Request:
    """Checks the options of a run.

    Raises:
        TelsimError: whatever is wrong with them; nothing has been sent.
    """
    judging = read_judging(options)
    if not options.corpus:
        raise UsageError(
            "--corpus is missing: the directory that `telsim generate SCENARIO --out DIR` made "
            f"(all options: python {Path(__file__).with_name('replay.py')})"
        )
    if not host:
        raise UsageError("--host is missing: the endpoint's base URL, for example http://127.0.0.1:8765")
    destination = admit(host, hosts_named(options.allow_host or (), os.environ))
    target = load_target(options.target)
    tape_dir = Path(options.tape_dir) if options.tape_dir else None
    path = (
        corpus_of(options.corpus, directory=tape_dir) if is_scenario(options.corpus) else Path(options.corpus)
    )
    corpus = open_beside(path)
    _check_dialect(corpus, target, any_dialect=options.any_dialect)
    pace = parse_pace(options.pace, speed=options.speed)
    if options.batch < 0 or options.repeat < 0:
        raise UsageError("--batch and --repeat must not be negative")
    if not 0 <= options.id_salt < 1 << 32:
        raise UsageError("--id-salt must be a number from 0 to 4294967295")
    request = Request(
        corpus=corpus,
        target=target,
        destination=destination,
        pace=pace,
        pace_text=options.pace,
        batch=options.batch or target.batch,
        gzip=target.gzip if options.gzip == "auto" else options.gzip == "on",
        window_ms=_window_ms(options, pace),
        repeat=options.repeat,
        id_salt=options.id_salt,
        warmup_s=_seconds(options, "warmup"),
        patience_s=_seconds(options, "patience") if options.patience else None,
        calibrate_s=_seconds(options, "calibrate"),
        run_dir=Path(options.run_dir) if options.run_dir else None,
        tape_dir=tape_dir,
        judging=judging,
    )
    # A missing secret or a batch that cannot be is told now, not when the run has begun.
    request.tape_spec(0, 1)
    if destination.scheme == "https":
        tls_context(target)
    return request


def _seconds(options: argparse.Namespace, name: str) -> float:
    try:
        return duration_s(getattr(options, name))
    except UsageError as error:
        raise UsageError(f"--{name}: {error}") from error


def _window_ms(options: argparse.Namespace, pace: Pace) -> int | None:
    if not options.window:
        return None
    if pace.model != "schedule":
        raise UsageError("--window goes with --pace schedule; otherwise batches form by size")
    window_ms = int(_seconds(options, "window") * 1000)
    if window_ms < 1:
        raise UsageError(
            f"--window {options.window!r}: recorded times are whole milliseconds; 1ms is the least"
        )
    return window_ms


def _check_dialect(corpus: Corpus, target: Target, *, any_dialect: bool) -> None:
    if target.dialect in ("any", corpus.meta.dialect) or any_dialect:
        return
    raise RefusedError(
        f"target {target.name} expects the {target.dialect} dialect, and this corpus is in the "
        f"{corpus.meta.dialect} one, which such an endpoint refuses by design. Generate it again with "
        f"--dialect {target.dialect}, or send it all the same with --any-dialect"
    )
