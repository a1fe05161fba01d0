"""Pings into a directory of fixture files, whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from simulator.corpus import Corpus
from simulator.errors import InputError, UsageError
from simulator.export.curl import write_curl
from simulator.export.files import write_json, write_ndjson
from simulator.export.parquet import write_parquet
from simulator.export.select import Wanted, select
from simulator.export.sqlite import write_sqlite
from simulator.records import Ping

#: Writes pings into an empty directory.
Write = Callable[[Iterable[Ping], Path], None]

#: What each format is, by its name on the command line.
FORMATS: Mapping[str, Write] = {
    "ndjson": write_ndjson,
    "json": write_json,
    "parquet": write_parquet,
    "curl": write_curl,
    "sqlite": write_sqlite,
}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: how many pings, and the files' names below the directory, sorted."""

    pings: int
    files: list[str]


def export(corpus: Corpus, out: Path, format_: str, wanted: Wanted) -> Exported:
    """Write the wanted pings of a corpus as fixture files.

    Args:
        corpus: where they come from.
        out: a directory, new or empty. It is there whole when this returns, and as before when it raises.
        format_: one of `FORMATS`.
        wanted: which pings.

    Raises:
        UsageError: the directory holds something, no such format, nothing is wanted that is there, or an extra
            is not installed.
        InputError: the directory cannot be written.
    """
    if format_ not in FORMATS:
        raise UsageError(f"no format is called {format_!r}; there are {', '.join(FORMATS)}")
    counter = _Counter(select(corpus, wanted))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: is there already; give a new or an empty directory, nothing is overwritten")
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        FORMATS[format_](counter, partial)
        files = sorted(str(path.relative_to(partial)) for path in partial.rglob("*") if path.is_file())
        if not corpus.meta.records:
            raise UsageError(f"{corpus.path} holds no pings; simulate more clients or a longer time")
        if not counter.count:
            raise UsageError(
                f"no ping of {corpus.path} is wanted so; it has {_listed(corpus.meta.pings)}, "
                f"labelled {_listed(corpus.meta.labels)}"
            )
        partial.rename(out)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Exported(counter.count, files)


class _Counter:
    """Passes pings on and counts them."""

    def __init__(self, pings: Iterator[Ping]) -> None:
        self._pings = pings
        self.count = 0

    def __iter__(self) -> Iterator[Ping]:
        for ping in self._pings:
            self.count += 1
            yield ping


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in counts.items())
