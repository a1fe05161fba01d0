"""What a fault says of a GraphQL request holds for the server's own schema too, judged by graphql-core."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from fault_kit import subject
from graphql import (
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    get_variable_values,
    parse,
    validate,
)

from simulator.catalogue import ping_types
from simulator.faults import FAULTS
from simulator.faults.fault import DRAWS

PINGS = [name for name, row in ping_types().items() if row.carrier == "graphql"]
IN_DOCUMENT = [
    name
    for name, fault in FAULTS.items()
    if fault.make.__module__.endswith(".document") and fault.expect == "reject"
]


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    sdl = files("simulator.pings.sourcegraph").joinpath("schema.graphql").read_text(encoding="utf-8")
    return build_schema(sdl)


def accepted(schema: GraphQLSchema, body: Any) -> bool:
    """Whether a server takes a request: a document of its schema, and variables of the types that it declares."""
    if not isinstance(body.get("query"), str) or not isinstance(body.get("variables", {}), dict):
        return False
    try:
        document = parse(body["query"])
    except GraphQLError:
        return False
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    values = get_variable_values(schema, operation.variable_definitions, body.get("variables", {}))
    return not validate(schema, document) and not isinstance(values, list)


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_DOCUMENT)
@pytest.mark.parametrize("ping", PINGS)
def test_what_is_to_be_rejected_is_no_request_that_the_server_takes(
    schema: GraphQLSchema, ping: str, name: str
) -> None:
    assert accepted(schema, subject(ping, "wire").document)
    for step in range(25):
        broken = FAULTS[name].make(subject(ping, "wire", draws=[step / 25] * DRAWS))
        if broken is not None and broken.text is not None:
            assert not accepted(schema, json.loads(broken.text)), broken.text
