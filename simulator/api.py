"""telsim from Python: `import simulator as telsim`.

for ping in telsim.simulate("smoke", clients=20):
    print(ping.ping, ping.json())

click = telsim.ping("topsite_click", dialect="wire", body={"action_position": 3})
telsim.validate(telsim.corrupt(click, "missing_required"))
telsim.open_corpus("corpus").to_arrow()
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from simulator.catalogue import Problem
from simulator.corpus import Corpus, open_corpus
from simulator.errors import UsageError
from simulator.records import Dialect, Ping

__all__ = ["Corpus", "Ping", "Problem", "corrupt", "open_corpus", "ping", "simulate", "validate"]


def simulate(  # noqa: PLR0913, RUF100 - the command line's options
    scenario: str | Path,
    *,
    seed: int | None = None,
    clients: int | None = None,
    duration: str | None = None,
    dialect: Dialect | None = None,
) -> Iterator[Ping]:
    """The pings that the people of a scenario send, as a stream; nothing is written to disk.

    They are the records of the corpus that `telsim generate` makes, in the same order: cohort after cohort of
    clients, in each by time. Leave off whenever you have enough.

    Args:
        scenario: a file, or the name of a shipped scenario (`telsim scenarios` lists them).
        seed: another than the scenario's; it decides everything.
        clients: how many people, in place of the scenario's number.
        duration: how long, such as `6h` or `1d`.
        dialect: `documented` or `wire`.

    Raises:
        ScenarioError: no such scenario, or not a valid one; `findings` has every problem.
    """
    from simulator.fixtures.simulated import simulated
    from simulator.scenario import load_scenario
    from simulator.simulation import Plan

    given = {"seed": seed, "clients": clients, "duration": duration, "dialect": dialect}
    chosen, _ = load_scenario(scenario, overrides={k: v for k, v in given.items() if v is not None})
    return simulated(Plan(chosen, chosen.seed, chosen.dialect))


def ping(
    type_: str,
    /,
    *,
    dialect: Dialect = "documented",
    seed: int = 0,
    without: Sequence[str] = (),
    **overrides: Any,
) -> Ping:
    """One believable ping of a type, as somebody in a simulation sent it. The same arguments give the same ping.

        ping("topsite_click", client=7, body={"action_position": 3, "value": {"card_type": "pinned"}})
        ping("newtab_session", **{"body.perf.is_preloaded": True}, without=["body.perf.topsites_pinned"])

    Where no simulated person sends the type, it is the catalogue's example under ids of its own.

    Args:
        type_: a ping type of the catalogue (`telsim catalogue` lists them).
        dialect: `documented` or `wire`.
        seed: which ping; each seed has its own document id.
        without: paths into the payload that are to go, such as `body.addon_version`; a single one may stand alone.
        overrides: fields of the record; `body` as a mapping is merged into the payload, as `str` or `bytes`
            replaces it; a dotted key names one place in the payload. Where the payload holds JSON as text, paths
            and mappings go on inside of it. A payload that its schema refuses afterwards is labelled `overridden`
            and expected to be rejected.

    Raises:
        UsageError: no such ping type or dialect, or an override that fits nowhere.
    """
    from simulator.fixtures.pool import make_pings

    (made,) = make_pings(type_, 1, dialect=dialect, seed=seed, changes=overrides, without=without)
    return made


def corrupt(ping: Ping, how: str, *, dialect: Dialect | None = None, seed: int = 0) -> Ping:
    """A copy of a ping that goes wrong in one named way; its label and what is expected of an endpoint say so.

    Args:
        ping: a valid ping.
        how: the name of a fault, such as `missing_required`, `truncated_json` or `late`.
        dialect: that it is to break the rules of; by default the one that the ping fits. Where it fits both, it
            breaks those of both if it can, else those of the documented one or the wire's, in this order.
        seed: decides the place where there are several.

    Raises:
        UsageError: no such fault (the message lists them) or dialect, or this ping has nothing of the kind to break.
    """
    from simulator.fixtures.broken import broken_ping
    from simulator.fixtures.pool import check_dialect

    if dialect is not None:
        check_dialect(dialect)
    made = broken_ping(ping, how, dialect=dialect, seed=seed)
    if made is None:
        raise UsageError(f"this {ping.ping} has nothing that {how!r} could break")
    return made


def validate(ping: Ping, *, dialect: Dialect | None = None, schemas: Path | None = None) -> list[Problem]:
    """Every problem that a correct endpoint has with a ping: in its payload, its path or its framing.

    Args:
        ping: any record.
        dialect: whose schemas to judge by; by default the one that the ping fits best.
        schemas: a directory of published schemas in place of a dialect's.

    Returns:
        Problems with the place in the payload, a sentence, and a short code; none where the ping is right.

    Raises:
        UsageError: no such dialect.
        InputError: the directory holds no usable schemas.
    """
    from simulator.fixtures.judge import closest_problems, problems_of
    from simulator.fixtures.pool import check_dialect

    if dialect is not None:
        check_dialect(dialect)
    source = schemas or dialect
    return closest_problems(ping) if source is None else problems_of(ping, source)
