"""The verdict of a drill: each rule fails on its own."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from simulator.drill.recovery import Recovery, Wave
from simulator.drill.result import DrillResult, Fates, drill_text, fates_of, reasons_against
from simulator.reconcile import Summary
from simulator.reconcile.summary import Latency

GOOD = Fates(
    pings=100,
    delivered=80,
    tried_again=20,
    rejected=5,
    stored_unanswered=2,
    lost_by_policy=13,
    lost_by_fault=0,
    unsent=0,
    ledger=82,
)
RECOVERY = Recovery(
    outage_s=5,
    began_s=3,
    ended_s=8,
    recovery_s=2,
    behind_ms=250,
    delayed=20,
    given_up=15,
    tried_again=20,
    most_behind=30,
    usual_per_s=10,
    peak_per_s=40,
    wave=Wave(due=[10] * 10, decided=[10] * 3 + [0] * 5 + [40, 10], given_up=[0] * 10, behind=[0] * 10),
)


def summary(**changes: Any) -> Summary:
    values: dict[str, Any] = dict.fromkeys(Summary.__struct_fields__, 0)
    values |= {name: [] for name in ("reasons", "thresholds", "labels", "by_ping", "examples")}
    values |= {"verdict": "pass", "bound": "target", "stages": {}, "duplicates": None}
    values |= dict.fromkeys(("latency_ms", "corrected_latency_ms", "lateness_ms"), Latency())
    return Summary(**(values | changes))


def reasons(fates: Fates = GOOD, recovery: Recovery = RECOVERY, keeps: bool = False, **changes: Any) -> str:
    found = reasons_against(
        fates, recovery, summary(**changes), keeps=keeps, distinct=fates.delivered, allowed_s=5
    )
    return "; ".join(found)


def test_a_good_drill_has_no_reasons_against_it() -> None:
    assert reasons() == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"delivered": 79, "ledger": 81}, "do not add up"),
        ({"ledger": 81}, "the ledger holds 81"),
        ({"delivered": 79, "lost_by_fault": 1, "ledger": 80}, "1 pings were acknowledged"),
    ],
)
def test_fates_that_are_wrong(changes: dict[str, int], words: str) -> None:
    assert words in reasons(msgspec.structs.replace(GOOD, **changes))


def test_clients_that_keep_pings_must_deliver_them() -> None:
    assert "13 pings were still undelivered" in reasons(keeps=True)


def test_a_drill_without_an_outage_proves_nothing() -> None:
    quiet = msgspec.structs.replace(RECOVERY, delayed=0, given_up=0, tried_again=0)
    assert "proved nothing" in reasons(recovery=quiet)


@pytest.mark.parametrize(
    ("delayed", "given_up", "tried_again"), [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 3, 3)]
)
def test_one_ping_that_met_the_outage_is_proof(delayed: int, given_up: int, tried_again: int) -> None:
    met = msgspec.structs.replace(RECOVERY, delayed=delayed, given_up=given_up, tried_again=tried_again)
    assert reasons(recovery=met) == ""


def test_each_ping_has_one_fate() -> None:
    counts = {"accepted": 80, "rejected": 5, "failed": 7, "unknown": 4, "unsent": 3}
    found = fates_of(summary(pings=99, lost=2, stored_unacknowledged=6, **counts), tried_again=20, ledger=84)
    assert found == Fates(
        pings=99,
        delivered=78,  # two of the acknowledged ones are not there
        tried_again=20,
        rejected=5,
        stored_unanswered=6,
        lost_by_policy=5,  # eleven had no answer, six of them are there all the same
        lost_by_fault=2,
        unsent=3,
        ledger=84,
    )
    assert found.adds_up


def test_without_a_ledger_nothing_is_lost_by_a_fault() -> None:
    blind = fates_of(
        summary(pings=9, accepted=6, failed=3, lost=None, stored_unacknowledged=None),
        tried_again=0,
        ledger=None,
    )
    assert (blind.delivered, blind.lost_by_policy, blind.lost_by_fault, blind.adds_up) == (6, 3, 0, True)


def test_recovery_may_take_as_long_as_the_outage() -> None:
    assert reasons(recovery=msgspec.structs.replace(RECOVERY, recovery_s=5.0)) == ""
    assert "recovery took 5.1 s" in reasons(recovery=msgspec.structs.replace(RECOVERY, recovery_s=5.1))


def test_copies_and_wrong_decisions_fail() -> None:
    assert "3 copies" in reasons(duplicated=3)
    assert "1 wrongly accepted" in reasons(wrongly_accepted=1)


def test_the_text_shows_wave_fates_and_verdict() -> None:
    result = DrillResult(
        verdict="fail",
        reasons=["because"],
        mode="down",
        policy="glean",
        hurry=60,
        rate=10,
        fates=GOOD,
        recovery=RECOVERY,
        allowed_s=5,
        duplicated=0,
        wrongly_accepted=0,
        wrongly_rejected=0,
    )
    text = drill_text(result)
    assert "   xxxxx outage" in text
    assert "lost by policy        13" in text
    assert "up to 40" in text
    assert text.endswith("FAIL: because\n")


def test_without_a_ledger_nothing_is_said_of_what_is_stored() -> None:
    fates = msgspec.structs.replace(GOOD, stored_unanswered=0, lost_by_policy=15, ledger=None)
    result = DrillResult(
        verdict="pass",
        reasons=[],
        mode="down",
        policy="none",
        hurry=1,
        rate=10,
        fates=fates,
        recovery=RECOVERY,
        allowed_s=5,
        duplicated=None,
        wrongly_accepted=0,
        wrongly_rejected=0,
    )
    text = drill_text(result)
    assert "given up              15     no ledger" in text
    assert "lost by fault          -" in text
    assert "endpoint has it" not in text
    assert "does not have it" not in text
