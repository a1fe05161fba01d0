"""`telsim check` holds labels against the table."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest

import simulator
from simulator.catalogue import load_schemas
from simulator.check.record import RecordRules
from simulator.errors import UsageError
from simulator.faults import FAULTS
from simulator.records import EXPECTATIONS, Expect, Ping

SUBJECTS = ("topsite_click", "newtab_session", "cfr_impression_release", "glean_events_ping")


def with_fault(name: str) -> Ping:
    """A ping that has the fault. Where it lies in the order of several pings, the label is all that one shows of it."""
    for type_ in SUBJECTS:
        with suppress(UsageError):  # nothing there that this fault could break
            return simulator.corrupt(simulator.ping(type_, dialect="wire"), name, dialect="wire")
    return relabelled(simulator.ping("topsite_click", dialect="wire"), name)


def relabelled(ping: Ping, name: str) -> Ping:
    return msgspec.structs.replace(ping, label=name, expect=FAULTS[name].expect)


def found(ping: Ping) -> list[str]:
    return list(map(str, RecordRules(load_schemas("wire"), own_schemas=True).findings(ping, "here")))


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("expect", EXPECTATIONS)
def test_a_label_goes_with_its_own_expectation_alone(name: str, expect: Expect) -> None:
    record = msgspec.structs.replace(with_fault(name), expect=expect)
    assert bool(found(record)) == (expect != FAULTS[name].expect)


#: Faults that a payload shows by itself.
IN_PAYLOADS = [
    name for name, fault in FAULTS.items() if fault.lies in {"document", "body"} and name != "duplicate_keys"
]


@pytest.mark.parametrize("name", IN_PAYLOADS)
def test_a_payload_without_the_fault_of_its_label_is_told(name: str) -> None:
    """A correct endpoint accepts it, and a report would blame the endpoint."""
    for type_ in SUBJECTS:
        (told,) = found(relabelled(simulator.ping(type_, dialect="wire"), name))
        assert FAULTS[name].breaks in told


def test_a_payload_with_another_fault_than_its_label_says_is_told() -> None:
    ping = simulator.ping("topsite_click", dialect="wire")
    (told,) = found(relabelled(simulator.corrupt(ping, "wrong_type", dialect="wire"), "missing_required"))
    assert "a required key is not there" in told
    (told,) = found(relabelled(simulator.corrupt(ping, "truncated_json", dialect="wire"), "wrong_type"))
    assert "cannot be read" in told


def test_somebody_elses_schemas_do_not_know_our_faults() -> None:
    ping = relabelled(simulator.ping("topsite_click", dialect="wire"), "wrong_type")
    assert list(RecordRules(load_schemas("wire"), own_schemas=False).findings(ping, "here")) == []
