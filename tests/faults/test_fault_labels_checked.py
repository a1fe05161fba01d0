"""`telsim check` holds labels against the table."""

from __future__ import annotations

import msgspec
import pytest
from fault_kit import DOCUMENT_ID, DUE_MS, subject

from simulator.catalogue import load_schemas
from simulator.check.record import RecordRules
from simulator.faults import FAULTS
from simulator.records import EXPECTATIONS, Expect, Ping


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("expect", EXPECTATIONS)
def test_a_label_goes_with_its_own_expectation_alone(name: str, expect: Expect) -> None:
    one = subject("topsite_click", "wire")
    record = Ping(
        id=DOCUMENT_ID,
        due_ms=DUE_MS,
        client=1,
        ping=one.ping,
        product="firefox",
        route=one.route,
        label=name,
        expect=expect,
        method="POST",
        path=one.address.path(DOCUMENT_ID),
        body=msgspec.Raw(one.text.encode()),
    )
    found = list(RecordRules(load_schemas("wire"), own_schemas=True).findings(record, "here"))
    assert bool(found) == (expect != FAULTS[name].expect)
