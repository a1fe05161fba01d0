"""Every hand-written example is valid, and keeps the rules of its dialect."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from simulator.catalogue import example, load_schemas, ping_types
from simulator.records import DIALECTS, Dialect

CASES: list[tuple[Dialect, str]] = [
    (dialect, row.name) for dialect in DIALECTS for row in ping_types().values() if dialect in row.dialects
]
STRUCTURED = [case for case in CASES if ping_types()[case[1]].carrier == "structured"]
WIRE = [name for dialect, name in STRUCTURED if dialect == "wire"]
IDENTIFIERS = {"client_id", "impression_id", "context_id"}


@pytest.mark.parametrize(("dialect", "ping"), CASES)
def test_the_example_is_valid(dialect: Dialect, ping: str) -> None:
    route = ping_types()[ping].routes[dialect]
    schemas = load_schemas(dialect)
    assert schemas.check(route, example(ping, dialect)) == ()
    assert schemas.is_valid(route, example(ping, dialect))
    assert schemas.code(route, example(ping, dialect)) == "ok"


@pytest.mark.parametrize("ping", WIRE)
def test_on_the_wire_one_identifier_travels_and_never_a_placeholder(ping: str) -> None:
    document = example(ping, "wire")
    assert IDENTIFIERS & document.keys() == {ping_types()[ping].identity}
    assert document[ping_types()[ping].identity] != "n/a"


@pytest.mark.parametrize("ping", WIRE)
def test_on_the_wire_structure_travels_as_text_and_action_not_at_all(ping: str) -> None:
    document = example(ping, "wire")
    assert "action" not in document
    assert "version" in document
    for key in ("value", "event_context"):
        assert isinstance(document.get(key, ""), str)
    if "value" in document:
        assert isinstance(orjson.loads(document["value"]), dict)


def test_most_documented_shapes_are_refused_on_the_wire() -> None:
    as_documented = {"infobar_event", "spotlight_event", "tab_pinned"}  # the last one's action is tolerated
    as_documented |= {"sponsored_topsite_impression", "sponsored_topsite_click"}
    as_documented |= {"story_loaded_content"} | {
        f"story_{kind}_stats" for kind in ("impression", "click", "block", "pocket")
    }
    wire = load_schemas("wire")
    accepted = {
        ping
        for dialect, ping in STRUCTURED
        if dialect == "documented" and "wire" in ping_types()[ping].routes
        if wire.is_valid(ping_types()[ping].routes["wire"], example(ping, dialect))
    }
    assert accepted == as_documented


def test_an_example_is_fresh_at_each_call() -> None:
    first: dict[str, Any] = example("topsite_click", "wire")
    first["event"] = "SPOILT"
    assert example("topsite_click", "wire")["event"] == "CLICK"


def test_there_is_no_example_where_the_ping_is_not_sent() -> None:
    with pytest.raises(KeyError, match="not sent in the wire dialect"):
        example("experiment_reach", "wire")
