"""For each fault and each ping type that it applies to: it breaks its own rule and nothing else."""

from __future__ import annotations

from typing import get_args

import pytest
from fault_kit import DOCUMENT_ID, SENT, answered, code_of, endpoint_rules, subject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.catalogue import ping_types
from simulator.endpoint.codes import status_of
from simulator.faults import FAULTS, Broken
from simulator.faults.fault import DRAWS
from simulator.records import Dialect
from simulator.scenario.faults import FaultName

AGAIN = {name for name, fault in FAULTS.items() if fault.expect == "duplicate"}
HEAVY = {"gzip_bomb", "oversized_body"}
IN_DOCUMENT = {name for name, fault in FAULTS.items() if fault.make.__module__.endswith(".document")}
draws = st.lists(st.floats(0, 0.999_999), min_size=DRAWS, max_size=DRAWS)


def test_scenarios_and_table_know_the_same_names() -> None:
    assert get_args(FaultName) == tuple(FAULTS)


@pytest.mark.parametrize(("ping", "dialect"), SENT)
def test_what_is_not_broken_is_accepted(ping: str, dialect: Dialect) -> None:
    one = subject(ping, dialect)
    receipt, status = answered(one, Broken(), endpoint_rules(dialect))
    assert (code_of(receipt), status) == ("ok", 200)


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("dialect", ["documented", "wire"])
def test_the_endpoint_answers_what_the_table_says(name: str, dialect: Dialect) -> None:
    """Every ping type, a few places in each; of the heavy faults, which no document shows in, one type a route."""
    fault, rules, applied = FAULTS[name], endpoint_rules(dialect), 0
    pings = [ping for ping, of_dialect in SENT if of_dialect == dialect]
    if name in HEAVY:
        pings = list({ping_types()[ping].routes[dialect]: ping for ping in pings}.values())
    for ping in pings:
        for share in (0.0,) if name in HEAVY else (0.0, 0.37, 0.81):
            one = subject(ping, dialect, draws=[share] * DRAWS)
            if one.carrier not in fault.carriers or (broken := fault.make(one)) is None:
                continue
            applied += 1
            receipt, status = answered(one, broken, rules)
            code = code_of(receipt)
            if name in AGAIN:
                assert code == "ok", (ping, "a copy is valid in itself; its id makes it a duplicate")
                assert broken.again
                continue
            assert code in fault.codes, (ping, share, broken.text)
            assert (code == "ok") == (fault.expect == "accept")
            if one.carrier == "graphql" and name in IN_DOCUMENT:
                assert status == 200, "GraphQL says it in an errors array"
            else:
                assert status == status_of(code)
                assert status in {fault.status, status_of(fault.codes[-1])}
    assert applied, f"{name} applies to no ping type of the {dialect} dialect"


@pytest.mark.slow
@given(which=st.sampled_from(SENT), name=st.sampled_from(sorted(FAULTS)), draws=draws)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_place_breaks_the_named_rule_only(
    which: tuple[str, Dialect], name: str, draws: list[float]
) -> None:
    ping, dialect = which
    fault = FAULTS[name]
    one = subject(ping, dialect, draws=draws)
    if one.carrier not in fault.carriers or (broken := fault.make(one)) is None:
        return
    receipt, _ = answered(one, broken, endpoint_rules(dialect))
    assert code_of(receipt) in (("ok",) if name in AGAIN else fault.codes)


@given(which=st.sampled_from(SENT), name=st.sampled_from(sorted(FAULTS)), draws=draws)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_faults_are_pure(which: tuple[str, Dialect], name: str, draws: list[float]) -> None:
    ping, dialect = which
    first, second = (subject(ping, dialect, draws=draws) for _ in range(2))
    if first.carrier in FAULTS[name].carriers:
        before = str(first.document)
        assert FAULTS[name].make(first) == FAULTS[name].make(second)
        assert str(first.document) == before, "a fault must not change the document that it is given"


@pytest.mark.parametrize(("ping", "dialect"), SENT)
def test_every_ping_type_can_go_wrong_in_the_document(ping: str, dialect: Dialect) -> None:
    one = subject(ping, dialect)
    broken = [name for name in ("wrong_type", "missing_required", "unknown_enum") if FAULTS[name].make(one)]
    assert broken, f"the schema of {ping} in the {dialect} dialect holds nothing"


def test_the_ledger_finds_a_bad_document_id() -> None:
    """The record's id stands inside the bad one, so outcomes and ledger can be joined."""
    for share in (0.0, 0.3, 0.6, 0.9):
        one = subject("topsite_click", "wire", draws=[share] * DRAWS)
        broken = FAULTS["bad_document_id"].make(one)
        assert broken is not None
        receipt, _ = answered(one, broken, endpoint_rules("wire"))
        assert receipt.decisions[0].id == DOCUMENT_ID
