"""What an answer says about each ping of its request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import orjson

from simulator.target.profile import ResultsKind, Target

State = Literal["accepted", "rejected", "failed", "unknown"]
States = list[State]

_DUPLICATE_CODES = frozenset({"duplicate", "duplicate_id"})
_HTTP_CONFLICT = 409


def decided(target: Target, status: int) -> State:
    """What an answer's status alone says: accepted, rejected, or failed where it decides nothing."""
    if status in target.answers.accepted:
        return "accepted"
    if status in target.answers.rejected:
        return "rejected"
    return "failed"


def read_results(target: Target, kind: ResultsKind, *, status: int, body: bytes, pings: int) -> States:
    """The state of each ping of one answered request.

    Args:
        target: endpoint profile.
        kind: how per-item results stand in the answer's body.
        status: HTTP status.
        body: of the answer, decompressed.
        pings: how many pings the request held.

    Where a status says "in part" and the body does not say which part, every ping is `unknown`.
    """
    overall = decided(target, status)
    partial = status in target.answers.partial
    if kind != "status" and (overall != "failed" or partial):
        try:
            found = _READERS[kind](orjson.loads(body) if body else None, pings)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            found = None
        if found is not None and overall != "rejected":
            return found
        if found is not None and any(state == "rejected" for state in found):
            return found
    return ["unknown" if partial else overall] * pings


def _telsim(answer: Any, pings: int) -> States | None:
    # {"accepted": n, "rejected": n, "duplicates": n, "results": [[index, "code"], ...]}: only the not-ok ones.
    if not isinstance(answer, dict) or "results" not in answer:
        return None
    states: States = ["accepted"] * pings
    for index, code in answer["results"]:
        if not 0 <= index < pings:
            return None
        if code not in _DUPLICATE_CODES:
            states[index] = "rejected"
    return states


def _elasticsearch(answer: Any, pings: int) -> States | None:
    # {"errors": true, "items": [{"create": {"status": 201}}, ...]}; 409 says that the id is there already.
    if not isinstance(answer, dict) or len(answer.get("items", ())) != pings:
        return None
    states: States = []
    for item in answer["items"]:
        status = int(next(iter(item.values()))["status"])
        if status < 300 or status == _HTTP_CONFLICT:
            states.append("accepted")
        else:
            states.append("rejected" if status < 500 and status != 429 else "failed")
    return states


def _otlp(answer: Any, pings: int) -> States | None:
    # {"partialSuccess": {"rejectedLogRecords": "3"}} counts and does not name; a part cannot be told apart.
    if answer is None:
        return ["accepted"] * pings
    rejected = int((answer.get("partialSuccess") or {}).get("rejectedLogRecords") or 0)
    if rejected == 0:
        return ["accepted"] * pings
    return ["rejected" if rejected >= pings else "unknown"] * pings


def _graphql(answer: Any, pings: int) -> States | None:
    # Errors of execution come with status 200 and an `errors` array (GraphQL specification, section 7.1.2).
    if not isinstance(answer, dict):
        return None
    return ["rejected" if answer.get("errors") else "accepted"] * pings


def _splunk(answer: Any, pings: int) -> States | None:
    # {"text": "Invalid data format", "code": 6, "invalid-event-number": 2}: events before it were taken.
    if not isinstance(answer, dict) or "code" not in answer:
        return None
    if answer["code"] == 0:
        return ["accepted"] * pings
    invalid = answer.get("invalid-event-number")
    if isinstance(invalid, int) and 0 <= invalid < pings:
        taken: States = ["accepted"] * invalid
        return [*taken, "rejected", *["unknown"] * (pings - invalid - 1)]  # type: ignore[list-item]
    return ["rejected"] * pings


_READERS: Mapping[ResultsKind, Callable[[Any, int], States | None]] = MappingProxyType(
    {
        "telsim": _telsim,
        "elasticsearch": _elasticsearch,
        "otlp": _otlp,
        "graphql": _graphql,
        "splunk": _splunk,
    }
)
