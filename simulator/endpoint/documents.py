"""Parsed documents against their schemas, many of one route in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from simulator.endpoint.codes import OK
from simulator.endpoint.message import Decision, Validator

#: Documents that are validated in one go. One that is not valid costs so many a second look.
_TOGETHER = 20


def judge_documents(decisions: list[Decision], documents: list[Any], schemas: Validator) -> None:
    """Replace the decision of every document that does not fit its schema."""
    for route, positions in _alike(decisions):
        if len(positions) > 1 and schemas.are_valid(route, [documents[position] for position in positions]):
            continue
        for position in positions:
            one, document = decisions[position], documents[position]
            if not schemas.is_valid(route, document):
                code = schemas.code(route, document)
                decisions[position] = Decision(one.id, code, route, one.payload)


def _alike(decisions: list[Decision]) -> Iterator[tuple[str, list[int]]]:
    """Positions of the pings to validate, by route, `_TOGETHER` at most."""
    by_route: dict[str, list[int]] = defaultdict(list)
    for position, one in enumerate(decisions):
        if one.code == OK:
            by_route[one.route].append(position)
    for route, positions in by_route.items():
        for start in range(0, len(positions), _TOGETHER):
            yield route, positions[start : start + _TOGETHER]
