"""One record of the legacy event ping: [timestamp, category, method, object, value?, extra?].

Trailing absents are dropped: no value and no extra leave four items, an extra alone makes six with a null value.
Values and extra values above 80 UTF-8 bytes are cut on a code-point boundary (TelemetryEvent.cpp); whatever else
is too long would never have been registered.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator.pings.text import compact, quoted

LONGEST_VALUE_BYTES = 80


def cut(text: str, most_bytes: int) -> str:
    """The longest beginning of a text that fits into `most_bytes` bytes of UTF-8 and ends at a code point."""
    if len(text) * 4 <= most_bytes:
        return text
    octets = text.encode()
    return text if len(octets) <= most_bytes else octets[:most_bytes].decode(errors="ignore")


def event_fragment(
    category: str,
    method: str,
    object_: str,
    value: str | None = None,
    extra: Mapping[str, str] | None = None,
) -> str:
    """A record without its time: everything after `[timestamp,`, the closing bracket included.

    Args:
        category: such as `secure.proxy`.
        method: what happened.
        object_: to what.
        value: cut at 80 bytes.
        extra: values are cut at 80 bytes each; an empty one is left out.
    """
    head = f'"{category}","{method}","{object_}"'
    if extra:
        texts = {key: cut(text, LONGEST_VALUE_BYTES) for key, text in extra.items()}
        printed = "null" if value is None else quoted(cut(value, LONGEST_VALUE_BYTES))
        return f"{head},{printed},{compact(texts)}]"
    return f"{head}]" if value is None else f"{head},{quoted(cut(value, LONGEST_VALUE_BYTES))}]"
