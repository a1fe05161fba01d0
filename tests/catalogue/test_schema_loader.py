"""The loader: shipped dialects, other people's directories, and what it says of files that are no schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.catalogue import CODES, Problem, UnknownRoute, example, load_schemas, ping_types
from simulator.errors import InputError

NAME = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}


def _write(root: Path, route: str, schema: object) -> Path:
    namespace, doctype, version = route.split("/")
    path = root / namespace / doctype / f"{doctype}.{version}.schema.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(schema if isinstance(schema, str) else json.dumps(schema), encoding="utf-8")
    return path


def test_any_directory_in_the_layout_can_be_used(tmp_path: Path) -> None:
    _write(tmp_path, "shop/order/1", {"$schema": "http://json-schema.org/draft-04/schema#", **NAME})
    _write(tmp_path, "shop/order/2", {**NAME, "additionalProperties": False})
    _write(tmp_path, "shop-two/cart.v/11", NAME)
    (tmp_path / "shop" / "order" / "notes.md").write_text("not a schema", encoding="utf-8")
    (tmp_path / "shop" / "order" / "basket.1.schema.json").write_text("not its own doctype", encoding="utf-8")
    schemas = load_schemas(tmp_path)
    assert schemas.routes == ("shop-two/cart.v/11", "shop/order/1", "shop/order/2")
    assert schemas.is_valid("shop/order/1", {"name": "x", "more": 1})
    assert schemas.check("shop/order/2", {"name": "x", "more": 1}) == (
        Problem("$.more", '"more" is not allowed here', "additional_property"),
    )


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a directory of schemas") as caught:
        load_schemas(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(caught.value)


def test_a_directory_without_schemas_is_named_with_the_layout(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    with pytest.raises(InputError, match="no schemas in") as caught:
        load_schemas(tmp_path)
    assert "<namespace>/<doctype>" in str(caught.value.findings[0])


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ("{not json", "unexpected character"),
        ('["a list"]', "must be a JSON object"),
        ({"type": "nonsense"}, "nonsense"),
        ({"$ref": "https://schemas.example.com/elsewhere.json"}, "nothing is fetched"),
        ({"properties": {"a": {"pattern": "("}}}, "regex"),
    ],
)
def test_every_broken_file_is_named_at_once(tmp_path: Path, schema: object, why: str) -> None:
    good = _write(tmp_path, "shop/good/1", NAME)
    broken = {str(_write(tmp_path, f"shop/{name}/1", schema)) for name in ("bad", "worse")}
    with pytest.raises(InputError, match="2 broken schema files") as caught:
        load_schemas(tmp_path)
    assert {finding.where for finding in caught.value.findings} == broken
    assert str(good) not in broken
    assert all(why in finding.what for finding in caught.value.findings), caught.value.findings


def test_an_unknown_route_is_a_key_error_with_its_name() -> None:
    schemas = load_schemas("wire")
    for call in (schemas.is_valid, schemas.check, schemas.code):
        with pytest.raises(UnknownRoute, match="no schema for route shop/order/1") as caught:
            call("shop/order/1", {})
        assert isinstance(caught.value, KeyError)
        assert caught.value.route == "shop/order/1"


def test_all_shipped_schemas_compile() -> None:
    for dialect in ("documented", "wire"):
        load_schemas(dialect).compile_all()


def test_a_problem_says_where() -> None:
    document: dict[str, Any] = example("story_click_stats", "wire")
    document["tiles"][0]["id"] = "10000"
    del document["locale"]
    problems = load_schemas("wire").check("activity-stream/impression-stats/1", document)
    assert [(problem.path, problem.code) for problem in problems] == [
        ("$.tiles[0].id", "wrong_type"),
        ("$.locale", "missing_required"),
    ]
    assert problems[1].message == '"locale" is missing'


def test_a_ping_without_any_identifier_lacks_a_key_and_one_with_two_has_the_wrong_shape() -> None:
    schemas = load_schemas("wire")
    document = example("cfr_impression_release", "wire")
    both = {**document, "client_id": "26288a14-5cc4-d14f-ae0a-bb01ef45be9c"}
    assert "wrong_shape" in {problem.code for problem in schemas.check("messaging-system/cfr/1", both)}
    del document["impression_id"]
    assert schemas.code("messaging-system/cfr/1", document) == "missing_required"


def test_what_is_nested_beyond_reason_is_rejected_rather_than_raised() -> None:
    document = example("topsite_click", "wire")
    document["value"] = json.loads("[" * 900 + "]" * 900)
    schemas = load_schemas("wire")
    assert not schemas.is_valid("activity-stream/events/1", document)
    assert not schemas.are_valid("activity-stream/events/1", [document])
    assert schemas.code("activity-stream/events/1", document) == "wrong_shape"


#: Schemas whose meaning hangs on where they stand: on their draft, their identifier, their references.
OLD: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "id": "https://shop.example/order.json",
    "definitions": {"price": {"type": "number", "minimum": 3, "exclusiveMinimum": True}},
    "properties": {
        "a": {"$ref": "#/definitions/price"},
        "b": {"$ref": "https://shop.example/order.json#/definitions/price"},
    },
}
SEVENTH: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "$id": "https://shop.example/order.json",
    "definitions": {"price": {"$id": "#price", "type": "integer"}},
    "properties": {"a": {"$ref": "#price"}, "b": {"$ref": "#"}, "c": {"$ref": "#price", "maximum": 1}},
}
NEW: dict[str, Any] = {
    "$dynamicAnchor": "node",
    "type": "object",
    "properties": {"a": {"$dynamicRef": "#node"}, "b": {"prefixItems": [{"type": "integer"}]}},
    "unevaluatedProperties": False,
}
#: In draft 7 what stands beside a reference is passed over; where no draft is named, the newest counts.
UNNAMED: dict[str, Any] = {
    "definitions": {"price": {"type": "integer"}},
    "properties": {"c": {"$ref": "#/definitions/price", "maximum": 1}},
}
DOCUMENTS: list[Any] = [
    {"a": 3},
    {"a": 4},
    {"b": 3},
    {"b": 4},
    {"b": {"a": "x"}},
    {"c": 5},
    {"a": {"a": {}}},
    {"a": {"z": 1}},
    {"b": ["x"]},
    [],
    [{"a": 4}],
    "x",
    None,
]


@pytest.mark.parametrize("schema", [OLD, SEVENTH, NEW, UNNAMED, NAME], ids=range(5))
def test_documents_fit_together_exactly_if_each_fits_alone(tmp_path: Path, schema: dict[str, Any]) -> None:
    _write(tmp_path, "shop/order/1", schema)
    schemas = load_schemas(tmp_path)
    fits = [schemas.is_valid("shop/order/1", document) for document in DOCUMENTS]
    assert [schemas.are_valid("shop/order/1", [document]) for document in DOCUMENTS] == fits
    good = [document for document, one in zip(DOCUMENTS, fits, strict=True) if one]
    assert schemas.are_valid("shop/order/1", good)
    assert schemas.are_valid("shop/order/1", [])
    assert schemas.are_valid("shop/order/1", DOCUMENTS) == all(fits)


def test_what_fits_alone_fits_together_however_deep_it_is(tmp_path: Path) -> None:
    _write(tmp_path, "shop/order/1", {"properties": {"in": {"$ref": "#"}}})
    schemas = load_schemas(tmp_path)
    document: dict[str, Any] = {}
    for _ in range(1200):
        document = {"in": document}
        alone = schemas.is_valid("shop/order/1", document)
        assert schemas.are_valid("shop/order/1", [{}, document]) == alone


def test_one_fault_is_one_problem_even_where_two_rules_object() -> None:
    document = {**example("topsite_click", "wire"), "action_position": -5}
    problems = load_schemas("wire").check("activity-stream/events/1", document)
    assert [(problem.path, problem.code) for problem in problems] == [("$.action_position", "out_of_range")]


def test_a_message_stays_short_and_a_path_readable() -> None:
    document = {**example("glean_baseline_ping", "wire"), "a key": 1, "metrics": "x" * 10_000}
    problems = load_schemas("wire").check("glean/glean/1", document)
    assert [problem.path for problem in problems] == ["$.metrics", '$["a key"]']
    assert all(len(problem.message) <= 200 for problem in problems)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(ping=st.sampled_from(sorted(ping_types())), key=st.integers(0, 30), value=JSON, wire=st.booleans())
def test_all_answers_agree_whatever_is_put_into_a_ping(ping: str, key: int, value: Any, wire: bool) -> None:
    row = ping_types()[ping]
    dialect = row.dialects[-1 if wire else 0]
    document = example(ping, dialect)
    keys = list(document)
    document[keys[key % len(keys)]] = value
    schemas = load_schemas(dialect)
    route = row.routes[dialect]
    problems = schemas.check(route, document)
    assert schemas.is_valid(route, document) == (not problems)
    assert schemas.are_valid(route, [example(ping, dialect), document]) == (not problems)
    assert schemas.code(route, document) == (problems[0].code if problems else "ok")
    ranks = [CODES.index(problem.code) for problem in problems]
    assert ranks == sorted(ranks)
    assert len(set(problems)) == len(problems)
