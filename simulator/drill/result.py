"""What a drill proved: the fate of every ping, the recovery, and a verdict with its reasons."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from simulator.drill.recovery import Recovery
from simulator.reconcile import Summary

_BARS = " ▁▂▃▄▅▆▇█"
_WIDEST = 100


class Fates(msgspec.Struct, frozen=True, kw_only=True):
    """Where every ping ended. The numbers but `tried_again` and `ledger` add up to `pings`.

    Args:
        delivered: acknowledged, and in the ledger.
        tried_again: of these, with more than one try.
        rejected: refused by a decision of the endpoint.
        stored_unanswered: the client gave up, but the endpoint has it.
        lost_by_policy: the client gave up, and the endpoint does not have it.
        lost_by_fault: acknowledged, and not in the ledger. Must be 0 whatever happens.
        unsent: never left the client before the end of the drill.
        ledger: ids in the endpoint's ledger that this drill sent; None where there is no ledger.
    """

    pings: int
    delivered: int
    tried_again: int
    rejected: int
    stored_unanswered: int
    lost_by_policy: int
    lost_by_fault: int
    unsent: int
    ledger: int | None

    @property
    def adds_up(self) -> bool:
        """Whether each ping is in one place, and the ledger holds what the clients were told."""
        parts = (
            self.delivered,
            self.rejected,
            self.stored_unanswered,
            self.lost_by_policy,
            self.lost_by_fault,
            self.unsent,
        )
        return sum(parts) == self.pings


class DrillResult(msgspec.Struct, frozen=True, kw_only=True):
    """`drill.json`.

    Args:
        mode, policy, hurry, rate: as asked for.
        reasons: why it did not pass; empty where it did.
        allowed_s: how long recovery may take: as long as the outage, and one first wait of the clients more,
            for they do not know when it ends: waits that double come to just that.
    """

    verdict: str
    reasons: list[str]
    mode: str
    policy: str
    hurry: float
    rate: float
    fates: Fates
    recovery: Recovery
    allowed_s: float
    duplicated: int | None
    wrongly_accepted: int
    wrongly_rejected: int


def fates_of(summary: Summary, *, tried_again: int, ledger: int | None) -> Fates:
    """The fates of a drill's pings.

    Args:
        summary: from `reconcile`.
        tried_again: accepted pings that took more than one try.
        ledger: distinct ids of the run in the ledger.
    """
    lost, stored = summary.lost or 0, summary.stored_unacknowledged or 0
    return Fates(
        pings=summary.pings,
        delivered=summary.accepted - lost,
        tried_again=tried_again,
        rejected=summary.rejected,
        stored_unanswered=stored,
        lost_by_policy=summary.failed + summary.unknown - stored,
        lost_by_fault=lost,
        unsent=summary.unsent,
        ledger=ledger,
    )


def reasons_against(
    fates: Fates, recovery: Recovery, summary: Summary, *, keeps: bool, distinct: int, allowed_s: float
) -> Iterator[str]:
    """What speaks against a good verdict, one sentence each.

    Args:
        fates: of the pings.
        recovery: of the fleet.
        summary: from `reconcile`.
        keeps: whether the clients' policy keeps pings that were not taken.
        distinct: distinct ids among the delivered pings.
        allowed_s: how long recovery may take.
    """
    if not fates.adds_up:
        yield f"the fates do not add up to {fates.pings} pings"
    if fates.ledger is not None and fates.ledger != distinct + fates.stored_unanswered - fates.lost_by_fault:
        yield f"the ledger holds {fates.ledger} of the pings, the clients know of {distinct}"
    if fates.lost_by_fault:
        yield f"{fates.lost_by_fault} pings were acknowledged and are not in the ledger"
    if summary.duplicated:
        yield f"{summary.duplicated} copies were stored beyond the first"
    if summary.wrongly_accepted or summary.wrongly_rejected:
        yield f"{summary.wrongly_accepted} wrongly accepted, {summary.wrongly_rejected} wrongly rejected"
    if keeps and fates.lost_by_policy + fates.unsent:
        yield f"{fates.lost_by_policy + fates.unsent} pings were still undelivered at the end, though clients keep them"
    if not recovery.delayed + recovery.given_up + recovery.tried_again:
        yield "no ping met the outage: the drill proved nothing"
    if recovery.recovery_s > allowed_s:
        yield (
            f"recovery took {recovery.recovery_s:.1f} s after an outage of {recovery.outage_s:.1f} s; "
            f"{allowed_s:.1f} s are allowed"
        )


def drill_text(result: DrillResult) -> str:
    """The drill for a terminal: the wave, the fates, the verdict."""
    fates, recovery = result.fates, result.recovery
    wave = recovery.wave
    lines = [
        f"{result.mode} for {recovery.outage_s:.1f} s at {result.rate:g} pings/s, delivery {result.policy}"
        + (f" with waits {result.hurry:g} times shorter" if result.hurry != 1 else ""),
        "",
        *_row("decided/s", wave.decided),
        *_row("given up/s", wave.given_up),
        *_row("behind", wave.behind),
        f"{'':<12}{_marks(recovery, len(wave.due))}",
        "",
        (
            f"recovery        {recovery.recovery_s:>8.1f} s  until no ping was {recovery.behind_ms:.0f} ms behind; "
            f"{result.allowed_s:.1f} s allowed"
        ),
        f"peak            {recovery.peak_per_s:>8,} /s  {recovery.usual_per_s:g} /s before the outage",
        f"longest queue   {recovery.most_behind:>8,}     pings behind at once",
        "",
        f"pings           {fates.pings:>8,}",
        f"delivered       {fates.delivered:>8,}     {fates.tried_again:,} of them after more than one try",
        f"rejected        {fates.rejected:>8,}",
        *_losses(fates),
        f"unsent          {fates.unsent:>8,}",
        "",
        f"{result.verdict.upper()}" + (": " + "; ".join(result.reasons) if result.reasons else ""),
    ]
    return "\n".join(lines) + "\n"


def _losses(fates: Fates) -> Iterator[str]:
    """What became of pings beyond the answers, which only a ledger tells."""
    if fates.ledger is None:
        yield f"given up        {fates.lost_by_policy:>8,}     no ledger tells whether the endpoint has them"
        yield f"lost by fault   {'-':>8}     acknowledged, but no ledger tells whether they are stored"
        return
    yield f"stored, no word {fates.stored_unanswered:>8,}     the client gave up, the endpoint has it"
    yield f"lost by policy  {fates.lost_by_policy:>8,}     the client gave up, the endpoint does not have it"
    yield f"lost by fault   {fates.lost_by_fault:>8,}     acknowledged, and not in the ledger"


def _row(name: str, values: list[int]) -> Iterator[str]:
    top = max(values, default=0)
    if not top:
        return
    cells = "".join(_BARS[-(-value * (len(_BARS) - 1) // top)] for value in _merged(values))
    yield f"{name:<12}{cells}  up to {top:,}"


def _step(count: int) -> int:
    return -(-count // _WIDEST)


def _merged(values: list[int]) -> list[int]:
    step = _step(len(values))
    return [max(values[i : i + step]) for i in range(0, len(values), step)]


def _marks(recovery: Recovery, seconds: int) -> str:
    """The outage as a line below the wave."""
    step = _step(seconds)
    first, last = int(recovery.began_s) // step, int(recovery.ended_s) // step
    return " " * max(first, 0) + "x" * max(last - first, 1) + " outage"
