"""What answers say about each ping."""

from __future__ import annotations

import json

import pytest

from simulator.target import load_target
from simulator.target.results import read_results


def read(target: str, status: int, body: object, pings: int = 3, kind: str | None = None) -> list[str]:
    chosen = load_target(target)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_results(chosen, kind or chosen.answers.results, status=status, body=raw, pings=pings).states


A, R, F, U = "accepted", "rejected", "failed", "unknown"


@pytest.mark.parametrize(
    ("target", "status", "body", "states"),
    [
        # telsim's own batch route names what was not accepted
        ("ndjson", 200, {"accepted": 3, "rejected": 0, "duplicates": 0, "results": []}, [A, A, A]),
        ("ndjson", 207, {"accepted": 1, "rejected": 1, "results": [[1, "missing"], [2, "duplicate"]]}, [A, R, A]),
        ("ndjson", 400, {"accepted": 0, "rejected": 3, "results": [[0, "x"], [1, "x"], [2, "x"]]}, [R, R, R]),
        ("ndjson", 400, b"bad request", [R, R, R]),
        ("ndjson", 413, b"", [R, R, R]),
        ("ndjson", 500, {"results": []}, [F, F, F]),
        ("ndjson", 503, b"", [F, F, F]),
        # part of it, but which part?
        ("ndjson", 207, b"not json", [U, U, U]),
        ("ndjson", 207, {"results": [[7, "x"]]}, [U, U, U]),
        # Elasticsearch answers each action; a conflict means that the id is there already
        (
            "elasticsearch-bulk", 200,
            {"errors": True, "items": [*({"create": {"status": status}} for status in (201, 409, 400))]},
            [A, A, R],
        ),
        ("elasticsearch-bulk", 200, {"items": [{"create": {"status": 429}}] * 3}, [F, F, F]),
        ("elasticsearch-bulk", 429, {"error": "busy"}, [F, F, F]),
        ("elasticsearch-bulk", 200, {"took": 3, "errors": False}, [A, A, A]),  # ?filter_path=took,errors
        # OTLP counts rejected records without naming them
        ("otlp-logs", 200, {}, [A, A, A]),
        ("otlp-logs", 200, b"", [A, A, A]),
        ("otlp-logs", 200, {"partialSuccess": {}}, [A, A, A]),
        ("otlp-logs", 200, {"partialSuccess": {"rejectedLogRecords": "1"}}, [U, U, U]),
        ("otlp-logs", 200, {"partialSuccess": {"rejectedLogRecords": "3"}}, [R, R, R]),
        ("otlp-logs", 400, {"message": "no"}, [R, R, R]),
        # Splunk names the first bad event; those before it were taken
        ("splunk-hec", 200, {"text": "Success", "code": 0}, [A, A, A]),
        ("splunk-hec", 400, {"text": "Invalid data format", "code": 6, "invalid-event-number": 1}, [A, R, U]),
        ("splunk-hec", 200, {"text": "No data", "code": 5}, [R, R, R]),
        ("splunk-hec", 400, {"code": 6, "invalid-event-number": 0}, [R, U, U]),
        ("splunk-hec", 400, {"code": 6, "invalid-event-number": 2}, [A, A, R]),
        *(("splunk-hec", 400, {"code": 6, "invalid-event-number": odd}, [R, R, R]) for odd in (3, -1, "1", None)),
        ("splunk-hec", 403, {"text": "Invalid token", "code": 4}, [F, F, F]),
        # those that say nothing about items
        ("segment-batch", 200, {"success": True}, [A, A, A]),
        ("clickhouse-jsoneachrow", 200, b"", [A, A, A]),
        ("clickhouse-jsoneachrow", 400, b"Code: 27. DB::Exception", [R, R, R]),
    ],
)  # fmt: skip
def test_states(target, status, body, states):
    assert read(target, status, body) == states


PAGE = b"<!doctype html><title>Log in</title>"


@pytest.mark.parametrize("body", [PAGE, b"ok", b'"ok"', b"[]", b"null", b"\x1f\x8b\x08\x00", None])
@pytest.mark.parametrize("target", ["elasticsearch-bulk", "otlp-logs", "splunk-hec"])
def test_an_answer_that_should_tell_of_each_ping_and_cannot_be_read_accepts_none(target, body):
    profile = load_target(target)
    found = read_results(profile, profile.answers.results, status=200, body=body, pings=3)
    assert found.states == [U, U, U]
    assert not found.again(profile)
    refused = read_results(profile, profile.answers.results, status=400, body=body, pings=3)
    assert refused.states == [R, R, R]  # that much the status says alone


@pytest.mark.parametrize(
    ("body", "state"),
    [
        *((body, A) for body in (b"", b"ok", b'{"ok": true}', b"[]", b"null")),
        *((body, U) for body in (PAGE, b"\n <html>", b'{"results": [[7, "x"]]}', None)),
    ],
)
@pytest.mark.parametrize("target", ["json-array", "ndjson"])
def test_endpoints_of_ones_own_leave_it_to_the_status_but_for_pages(target, body, state):
    profile = load_target(target)
    found = read_results(profile, profile.answers.results, status=200, body=body, pings=3)
    assert found.states == [state] * 3


@pytest.mark.parametrize(
    ("target", "status", "states"),
    [
        *[(target, status, [A]) for target in ("json-array", "ndjson") for status in (200, 202, 204)],
        ("json-array", 207, [U]),  # a part of one, and which?
        ("otlp-logs", 200, [A]),
        *[(target, 200, [U]) for target in ("elasticsearch-bulk", "splunk-hec")],
        *[(target, status, [A]) for target in ("segment-batch", "clickhouse-jsoneachrow") for status in (200, 204)],
    ],
)  # fmt: skip
def test_an_empty_answer_counts_where_endpoints_of_that_kind_may_say_nothing(target, status, states):
    assert read(target, status, b"", 1) == states


@pytest.mark.parametrize("body", [PAGE, b"", b"{}", b'{"message": "log in"}', None])
def test_a_graphql_answer_has_data_or_errors(body):
    found = read_results(load_target("sourcegraph"), "graphql", status=200, body=body, pings=1)
    assert found.states == [U]


def test_graphql_errors_come_with_status_200():
    assert read("sourcegraph", 200, {"data": {"logEvent": {"alwaysNil": None}}}, 1, kind="graphql") == [A]
    assert read("sourcegraph", 200, {"errors": [{"message": "no"}]}, 1, kind="graphql") == [R]


def test_only_items_that_the_target_names_are_to_be_sent_again():
    target = load_target("elasticsearch-bulk")
    statuses = [201, 429, 400, 503, 409, 500]
    body = json.dumps({"errors": True, "items": [{"create": {"status": status}} for status in statuses]})
    results = read_results(target, "elasticsearch", status=200, body=body.encode(), pings=6)
    assert results.states == [A, F, R, F, A, F]
    assert results.again(target) == [1, 3]
