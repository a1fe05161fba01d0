"""Carries a drill out: trims the corpus, starts what is needed, causes the outage while Locust sends, and judges."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event, Thread

import msgspec
import numpy as np

from simulator.clock import wall_clock_ns
from simulator.corpus import Corpus, open_corpus, write_corpus
from simulator.drill.outage import Commanded, Killed, Mode, Outage, OwnEndpoint, Switched
from simulator.drill.policies import Policy, PolicyName, policy_named, target_toml, target_with
from simulator.drill.recovery import measure
from simulator.drill.result import DrillResult, fates_of, reasons_against
from simulator.endpoint import Settings
from simulator.errors import EndpointError, TelsimError, UsageError
from simulator.reconcile import read_ledger, reconcile
from simulator.reconcile.ledger import Ledger, hash_ids
from simulator.records import STATES
from simulator.rundir import Outcomes, outcomes_file, read_outcomes, write_atomically
from simulator.target import load_target
from simulator.thresholds import parse_thresholds

DRILL_FILE = "drill.json"

_ACCEPTED = STATES.index("accepted")
_POLL_S = 0.05
_LONGEST_START_S = 120.0
#: How long a drill may run beyond its plan, for the clients' last tries.
_GRACE_S = 60.0
_LONGEST_S = 3_600.0

_PILING_UP: tuple[Mode, ...] = ("hang", "slow")
_LANES, _MOST_LANES = 64, 2_000

#: Runs Locust on (corpus directory, host, target file, run directory, more options) and returns its exit code.
Send = Callable[[Path, str, Path, Path, list[str]], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillPlan:
    """One drill.

    Args:
        corpus: what to send.
        directory: for everything that the drill leaves behind.
        mode: how the endpoint fails.
        rate: pings each second.
        before_s, outage_s, after_s: how long each phase is.
        policy: how clients deliver.
        hurry: by how much the policy's waits are shortened.
        target: base target.
        host: an endpoint of the user's own; empty: telsim's is started.
        down, up: commands for that endpoint.
        ledger: what `read_ledger` takes.
        delay_ms: for mode `slow`.
        options: more options for Locust.
    """

    corpus: Path
    directory: Path
    mode: Mode
    rate: float
    before_s: float
    outage_s: float
    after_s: float
    policy: PolicyName
    hurry: float = 60.0
    target: str = "structured"
    host: str = ""
    down: str = ""
    up: str = ""
    ledger: str = "auto"
    delay_ms: float = 2_000.0
    options: tuple[str, ...] = ()

    @property
    def planned_s(self) -> float:
        """Seconds during which pings become due."""
        return self.before_s + self.outage_s + self.after_s

    @property
    def pings(self) -> int:
        """How many pings the drill needs."""
        return int(self.rate * self.planned_s)


@dataclass(slots=True)
class _Happened:
    """What the thread that causes the outage saw."""

    began_ns: int = 0
    ended_ns: int = 0
    error: TelsimError | None = None


def run_drill(plan: DrillPlan, send: Send) -> DrillResult:
    """Carry out a drill and write `drill.json`.

    Args:
        plan: what to do.
        send: runs Locust; see `Send`.

    Raises:
        UsageError: the plan cannot be carried out, or the directory holds a drill.
        EndpointError: the endpoint does not start, fail or recover as it was told to.
    """
    corpus = _trimmed(plan)
    _, policy = policy_named(plan.policy)
    target = target_with(load_target(plan.target), policy, hurry=plan.hurry)
    target_file = plan.directory / "target.toml"
    target_file.write_text(target_toml(target), encoding="utf-8")
    run = plan.directory / "run"
    limit_s = plan.planned_s + plan.outage_s * 4 + _GRACE_S
    options = ["--pace", f"rate {plan.rate:g}", "-t", f"{int(limit_s)}s", "--patience", f"{int(limit_s)}s"]
    options += [
        "-u",
        str(_lanes(plan)),
        "-r",
        str(_lanes(plan)),
        "--any-dialect",
        "--loglevel",
        "ERROR",
        *plan.options,
    ]
    with ExitStack() as stack:
        url, outage = _endpoint(plan, corpus, stack, health_path=target.health_path)
        happened, stop = _Happened(), Event()
        thread = Thread(target=_cause, args=(plan, run, outage, happened, stop), name="outage", daemon=True)
        thread.start()
        try:
            code = send(corpus.path, url, target_file, run, options)
        finally:
            stop.set()
            thread.join()
        if happened.error is not None:
            raise happened.error
        if code or not happened.ended_ns:
            raise EndpointError(
                f"the load ended (exit code {code}) before the drill did; see {run}, and give it more time "
                "or a higher --after"
            )
        result = _judged(plan, corpus, run, url, happened, policy=policy)
    write_atomically(
        plan.directory / DRILL_FILE, msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"
    )
    return result


def _lanes(plan: DrillPlan) -> int:
    """Connections: where requests get no answer or a late one, as many as pile up during the outage."""
    if plan.mode not in _PILING_UP or plan.host:
        return _LANES
    return max(_LANES, min(_MOST_LANES, int(plan.rate * plan.outage_s)))


def check_plan(plan: DrillPlan) -> None:
    """Refuse a plan that cannot be carried out with any corpus, before one is made for it.

    Raises:
        UsageError: what is wrong.
        TargetError: the target cannot be used.
    """
    if not plan.host and (plan.down or plan.up):
        raise UsageError("--down-command and --up-command go with --host, an endpoint of your own")
    if plan.planned_s > _LONGEST_S:
        raise UsageError(f"a drill of {plan.planned_s:.0f} s is longer than an hour; shorten its phases")
    steady = 0 < plan.rate < math.inf and 1 <= plan.hurry < math.inf  # and neither is what is no number
    if not steady or min(plan.before_s, plan.outage_s, plan.after_s) < 1:
        raise UsageError("a drill needs a rate above 0, --hurry of 1 or more, and at least 1 s in each phase")
    if (plan.directory / DRILL_FILE).exists() or (plan.directory / "run").exists():
        raise UsageError(f"{plan.directory} already holds a drill; name another directory")
    load_target(plan.target)


def _trimmed(plan: DrillPlan) -> Corpus:
    """Exactly as many pings as become due, so that the load ends when the last of them is done with."""
    check_plan(plan)
    corpus = open_corpus(plan.corpus)
    if corpus.meta.records < plan.pings:
        raise UsageError(
            f"{plan.rate:g} pings/s for {plan.planned_s:g} s are {plan.pings:,} pings, and {plan.corpus} holds "
            f"{corpus.meta.records:,}; lower --rate, shorten the phases or generate a larger corpus"
        )
    path = plan.directory / "corpus"
    write_corpus(
        path,
        islice(corpus.pings(), plan.pings),
        scenario_name=corpus.meta.scenario_name,
        seed=corpus.meta.seed,
        dialect=corpus.meta.dialect,
    )
    return open_corpus(path)


def _endpoint(plan: DrillPlan, corpus: Corpus, stack: ExitStack, *, health_path: str) -> tuple[str, Outage]:
    if plan.host:
        return plan.host, Commanded(plan.host, down=plan.down, up=plan.up, health_path=health_path)
    settings = Settings(schemas=corpus.meta.dialect, store=str(plan.directory / "store.sqlite3"))
    own = stack.enter_context(OwnEndpoint(settings))
    if plan.mode == "down":
        return own.url, Killed(own)
    return own.url, Switched(own.url, plan.mode, delay_ms=plan.delay_ms)


def _cause(plan: DrillPlan, run: Path, outage: Outage, happened: _Happened, stop: Event) -> None:
    """Wait for the first answers, let the load settle, break the endpoint, mend it. Mends it in any case."""
    try:
        if not _load_is_on(run, stop) or stop.wait(plan.before_s):
            return
        outage.begin()
        happened.began_ns = wall_clock_ns()
        stop.wait(plan.outage_s)
        outage.end()
        happened.ended_ns = wall_clock_ns()
    except TelsimError as error:
        happened.error = error
    finally:
        try:
            outage.end()
        except TelsimError as error:
            happened.error = happened.error or error


def _load_is_on(run: Path, stop: Event) -> bool:
    """Whether outcomes have begun to come in."""
    file = outcomes_file(run, 0)
    for _ in range(int(_LONGEST_START_S / _POLL_S)):
        if file.exists() and len(read_outcomes(run)):
            return True
        if stop.wait(_POLL_S):
            return False
    return False


def _judged(
    plan: DrillPlan, corpus: Corpus, run: Path, url: str, happened: _Happened, *, policy: Policy
) -> DrillResult:
    summary = reconcile(
        run,
        corpus,
        ledger=plan.ledger,
        # Failures are what a drill is for; everything else must hold as in any run.
        thresholds=parse_thresholds(["errors<=100%"]),
        allow_generator_bound=True,
    )
    outcomes = read_outcomes(run)
    ledger = read_ledger(plan.ledger, host=url)
    accepted = outcomes["state"] == _ACCEPTED
    fates = fates_of(
        summary,
        tried_again=int((accepted & (outcomes["attempt"] > 1)).sum()),
        ledger=_held(ledger, outcomes) if ledger else None,
    )
    recovery = measure(outcomes, began_ns=happened.began_ns, ended_ns=happened.ended_ns)
    distinct = len(np.unique(outcomes["id"][accepted]))
    allowed_s = recovery.outage_s + policy.wait_s / plan.hurry + recovery.behind_ms / 1_000
    reasons = list(
        reasons_against(fates, recovery, summary, keeps=policy.keeps, distinct=distinct, allowed_s=allowed_s)
    )
    return DrillResult(
        verdict="fail" if reasons else "pass",
        reasons=reasons,
        mode=plan.mode if not plan.host else "your command",
        policy=plan.policy,
        hurry=plan.hurry,
        rate=plan.rate,
        fates=fates,
        recovery=recovery,
        allowed_s=round(allowed_s, 3),
        duplicated=summary.duplicated,
        wrongly_accepted=summary.wrongly_accepted,
        wrongly_rejected=summary.wrongly_rejected,
    )


def _held(ledger: Ledger, outcomes: Outcomes) -> int:
    """How many distinct ids of the run the ledger has as stored."""
    stored = set(_pairs(ledger.keys[ledger.stored > 0]))
    return len(stored & set(_pairs(hash_ids(outcomes["id"]))))


def _pairs(keys: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]) -> Iterator[tuple[int, int]]:
    return zip(keys[:, 0].tolist(), keys[:, 1].tolist(), strict=True)
