"""NDJSON, and one JSON file a ping with readable names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec
import orjson

from simulator.records import VALID, Ping

INDEX_FILE = "index.json"
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def write_ndjson(pings: Iterable[Ping], directory: Path) -> None:
    """`pings.ndjson`: one record a line, which `telsim check` reads."""
    encode = msgspec.json.Encoder().encode
    with open(directory / "pings.ndjson", "wb") as file:
        for ping in pings:
            file.write(encode(ping) + b"\n")


def write_json(pings: Iterable[Ping], directory: Path) -> None:
    """One laid-out payload a file, and `index.json`, which says of each how it travels and what it is."""
    names = FileNames()
    with open(directory / INDEX_FILE, "wb") as index:
        before = b"["
        for ping in pings:
            payload = ping.payload()
            laid_out = _laid_out(payload)
            name = names.of(ping, "bin" if laid_out is None else "json")
            (directory / name).write_bytes(payload if laid_out is None else laid_out)
            index.write(before + b"\n  " + msgspec.json.encode({"file": name, **_envelope(ping)}))
            before = b","
        index.write(b"\n]\n")


class FileNames:
    """Names such as `topsite_click-0001.json` and `topsite_click-missing_required-0001.json`."""

    def __init__(self) -> None:
        self._counts = Counter[str]()

    def of(self, ping: Ping, suffix: str) -> str:
        """The next name for a ping of this type and label."""
        parts = (ping.ping,) if ping.label == VALID else (ping.ping, ping.label)
        group = "-".join(_UNSAFE.sub("_", part) for part in parts)
        self._counts[group] += 1
        return f"{group}-{self._counts[group]:04d}.{suffix}"


def _laid_out(payload: bytes) -> bytes | None:
    """The payload as JSON for a reader; None where it is none, or is nested too deeply for a parser to follow."""
    try:
        # The formatter does not look at the bytes of a text, and how deep it goes is the interpreter's affair.
        orjson.loads(payload)
        return msgspec.json.format(payload, indent=2) + b"\n"
    except (orjson.JSONDecodeError, msgspec.DecodeError, RecursionError):
        return None


def _envelope(ping: Ping) -> dict[str, object]:
    fields = msgspec.structs.asdict(ping)
    return {name: value for name, value in fields.items() if name not in {"body", "body_b64"}}
