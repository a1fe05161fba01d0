"""What a corpus says about its records, beside them and in corpus.json, is held against the records."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from simulator.check import check_corpus, check_ndjson
from simulator.corpus import write_corpus
from simulator.records import INDEX_DTYPE, Ping

ROW = 5
PART = "pings-00000.ndjson"


def change_index(corpus: Path, column: str, change: Callable[[Any], Any], row: int = ROW) -> None:
    path = corpus / "pings-00000.index.npy"
    index = np.load(path).copy()
    index[column][row] = change(index[column][row])
    np.save(path, index)


def change_meta(corpus: Path, key: str, change: Callable[[Any], Any]) -> None:
    path = corpus / "corpus.json"
    meta = json.loads(path.read_text())
    meta[key] = change(meta[key])
    path.write_text(json.dumps(meta))


def test_what_nobody_touched_has_no_findings(corpus: Path) -> None:
    result = check_corpus(corpus)
    assert (result.checked, result.findings) == (8, [])


@pytest.mark.parametrize("column", INDEX_DTYPE.names)
@pytest.mark.parametrize("by", [1, -1])
def test_every_column_of_the_index_is_held_against_its_record(corpus: Path, column: str, by: int) -> None:
    other = (lambda id_: id_[::-1]) if column == "id" else (lambda value: abs(int(value) + by))
    change_index(corpus, column, other)
    found = check_corpus(corpus).findings
    assert [finding.where for finding in found] == [f"{corpus / PART}:{ROW + 1}"]
    assert "the index beside the part" in found[0].what
    assert column in found[0].what
    assert "generate the corpus again" in found[0].hint


@pytest.mark.parametrize("column", ["ping", "label", "expect"])
def test_a_number_that_names_nothing_is_a_finding(corpus: Path, column: str) -> None:
    change_index(corpus, column, lambda _: 200)
    assert [column in finding.what for finding in check_corpus(corpus).findings] == [True]


@pytest.mark.parametrize("column", ["body_offset", "headers_length", "path_length", "length", "offset"])
def test_a_place_beyond_the_file_is_a_finding(corpus: Path, column: str) -> None:
    change_index(corpus, column, lambda _: 2**31)
    found = check_corpus(corpus).findings
    assert [finding.where for finding in found] == [f"{corpus / PART}:{ROW + 1}"]


def test_an_index_that_ends_before_its_part_is_a_finding(corpus: Path) -> None:
    text = (corpus / PART).read_bytes()
    (corpus / PART).write_bytes(text + text.splitlines(keepends=True)[-1])
    change_meta(corpus, "parts", lambda parts: [{**parts[0], "bytes": (corpus / PART).stat().st_size}])
    assert any("bytes before the part does" in finding.what for finding in check_corpus(corpus).findings)


@pytest.mark.parametrize(
    ("key", "change", "told"),
    [
        ("pings", lambda pings: {**pings, "newtab_session": 1}, "pings.newtab_session: it says 1, .* 3"),
        ("pings", lambda pings: {**pings, "foo": 2}, "pings.foo: it says 2, .* 0"),
        ("labels", lambda labels: {**labels, "missing_required": 0}, "labels.missing_required: .* 1"),
        ("products", lambda _: {"firefox": 8}, "products.sourcegraph: it says 0, .* 2"),
        ("first_due_ms", lambda due_ms: due_ms - 1, "first_due_ms"),
        ("last_due_ms", lambda due_ms: due_ms + 1, "last_due_ms"),
        ("bytes", lambda size: size + 1, "bytes"),
    ],
)
def test_every_count_is_counted_again(
    corpus: Path, key: str, change: Callable[[Any], Any], told: str
) -> None:
    change_meta(corpus, key, change)
    found = [str(finding) for finding in check_corpus(corpus).findings]
    assert any(re.search(f"corpus.json: {told}", finding) for finding in found), found
    assert all(f"corpus.json: {key}" in finding for finding in found)


@pytest.mark.parametrize("line", [b"\xff\xfe", b'{"body":' + b"[" * 5_000 + b"]" * 5_000 + b"}"])
def test_a_line_that_no_decoder_takes_is_a_finding(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "odd.ndjson").write_bytes(line + b"\n")
    found = check_ndjson(tmp_path / "odd.ndjson", schemas=None, dialect="wire").findings
    assert ["not a record" in finding.what for finding in found] == [True]


def test_records_that_are_not_in_the_order_of_time_are_findings(corpus: Path) -> None:
    part, index_file = corpus / "pings-00000.ndjson", corpus / "pings-00000.index.npy"
    lines, index = part.read_bytes().splitlines(keepends=True), np.load(index_file)
    swapped = [0, 1, 3, 2, *range(4, len(lines))]
    part.write_bytes(b"".join(lines[row] for row in swapped))
    index = index[swapped]
    index["offset"] = np.cumsum(index["length"]) - index["length"]
    np.save(index_file, index)
    found = [finding for finding in check_corpus(corpus).findings if "out of order" in finding.what]
    assert [finding.where for finding in found] == [f"{part}:4"]


def test_records_of_one_moment_may_stand_in_any_order(tmp_path: Path, make: Callable[..., Ping]) -> None:
    first = make("topsite_click", 0)
    pings = [
        msgspec.structs.replace(make("topsite_click", number), client=first.client, due_ms=first.due_ms)
        for number in range(3)
    ]
    write_corpus(tmp_path / "c", pings, dialect="wire")
    assert check_corpus(tmp_path / "c").findings == []
