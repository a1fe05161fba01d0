"""Faults in the document: the payload is JSON, and one rule of its schema is broken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from simulator.faults.fault import Broken, Subject
from simulator.faults.published import forbids_two_identities
from simulator.faults.sites import GONE, Path, break_one, dump

_BRACED = re.compile(r"^\{[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}$")
_BARE = re.compile(r"^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$")
_UNKNOWN = "TELSIM_NO_SUCH_VALUE"
_LONG = "x" * 4_096
_FAR = 10**15
#: The two identities of which a ping of the CFR family carries one, and the document's placeholder for the other.
_IDENTITIES = ("client_id", "impression_id")
_PLACEHOLDER = "n/a"


def wrong_type(subject: Subject) -> Broken | None:
    """A value of another JSON type than the schema's: text for a number, a number for text, and so on."""

    def other(_: Path, value: Any) -> Iterator[Any]:
        if isinstance(value, bool):
            yield "yes"
        elif isinstance(value, int | float):
            yield str(value)
        elif isinstance(value, str):
            yield 17
        elif isinstance(value, dict):
            yield "an object"
        elif isinstance(value, list):
            yield {}

    return break_one(subject, other, "wrong_type")


def missing_required(subject: Subject) -> Broken | None:
    """A required key is not there."""

    def without(path: Path, _: Any) -> Iterator[Any]:
        if isinstance(path[-1], str):
            yield GONE

    return break_one(subject, without, "missing_required")


def unknown_enum(subject: Subject) -> Broken | None:
    """A value that is none of those listed."""

    def unlisted(_: Path, value: Any) -> Iterator[Any]:
        if isinstance(value, str):
            yield _UNKNOWN

    return break_one(subject, unlisted, "unknown_enum")


def missing_braces(subject: Subject) -> Broken | None:
    """A UUID that goes in braces, without them."""

    def bare(_: Path, value: Any) -> Iterator[Any]:
        if isinstance(value, str) and _BRACED.match(value):
            yield value[1:-1]

    return break_one(subject, bare, "pattern_mismatch")


def extra_braces(subject: Subject) -> Broken | None:
    """A bare UUID, in braces."""

    def braced(_: Path, value: Any) -> Iterator[Any]:
        if isinstance(value, str) and _BARE.match(value):
            yield "{" + value + "}"

    return break_one(subject, braced, "pattern_mismatch")


def both_identities(subject: Subject) -> Broken | None:
    """Client id and impression id in one ping: what the privacy rule of the messaging documents forbids."""
    document = subject.document
    if not _has_one_identity(document) or not forbids_two_identities(subject):
        return None
    # The document id's halves, swapped: another UUID, without another draw.
    other = subject.id[24:32] + subject.id[8:24] + subject.id[:8] + subject.id[32:]
    both = {
        "client_id": document["client_id"] if _is_set(document, "client_id") else other,
        "impression_id": document["impression_id"]
        if _is_set(document, "impression_id")
        else "{" + other + "}",
    }
    return _if_rejected(subject, {**document, **both})


def neither_identity(subject: Subject) -> Broken | None:
    """Neither client id nor impression id (the placeholder for both where the dialect prints placeholders)."""
    document = subject.document
    if not _has_one_identity(document):
        return None
    if all(name in document for name in _IDENTITIES):
        return _if_rejected(subject, {**document, **dict.fromkeys(_IDENTITIES, _PLACEHOLDER)})
    rest = {key: value for key, value in document.items() if key not in _IDENTITIES}
    return _if_rejected(subject, rest)


def oversized_string(subject: Subject) -> Broken | None:
    """Text of 4096 characters where the schema sets a limit; most structured schemas set none."""

    def long(_: Path, value: Any) -> Iterator[Any]:
        if isinstance(value, str):
            yield _LONG

    return break_one(subject, long, "wrong_length")


def out_of_range(subject: Subject) -> Broken | None:
    """A number below the least or above the greatest that the schema allows; published structured schemas set none."""

    def beyond(_: Path, value: Any) -> Iterator[Any]:
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield -_FAR
            yield _FAR

    return break_one(subject, beyond, "out_of_range")


def _has_one_identity(document: Any) -> bool:
    """Of the CFR family: exactly one of the two identities is set, and `message_id` is there."""
    return (
        isinstance(document, dict)
        and "message_id" in document
        and sum(_is_set(document, name) for name in _IDENTITIES) == 1
    )


def _is_set(document: dict[str, Any], name: str) -> bool:
    return bool(document.get(name, _PLACEHOLDER) != _PLACEHOLDER)


def _if_rejected(subject: Subject, document: Any) -> Broken | None:
    return None if subject.schemas.is_valid(subject.route, document) else Broken(text=dump(document))
