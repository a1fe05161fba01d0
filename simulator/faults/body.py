"""Faults in the body: its bytes are not a JSON document that an endpoint can take."""

from __future__ import annotations

import json

from simulator.faults.fault import Broken, Subject

#: One byte more than the real edge's front takes (about 8 MiB), and than our endpoint's default.
OVERSIZED_BYTES = 8 * 1024 * 1024 + 1
_LEVELS = 2_000


def oversized_body(subject: Subject) -> Broken | None:
    """More than 8 MiB: white space behind the opening brace. Rare by default, for each one weighs what it says."""
    if not subject.text.startswith("{"):
        return None
    padding = OVERSIZED_BYTES - len(subject.text)
    return Broken(text="{" + " " * padding + subject.text[1:])


def truncated_json(subject: Subject) -> Broken | None:
    """The end is missing, as after a write that was cut short."""
    data = subject.text.encode()
    return Broken(data=data[: 1 + int(subject.draws[0] * (len(data) - 1))])


def invalid_utf8(subject: Subject) -> Broken | None:
    """Bytes that are no UTF-8 inside a string: Latin-1, or half a character."""
    place = subject.text.find('"') + 1
    if not place:
        return None
    bad = (b"\xe9", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80")[int(subject.draws[0] * 4)]
    data = subject.text.encode()
    return Broken(data=data[:place] + bad + data[place:])


def nul_bytes(subject: Subject) -> Broken | None:
    """A NUL byte somewhere inside, as from a buffer that was too long."""
    data = subject.text.encode()
    place = 1 + int(subject.draws[0] * (len(data) - 1))
    return Broken(data=data[:place] + b"\0" + data[place:])


def duplicate_keys(subject: Subject) -> Broken | None:
    """One key twice with different values: each parser would keep the one it likes (RFC 8259 section 4)."""
    if not isinstance(subject.document, dict) or not subject.document:
        return None
    key = next(iter(subject.document))
    return Broken(text="{" + json.dumps(key) + ":null," + subject.text[1:])


def deep_nesting(subject: Subject) -> Broken | None:
    """Two thousand arrays inside one another: what exhausts the stack of a careless parser."""
    if not subject.text.startswith("{"):
        return None
    deep = b"[" * _LEVELS + b"]" * _LEVELS
    comma = b"," if subject.document else b""
    return Broken(data=b'{"telsim":' + deep + comma + subject.text[1:].encode())


def empty_body(subject: Subject) -> Broken | None:
    """Nothing at all."""
    del subject
    return Broken(data=b"")
