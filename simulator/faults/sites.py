"""Places in a document, and the search for one where a change breaks exactly one rule of the schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from simulator.faults.fault import Broken, Subject
from simulator.faults.published import is_published

Path = tuple[str | int, ...]

#: What a fault puts in place of a value; nothing where the value gives it no hold.
Replacements = Callable[[Path, Any], Iterable[Any]]

#: Values that become of a key that is taken away.
GONE = object()

_MOST_SITES = 400
_DEEPEST = 6
#: Ids by which the ledger knows a ping; a fault elsewhere must leave them alone.
_LEDGER_KEYS = ("event_id",)


def sites(document: Any) -> Iterator[tuple[Path, Any]]:
    """Every place of a document with its value, outer before inner, in the document's order."""
    waiting: list[tuple[Path, Any]] = [((), document)]
    seen = 0
    while waiting and seen < _MOST_SITES:
        path, value = waiting.pop(0)
        if path:
            seen += 1
            yield path, value
        if len(path) >= _DEEPEST:
            continue
        if isinstance(value, dict):
            waiting += [((*path, key), inner) for key, inner in value.items() if key not in _LEDGER_KEYS]
        elif isinstance(value, list):
            waiting += [((*path, position), inner) for position, inner in enumerate(value)]


def changed(document: Any, path: Path, value: Any) -> Any:
    """A copy of a document with another value at one place, or without the key where the value is `GONE`."""
    if not path:
        return value
    copy: Any = dict(document) if isinstance(document, dict) else list(document)
    if len(path) == 1 and value is GONE:
        del copy[path[0]]
    else:
        copy[path[0]] = changed(document[path[0]], path[1:], value)
    return copy


def rotated(items: Sequence[Any], share: float) -> Iterator[Any]:
    """All items, beginning at the given share of them."""
    start = int(share * len(items))
    yield from items[start:]
    yield from items[:start]


def dump(document: Any) -> str:
    """A document as compact JSON text in ASCII, as corpora hold it."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def break_one(subject: Subject, replacements: Replacements, code: str) -> Broken | None:
    """Change one place so that every problem the schema then finds is of the one kind, and holds for a real pipeline.

    Args:
        subject: the ping; its first draw says where the search begins.
        replacements: candidates for a place.
        code: the rejection's short code.

    Returns:
        None where no place of this document is held by such a rule.
    """
    places = [site for site in sites(subject.document) if is_published(subject, site[0], code)]
    for path, value in rotated(places, subject.draws[0]):
        for candidate in replacements(path, value):
            document = changed(subject.document, path, candidate)
            problems = subject.schemas.check(subject.route, document)
            if problems and all(problem.code == code for problem in problems):
                return Broken(text=dump(document))
    return None
