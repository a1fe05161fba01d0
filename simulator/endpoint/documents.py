"""Parsed documents against their schemas, many of one route in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from simulator.endpoint.codes import OK
from simulator.endpoint.message import Decision, Validator

#: Documents that are validated in one go. One that is not valid costs so many a second look.
_TOGETHER = 20
#: Characters of a place that are told. It is made of keys, which clients may make up.
_LONGEST_PLACE = 200


def judge_documents(decisions: list[Decision], documents: list[Any], schemas: Validator) -> Mapping[int, str]:
    """Replace the decision of every document that does not fit its schema; a sentence about each, by position."""
    details: dict[int, str] = {}
    for route, positions in _alike(decisions):
        if len(positions) > 1 and schemas.are_valid(route, [documents[position] for position in positions]):
            continue
        for position in positions:
            one, document = decisions[position], documents[position]
            if not schemas.is_valid(route, document):
                code, details[position] = why(route, document, schemas)
                decisions[position] = Decision(one.id, code, route, one.payload)
    return details


def why(route: str, document: Any, schemas: Validator) -> tuple[str, str]:
    """The code by which a document that does not fit is rejected, and a sentence that names the place in it."""
    problem = schemas.check(route, document)[0]
    place = problem.path
    if len(place) > _LONGEST_PLACE:
        place = place[:_LONGEST_PLACE] + "…"
    return problem.code, f"the document does not fit its schema at {place}"


def _alike(decisions: list[Decision]) -> Iterator[tuple[str, list[int]]]:
    """Positions of the pings to validate, by route, `_TOGETHER` at most."""
    by_route: dict[str, list[int]] = defaultdict(list)
    for position, one in enumerate(decisions):
        if one.code == OK:
            by_route[one.route].append(position)
    for route, positions in by_route.items():
        for start in range(0, len(positions), _TOGETHER):
            yield route, positions[start : start + _TOGETHER]
