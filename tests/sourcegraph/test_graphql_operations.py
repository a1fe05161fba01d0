"""Every GraphQL request against the public schema of the document's time, judged by graphql-core."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from graphql import (
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    get_variable_values,
    graphql_sync,
    parse,
    validate,
)
from sourcegraph_kit import Sent, extension, on_a_file, sent

from simulator.client.sourcegraph_extension import FileFact

pytestmark = pytest.mark.slow

GRAPHQL_PINGS = {"sourcegraph_log_user_event", "sourcegraph_log_event", "sourcegraph_log_events"}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    sdl = files("simulator.pings.sourcegraph").joinpath("schema.graphql").read_text(encoding="utf-8")
    return build_schema(sdl)


@cache
def _operation(schema: GraphQLSchema, query: str) -> tuple[OperationDefinitionNode, list[GraphQLError]]:
    """The operation of a query and what is wrong with it, whatever its variables; queries repeat."""
    document = parse(query)
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation, validate(schema, document)


def _problems(schema: GraphQLSchema, body: dict[str, Any]) -> list[Any]:
    operation, errors = _operation(schema, body["query"])
    found: list[Any] = list(errors)
    values = get_variable_values(schema, operation.variable_definitions or (), body["variables"])
    return found + (values if isinstance(values, list) else [])


@pytest.mark.parametrize("client", ["wire", "later"])
def test_every_request_of_the_team_is_valid(
    schema: GraphQLSchema, team_pings: dict[str, list[Sent]], client: str
) -> None:
    bodies: dict[str, Sent] = {}
    for ping in team_pings[client]:
        if ping.ping in GRAPHQL_PINGS:
            bodies.setdefault(ping.text, ping)
    # Bodies of the extension repeat; those of the web application are each their own, so a share of them will do.
    repeated = [ping for ping in bodies.values() if ping.ping != "sourcegraph_log_events"]
    windows = [ping for ping in bodies.values() if ping.ping == "sourcegraph_log_events"][::40]
    assert len(repeated) > 100
    assert len(windows) > 100
    for ping in (*repeated, *windows):
        assert _problems(schema, ping.body) == []


@pytest.mark.parametrize(("client", "operations"), [("wire", 3), ("later", 2)])
def test_an_operation_always_has_the_same_text_and_its_name_is_the_query_string(
    team_pings: dict[str, list[Sent]], client: str, operations: int
) -> None:
    texts = {
        (ping.ping, ping.kind.address.path(""), ping.body["query"])
        for ping in team_pings[client][::7]
        if ping.ping in GRAPHQL_PINGS
    }
    assert len(texts) == operations
    for _, path, query in texts:
        (operation,) = parse(query).definitions
        assert isinstance(operation, OperationDefinitionNode)
        assert operation.name is not None
        assert path == f"/.api/graphql?{operation.name.value}"


def test_the_server_would_answer_with_null(schema: GraphQLSchema) -> None:
    sender, outbox = extension("wire")
    on_a_file(sender, FileFact.HOVER)
    answers = [
        graphql_sync(
            schema,
            ping.body["query"],
            variable_values=ping.body["variables"],
            field_resolver=lambda _source, _info, /, **_arguments: None,  # as the real resolvers do
        )
        for ping in sent(outbox)
    ]
    assert [(answer.data, answer.errors) for answer in answers] == [
        ({"logUserEvent": None}, None),
        ({"logEvent": None}, None),
    ]


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("source", "ELSEWHERE"),
        ("url", None),
        ("argument", {"platform": "chrome-extension"}),
    ],
)
def test_the_schema_refuses_what_the_server_refuses(schema: GraphQLSchema, change: str, value: Any) -> None:
    sender, outbox = extension("wire")
    on_a_file(sender, FileFact.HOVER)
    body = sent(outbox)[1].body
    assert _problems(schema, body) == []
    body["variables"][change] = value
    assert _problems(schema, body)


def test_platform_is_no_argument_of_its_own(schema: GraphQLSchema) -> None:
    sender, outbox = extension("wire")
    on_a_file(sender, FileFact.HOVER)
    body = sent(outbox)[1].body
    body["query"] = body["query"].replace("argument: $argument", 'argument: $argument platform: "x"')
    assert any("platform" in str(problem) for problem in _problems(schema, body))
