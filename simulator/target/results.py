"""What an answer says about each ping of its request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import orjson

from simulator.target.profile import ResultsKind, Target

State = Literal["accepted", "rejected", "failed", "unknown"]
States = list[State]
Mark = int | str

_DUPLICATE_CODES = frozenset({"duplicate", "duplicate_id"})
_HTTP_CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Results:
    """What became of the pings of one answered request.

    Args:
        states: of each ping.
        marks: for pings that were not accepted, the status or code that the answer gives them, by position.
    """

    states: States
    marks: dict[int, Mark] = field(default_factory=dict)

    def again(self, target: Target) -> list[int]:
        """Positions of the pings that the target's clients send again."""
        return [position for position, mark in self.marks.items() if mark in target.retry.item_statuses]


def decided(target: Target, status: int) -> State:
    """What an answer's status alone says: accepted, rejected, or failed where it decides nothing."""
    if status in target.answers.accepted:
        return "accepted"
    if status in target.answers.rejected:
        return "rejected"
    return "failed"


def read_results(
    target: Target, kind: ResultsKind, *, status: int, body: bytes | None, pings: int
) -> Results:
    """What an answer says about each ping of its request.

    Args:
        target: endpoint profile.
        kind: how per-item results stand in the answer's body.
        status: HTTP status.
        body: of the answer, without its content coding (see `coding`); None: it could not be had.
        pings: how many pings the request held.

    Where a status says "in part" or "taken" and the body, which should tell of each ping, cannot be read (a login
    page, say), every ping is `unknown`.
    """
    overall: State = "unknown" if status in target.answers.partial else decided(target, status)
    if kind == "status" or overall == "failed":
        return Results([overall] * pings)
    found = _found(kind, body, pings)
    if found is not None and (overall != "rejected" or "rejected" in found.states):
        for position in found.again(target):
            found.states[position] = (
                "failed"  # nothing was decided about it, whatever its number means elsewhere
            )
        return found
    if overall == "accepted" and not _leaves_it_to_the_status(kind, body):
        overall = "unknown"
    return Results([overall] * pings)


def _leaves_it_to_the_status(kind: ResultsKind, body: bytes | None) -> bool:
    """Whether an answer that tells of no ping may mean that its status tells of all."""
    if kind == "otlp":
        return body == b""  # an answer of nothing but defaults has no bytes in protobuf
    # Endpoints of one's own that take batches as telsim does answer `OK`, {"ok": true} or nothing; not with a page.
    return kind == "telsim" and body is not None and not (body.lstrip()[:1] == b"<" or b'"results"' in body)


def _found(kind: ResultsKind, body: bytes | None, pings: int) -> Results | None:
    """What a body tells; None where it does not tell of each ping."""
    if not body:
        return None
    try:
        return _READERS[kind](orjson.loads(body), pings)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return None


def _telsim(answer: Any, pings: int) -> Results | None:
    # {"accepted": n, "rejected": n, "duplicates": n, "results": [[index, "code"], ...]}: only the not-ok ones.
    if not isinstance(answer, dict) or "results" not in answer:
        return None
    found = Results(["accepted"] * pings)
    for index, code in answer["results"]:
        if not 0 <= index < pings:
            return None
        if code not in _DUPLICATE_CODES:
            found.states[index] = "rejected"
            found.marks[index] = code
    return found


def _elasticsearch(answer: Any, pings: int) -> Results | None:
    # {"errors": true, "items": [{"create": {"status": 201}}, ...]}; 409 says that the id is there already.
    if not isinstance(answer, dict):
        return None
    if answer.get("errors") is False and "items" not in answer:  # asked for with ?filter_path=errors
        return Results(["accepted"] * pings)
    if len(answer.get("items", ())) != pings:
        return None
    found = Results([])
    for position, item in enumerate(answer["items"]):
        status = int(next(iter(item.values()))["status"])
        if status < 300 or status == _HTTP_CONFLICT:
            found.states.append("accepted")
        else:
            found.states.append("rejected" if status < 500 and status != 429 else "failed")
            found.marks[position] = status
    return found


def _otlp(answer: Any, pings: int) -> Results | None:
    # {"partialSuccess": {"rejectedLogRecords": "3"}} counts and does not name; a part cannot be told apart.
    rejected = int((answer.get("partialSuccess") or {}).get("rejectedLogRecords") or 0)
    if rejected == 0:
        return Results(["accepted"] * pings)
    return Results(["rejected" if rejected >= pings else "unknown"] * pings)


def _graphql(answer: Any, pings: int) -> Results | None:
    # Errors of execution come with status 200 and an `errors` array (GraphQL specification, section 7.1.2); an answer
    # has it, or `data`, or both.
    if not isinstance(answer, dict) or not answer.keys() & {"data", "errors"}:
        return None
    return Results(["rejected" if answer.get("errors") else "accepted"] * pings)


def _splunk(answer: Any, pings: int) -> Results | None:
    # {"text": "Invalid data format", "code": 6, "invalid-event-number": 2}: events before it were taken.
    if not isinstance(answer, dict) or "code" not in answer:
        return None
    if answer["code"] == 0:
        return Results(["accepted"] * pings)
    invalid = answer.get("invalid-event-number")
    if isinstance(invalid, int) and 0 <= invalid < pings:
        taken: States = ["accepted"] * invalid
        rest: States = ["unknown"] * (pings - invalid - 1)
        return Results([*taken, "rejected", *rest])
    return Results(["rejected"] * pings)


_READERS: Mapping[ResultsKind, Callable[[Any, int], Results | None]] = MappingProxyType(
    {
        "telsim": _telsim,
        "elasticsearch": _elasticsearch,
        "otlp": _otlp,
        "graphql": _graphql,
        "splunk": _splunk,
    }
)
