"""Entries of a ledger in the forms in which people have them: lines of ids, JSON, rows of a query.

What cannot be read is refused, with its place: a store whose ids nobody understood looks like one that lost them all.
"""

from __future__ import annotations

import codecs
import re
import sqlite3
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from simulator.errors import InputError, UsageError

#: An id, and how many copies of it are stored.
Entry = tuple[str, int]

_ID_FIELDS = ("id", "document_id", "documentId", "doc_id", "docid", "uuid", "_id")
_ID_LENGTH = 36
_ID_BYTES = 16
_ID = re.compile(
    r"(?:urn:uuid:)?\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?"
)
_NEXT_COLUMN = re.compile(r"[,;\t]")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def canonical(name: str) -> str:
    """An id as telsim writes it, in lower case with dashes; what is none stays what it is."""
    lower = name.strip().lower()
    if len(lower) == _ID_LENGTH:
        return lower
    found = _ID.fullmatch(lower)
    return "-".join(found.groups()) if found else lower


def file_entries(path: Path) -> Iterator[Entry]:
    """The entries of a file: one or several a line, or one JSON array over all lines.

    Raises:
        InputError: a line is no entry; the message names it.
    """
    with path.open("rb") as file:
        first = file.readline().removeprefix(codecs.BOM_UTF8)
        if first.startswith(_UTF_16):
            raise InputError(f"{path} is in UTF-16; a ledger is read as UTF-8")
        if _goes_on(first):
            yield from entries_of(_json(first + file.read(), str(path)), str(path))
            return
        for number, line in enumerate(chain((first,), file), start=1):
            if text := line.strip():
                yield from line_entries(text, f"{path}:{number}")


def line_entries(line: bytes, where: str) -> list[Entry]:
    """The entries of a line that is not empty: an id (further columns of a CSV file are not looked at), or JSON.

    Raises:
        InputError: it is neither; the message begins with `where`.
    """
    if line[:1] in b'{["':
        try:
            return entries_of(msgspec.json.decode(line), where)
        except msgspec.DecodeError as error:
            name = _first_column(line, where)  # "id",1 and {id} begin like JSON
            if _ID.fullmatch(name.lower()) is None:
                raise _no_entry(where, error) from error
            return [(name, 1)]
    return [(_first_column(line, where), 1)]


def entries_of(value: Any, where: str) -> list[Entry]:
    """The entries of a JSON value: an id, an object that holds one, or an array of those.

    Raises:
        InputError: it is none of them; the message begins with `where`.
    """
    if isinstance(value, list):
        return [_entry(item, f"{where}, item {number}") for number, item in enumerate(value, start=1)]
    return [_entry(value, where)]


def _entry(value: Any, where: str) -> Entry:
    if isinstance(value, str):
        return value, 1
    if not isinstance(value, dict):
        raise InputError(f"{where}: neither an id nor an object that holds one")
    name = next((value[field] for field in _ID_FIELDS if isinstance(value.get(field), str)), None)
    if name is None:
        raise InputError(f"{where}: no id; one of the keys {', '.join(_ID_FIELDS)} must hold it")
    # Other stores have words of their own for what they keep; only telsim's ledger lists what it refused.
    return name, int(value.get("state") != "rejected")


def _goes_on(first: bytes) -> bool:
    """Whether a file's first line begins a JSON array that ends in a later one."""
    if not first.lstrip().startswith(b"["):
        return False
    try:
        msgspec.json.decode(first)
    except msgspec.DecodeError:
        return True
    return False


def _json(text: bytes, where: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise _no_entry(where, error) from error


def _no_entry(where: str, error: Exception) -> InputError:
    return InputError(f"{where}: neither an id nor JSON: {error}")


def _first_column(line: bytes, where: str) -> str:
    try:
        name = _NEXT_COLUMN.split(line.decode(), maxsplit=1)[0].strip().strip('"')
    except UnicodeDecodeError as error:
        raise _no_entry(where, error) from error
    if not name.isprintable() or not name:
        raise InputError(f"{where}: neither an id nor JSON")
    return name


def sql_entries(url: str) -> Iterator[Entry]:
    """The rows of `sqlite:///FILE?query=SELECT...`: an id, and how many copies of it there are (else one).

    All that follows `query=` is the query, `&` and `+` too; only %XX is decoded.

    Raises:
        UsageError: the URL names no database file, or no query.
        InputError: the query fails, or a row is no entry.
    """
    name, _, rest = url.removeprefix("sqlite://").removeprefix("/").partition("?")
    path = Path(unquote(name))
    query = unquote(
        rest.removeprefix("query=") if rest.startswith("query=") else rest.partition("&query=")[2]
    )
    if not query:
        raise UsageError("write the ledger as sqlite:///path/to.db?query=SELECT id FROM ...")
    if not path.is_file():
        raise UsageError(f"ledger: there is no database file {path}")
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            for number, row in enumerate(connection.execute(query), start=1):
                yield _row_entry(row, f"ledger: row {number} of the query on {path}")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise InputError(f"ledger: the query on {path} failed: {error}") from error


def _row_entry(row: tuple[Any, ...], where: str) -> Entry:
    name, copies = row[0], row[1] if len(row) > 1 else 1
    if isinstance(name, bytes):
        name = name.hex() if len(name) == _ID_BYTES else name.decode("latin-1")
    if not isinstance(name, str):
        raise InputError(f"{where}: its first column must be an id, as text or 16 bytes, not {_sql(name)}")
    try:
        return name, int(copies)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{where}: its second column must say how many copies are stored, a whole number, not {_sql(copies)}"
        ) from error


def _sql(value: Any) -> str:
    return "NULL" if value is None else repr(value)
