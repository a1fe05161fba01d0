"""`telsim drill`: an outage under steady load."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simulator.cli.handed_on import SETTINGS, allowed_hosts, own_word

if TYPE_CHECKING:
    from simulator.drill import DrillPlan
    from simulator.scenario import Scenario

__all__ = ["SETTINGS", "command"]

#: How long a slow endpoint takes to answer.
_DELAY = "2s"


def command(  # noqa: PLR0913, RUF100 -- one parameter an option
    context: typer.Context,
    corpus: Annotated[
        str, typer.Argument(help="Directory that telsim generate made, or a scenario to generate first.")
    ] = "outage-recovery",
    *,
    mode: Annotated[
        str, typer.Option(help="How the endpoint fails: down, 500, hang, slow, reset or disk_full.")
    ] = "down",
    policy: Annotated[str, typer.Option(help="How clients deliver: glean, legacy or none.")] = "glean",
    rate: Annotated[float, typer.Option(help="Pings each second.")] = 200.0,
    before: Annotated[str, typer.Option(help="Steady load before the outage.")] = "5s",
    outage: Annotated[str, typer.Option(help="How long the endpoint fails.")] = "10s",
    after: Annotated[str, typer.Option(help="Load after the outage.")] = "15s",
    hurry: Annotated[
        float, typer.Option(help="Shorten the policy's waits: 60 makes a minute a second; 1 keeps them.")
    ] = 60.0,
    delay: Annotated[
        str, typer.Option(help=f"With --mode slow: how long an answer takes; default: {_DELAY}.")
    ] = "",
    host: Annotated[
        str, typer.Option(help="Base URL of your own endpoint; without it, telsim's own is started.")
    ] = "",
    down_command: Annotated[
        str, typer.Option(help="With --host: a command that makes your endpoint fail.")
    ] = "",
    up_command: Annotated[str, typer.Option(help="With --host: a command that makes it well again.")] = "",
    target: Annotated[
        str, typer.Option(help="A shipped target (telsim targets) or the path of a .toml file.")
    ] = "structured",
    ledger: Annotated[
        str,
        typer.Option(
            help="What the endpoint stored: a ledger URL, an NDJSON file of ids, "
            "sqlite:///FILE?query=SELECT..., auto or none."
        ),
    ] = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Directory; default: the next free one below runs/.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print drill.json instead of the text.")] = False,
) -> None:
    """Outage drill: steady load, the endpoint made to fail, recovery; what was lost, and by whom.

    It passes if no acknowledged ping is missing, none is stored twice, every ping has exactly one fate,
    clients that keep their pings delivered them all, and recovery took no longer than the outage.

    Example: telsim drill --mode 500 --policy legacy --outage 10s

    Example: telsim drill corpus --host http://127.0.0.1:8080 --down-command 'docker stop app' --up-command
    'docker start app'
    """
    from simulator.cli.replay import run_locust
    from simulator.drill import DrillPlan, check_plan, drill_text, run_drill
    from simulator.drill.outage import mode_named
    from simulator.drill.policies import policy_named
    from simulator.errors import ExitCode, UsageError
    from simulator.guard import admit
    from simulator.pacing import duration_s
    from simulator.rundir import claim_run_directory
    from simulator.scenario import load_scenario

    corpus, extra = own_word(corpus, context.args, default="outage-recovery")
    if host:
        admit(host, allowed_hosts(extra))
        if not (down_command and up_command):
            raise UsageError(
                "--host needs --down-command and --up-command: telsim cannot break what it did not start"
            )
    if delay and mode != "slow":
        raise UsageError(f"--delay belongs to --mode slow; in mode {mode} nothing takes it into account")
    plan = DrillPlan(
        corpus=Path(corpus),
        directory=out or Path("runs"),
        mode=mode_named(mode),
        rate=rate,
        before_s=duration_s(before),
        outage_s=duration_s(outage),
        after_s=duration_s(after),
        policy=policy_named(policy)[0],
        hurry=hurry,
        target=target,
        host=host,
        down=down_command,
        up=up_command,
        ledger=ledger,
        delay_ms=duration_s(delay or _DELAY) * 1000,
        options=tuple(extra),
    )
    check_plan(plan)
    scenario = None if _is_corpus(plan.corpus) else load_scenario(corpus)
    directory = out or claim_run_directory("drill")  # nothing that the command line can tell is wrong by now
    plan = replace(plan, directory=directory, corpus=_made(scenario, directory) if scenario else plan.corpus)

    def send(path: Path, url: str, target_file: Path, run: Path, options: list[str]) -> int:
        code = run_locust(path, host=url, target=str(target_file), run_dir=run, extra=options, quiet=True)
        if code == ExitCode.INTERRUPTED:
            raise typer.Exit(code)
        return code

    result = run_drill(plan, send)
    if as_json:
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(result), indent=1).decode() + "\n")
    else:
        sys.stdout.write(drill_text(result))
    _report(plan)
    raise typer.Exit(ExitCode.PASS if result.verdict == "pass" else ExitCode.FAILED)


def _report(plan: DrillPlan) -> None:
    """The run's own report: its page shows the wave as throughput and latency over time."""
    from simulator.reconcile import read_summary
    from simulator.report import write_reports
    from simulator.rundir import read_run_meta

    run = plan.directory / "run"
    written = write_reports(run, read_summary(run), read_run_meta(run))
    sys.stderr.write(f"wrote {plan.directory / 'drill.json'}, {', '.join(map(str, written))}\n")


def _is_corpus(path: Path) -> bool:
    from simulator.corpus.writer import META_FILE

    return (path / META_FILE).exists()


def _made(loaded: tuple[Scenario, str], directory: Path) -> Path:
    """The corpus of a scenario, below the drill's directory."""
    from simulator.engine import generate
    from simulator.simulation import Plan

    scenario, text = loaded
    made = directory / "generated"
    generate(Plan(scenario, scenario.seed, scenario.dialect), made, scenario_text=text)
    return made
