"""A corpus or a file of records, checked record by record. Damage is named by its record where it can be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from simulator.catalogue import Schemas, load_schemas
from simulator.check.index import IndexRules, index_rows
from simulator.check.record import RecordRules
from simulator.check.recount import Recount
from simulator.corpus import Corpus, Part, open_corpus
from simulator.corpus.writer import META_FILE
from simulator.errors import Finding, InputError
from simulator.records import Dialect, Ping

_DECODER = msgspec.json.Decoder(Ping)
#: What the decoder raises: for other JSON or none, for bytes that are no UTF-8, for what is nested too deeply.
_NOT_A_RECORD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_AGAIN = "generate the corpus again"


@dataclass(slots=True)
class Checked:
    """How many records were looked at, and what was found in them."""

    checked: int = 0
    findings: list[Finding] = field(default_factory=list)


def check_corpus(path: Path, *, schemas: Path | None = None) -> Checked:
    """Check every record of a corpus: contract, order, index, digest, payload; and that `corpus.json` is theirs.

    Args:
        path: the corpus directory.
        schemas: somebody else's schemas instead of the dialect's own.

    Raises:
        CorpusError: the corpus cannot be opened at all.
        InputError: the schemas cannot be read.
    """
    corpus = open_corpus(path)
    rules = RecordRules(_schemas(schemas, corpus.meta.dialect), own_schemas=schemas is None)
    result = Checked()
    recount = Recount()
    hasher = hashlib.sha256()
    intact = True
    for number, part in enumerate(corpus.parts):
        # The digest runs on, so it tells of the first damaged part only; records of later parts are checked still.
        damaged_here = intact and not _digest_holds(corpus, number, hasher)
        before = len(result.findings)
        _check_part(part, corpus, rules, recount, result)
        if damaged_here:
            intact = False
            result.findings.append(_damage(corpus, number, found_records=len(result.findings) > before))
    result.findings += recount.findings(corpus)
    if intact:
        # First, for a wrong dialect there makes a finding of every record.
        result.findings[:0] = _about_the_description(corpus, hasher.hexdigest())
    return result


def check_ndjson(path: Path, *, schemas: Path | None, dialect: Dialect) -> Checked:
    """Check a file of records, one a line. There is no index and no digest to compare.

    Raises:
        InputError: the file or the schemas cannot be read.
    """
    rules = RecordRules(_schemas(schemas, dialect), own_schemas=schemas is None)
    result = Checked()
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                result.checked += 1
                where = f"{path}:{number}"
                try:
                    ping = _DECODER.decode(line)
                except _NOT_A_RECORD as error:
                    result.findings.append(Finding(where, f"not a record: {error}"))
                    continue
                result.findings += rules.findings(ping, where)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return result


def _schemas(directory: Path | None, dialect: Dialect) -> Schemas:
    return load_schemas(dialect if directory is None else directory)


def _digest_holds(corpus: Corpus, number: int, hasher: hashlib._Hash) -> bool:
    hasher.update(corpus.parts[number].lines)
    return hasher.hexdigest() == corpus.meta.parts[number].sha256_so_far


def _about_the_description(corpus: Corpus, digest: str) -> Iterator[Finding]:
    """Where `corpus.json` says something else of records that are intact."""
    from simulator.check.rebuild import belongs_to_its_scenario

    file, meta = corpus.path / META_FILE, corpus.meta
    if meta.sha256 != digest:
        yield Finding(
            f"{file}: sha256",
            f"the records have the digest {digest}",
            "corpus.json was changed; generate the corpus again",
        )
    if not belongs_to_its_scenario(corpus):
        yield Finding(
            f"{file}: seed",
            f"the scenario in it, seed {meta.seed} and the {meta.dialect} dialect give other records than these",
            "corpus.json was changed, or an unreleased telsim made the corpus; generate it again",
        )


def _check_part(part: Part, corpus: Corpus, rules: RecordRules, recount: Recount, result: Checked) -> None:
    previous = (-1, -1)
    index = IndexRules(corpus, part)
    for number, row in enumerate(index_rows(part), 1):
        result.checked += 1
        where = f"{part.path}:{number}"
        line, wrong = index.line(row)
        try:
            ping = _DECODER.decode(line)
        except _NOT_A_RECORD as error:
            result.findings.append(_unreadable(where, wrong, error))
            continue
        wrong += index.wrong_columns(row, line, ping)
        if wrong:
            result.findings.append(_index_finding(where, wrong))
        key = (ping.due_ms, ping.client)
        if key < previous:
            result.findings.append(
                Finding(where, f"out of order: {key} comes after {previous} (due_ms, client)")
            )
        previous = key
        recount.add(ping)
        result.findings += rules.findings(ping, where)
    if left := index.unindexed_bytes():
        what = f"the index beside the part ends {left:,} bytes before the part does"
        result.findings.append(Finding(str(part.path), what, _AGAIN))


def _unreadable(where: str, wrong: list[str], error: Exception) -> Finding:
    if not wrong:
        return Finding(where, f"not a record: {error}")
    what = f"not a record where the index beside the part says that one is ({', '.join(wrong)}): {error}"
    return Finding(where, what, _AGAIN)


def _index_finding(where: str, wrong: list[str]) -> Finding:
    what = f"the index beside the part disagrees with the record: {', '.join(wrong)}"
    return Finding(where, what, _AGAIN)


def _damage(corpus: Corpus, number: int, *, found_records: bool) -> Finding:
    """Say which record of a damaged part is not what it was: by making the part again from scenario and seed."""
    from simulator.check.rebuild import first_difference

    part = corpus.parts[number]
    if found_records:
        return Finding(
            str(part.path), "the digest differs; see the findings above", "generate the corpus again"
        )
    different = first_difference(corpus, number)
    if different is None:
        return Finding(str(part.path), "the digest differs from corpus.json", "generate the corpus again")
    return Finding(
        f"{part.path}:{different + 1}",
        f"this record (id {part.index[different]['id'].decode()}) is not what scenario and seed give",
        "the file was changed or damaged; generate the corpus again",
    )
