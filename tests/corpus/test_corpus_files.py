import hashlib
import json
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.corpus import Kind, Kinds, PartWriter, open_corpus, write_corpus
from simulator.corpus.writer import CorpusWriter, corpus_parts
from simulator.engine import generate
from simulator.errors import CorpusError
from simulator.records import Ping
from simulator.scenario import load_scenario
from simulator.simulation import Plan
from simulator.wire import graphql, structured, telemetry


def ping(i: int, **changes: object) -> Ping:
    document_id = f"00000000-0000-4000-8000-{i:012d}"
    values = {
        "id": document_id,
        "due_ms": 1_700_000_000_000 + i,
        "client": i % 3,
        "ping": "topsite_click",
        "product": "firefox",
        "route": "activity-stream/events/1",
        "label": "valid",
        "expect": "accept",
        "method": "POST",
        "path": f"/submit/activity-stream/events/1/{document_id}",
        "body": b'{"event":"CLICK","n":%d}' % i,
    }
    values.update(changes)
    return Ping(**values)


def test_what_is_written_is_read_back_by_index_and_by_parsing(tmp_path: Path) -> None:
    odd = [
        ping(1),
        ping(2, headers={"Content-Type": "text/plain"}),
        ping(3, body=b"", body_b64="AAEC/w==", label="truncated_json", expect="reject"),
        ping(4, path="/.api/graphql?logEvent", ping="sourcegraph_log_event"),
        ping(5, client=123456, path="/submit/telemetry/00000000-0000-4000-8000-000000000005/event/x?v=4"),
    ]
    write_corpus(tmp_path / "c", odd)
    corpus = open_corpus(tmp_path / "c")
    assert len(corpus) == 5
    part = corpus.parts[0]
    for i, read in enumerate(corpus.pings()):
        raw = json.loads(part.line(i))
        assert read.id == odd[i].id == part.index[i]["id"].decode() == raw["id"]
        assert part.path_of(i).decode() == raw["path"] == odd[i].path
        assert part.body(i) == odd[i].payload() == read.payload()
        assert part.headers(i) == odd[i].headers == read.headers
        assert corpus.ping_names[part.index[i]["ping"]] == odd[i].ping
        assert corpus.label_names[part.index[i]["label"]] == odd[i].label
        assert int(part.index[i]["client"]) == odd[i].client


def test_digest_covers_every_byte_in_order(tmp_path: Path) -> None:
    meta = write_corpus(tmp_path / "c", [ping(i) for i in range(10)])
    assert meta.sha256 == hashlib.sha256((tmp_path / "c" / "pings-00000.ndjson").read_bytes()).hexdigest()


def test_a_corpus_of_several_parts_says_what_is_in_them(tmp_path: Path) -> None:
    scenario, text = load_scenario("smoke", overrides={"clients": 9, "cohort_clients": 4})
    generate(Plan(scenario, 5, "wire"), tmp_path / "c", scenario_text=text)
    corpus = open_corpus(tmp_path / "c")
    pings = list(corpus.pings())
    assert len(corpus.parts) == 3
    counted = {
        name: dict(Counter(getattr(one, name) for one in pings)) for name in ("ping", "label", "product")
    }
    assert (corpus.meta.pings, corpus.meta.labels, corpus.meta.products) == tuple(counted.values())
    due = [one.due_ms for one in pings]
    assert (corpus.meta.first_due_ms, corpus.meta.last_due_ms) == (min(due), max(due))
    # Rows are counted over all parts, and the digest goes on from part to part.
    assert [part.first_row + i for part in corpus.parts for i in range(len(part))] == list(range(len(pings)))
    so_far = hashlib.sha256()
    for part, told in zip(corpus.parts, corpus.meta.parts, strict=True):
        so_far.update(part.path.read_bytes())
        assert told.sha256_so_far == so_far.hexdigest()
        assert (told.bytes, told.records) == (part.path.stat().st_size, len(part))
    assert corpus.meta.sha256 == so_far.hexdigest()
    assert corpus.meta.bytes == sum(part.bytes for part in corpus.meta.parts)


@pytest.mark.slow
@given(
    dues=st.lists(st.integers(1_000_000, 1_000_100), max_size=60),
    cuts=st.lists(st.integers(1_000_000, 1_000_100), max_size=4),
)
def test_flushing_in_steps_changes_nothing(
    dues: list[int], cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    def write(steps: list[int]) -> bytes:
        directory = tmp_path_factory.mktemp("part")
        kinds = Kinds(["a", "b"], ["valid"])
        codes = [
            kinds.code(Kind("a", "p", "r/r/1", structured("r/r/1"))),
            kinds.code(Kind("b", "p", "g/g/1", graphql("x"))),
        ]
        writer = PartWriter(directory, 0, kinds=kinds, seed=1, clients=range(5, 9))
        rows = [(due, 5 + n % 4, codes[n % 2], f'{{"n":{n}}}', None) for n, due in enumerate(dues)]
        for cut in sorted(steps):
            # Whatever is due before the cut has been made by now, and some of what is due later as well.
            made = max((n for n, row in enumerate(rows) if row[0] < cut), default=-1) + 1
            writer.flush(rows[:made], cut)
            del rows[:made]
        writer.flush(rows)
        part = writer.finish()
        assert part.records == len(dues)
        return (directory / part.file).read_bytes()

    assert write([]) == write(cuts)


def test_late_rows_are_held_back_until_they_are_due(tmp_path: Path) -> None:
    kinds = Kinds(["a"], ["valid"])
    code = kinds.code(
        Kind("a", "p", "t/e/4", telemetry("event", version="95.0", channel="release", build_id="1"))
    )
    writer = PartWriter(tmp_path, 0, kinds=kinds, seed=1, clients=range(2))
    writer.flush([(5_000, 0, code, "{}", None), (1_000, 1, code, "{}", None)], 2_000)
    writer.flush([(3_000, 1, code, "{}", "11111111-1111-4111-8111-111111111111")], 4_000)
    part = writer.finish()
    lines = [json.loads(line) for line in (tmp_path / part.file).read_text().splitlines()]
    assert [line["due_ms"] for line in lines] == [1_000, 3_000, 5_000]
    assert (
        lines[1]["path"]
        == "/submit/telemetry/11111111-1111-4111-8111-111111111111/event/Firefox/95.0/release/1?v=4"
    )


def test_unfinished_corpus_is_not_a_corpus(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", [ping(1)])
    (tmp_path / "c" / "corpus.json").unlink()
    with pytest.raises(CorpusError, match="unfinished"):
        open_corpus(tmp_path / "c")


def test_truncated_part_is_named_with_its_first_missing_record(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", [ping(i) for i in range(4)])
    part = tmp_path / "c" / "pings-00000.ndjson"
    part.write_bytes(part.read_bytes()[:-10])
    with pytest.raises(CorpusError, match="record 4 of 4"):
        open_corpus(tmp_path / "c")


def test_writer_spares_what_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(CorpusError, match=r"thesis\.txt"):
        CorpusWriter(tmp_path)
    write_corpus(tmp_path / "c", [ping(1)])
    with pytest.raises(CorpusError, match="--force"):
        CorpusWriter(tmp_path / "c")
    assert len(open_corpus(tmp_path / "c")) == 1


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_no_corpus_says_how_to_make_one(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="telsim generate"):
        open_corpus(tmp_path / name)


@pytest.fixture
def few_open_files() -> Iterator[Callable[[int], None]]:
    """Sets this process's limit of open files; puts the old one back."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda soft: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_corpus_of_many_parts_raises_the_limit_of_open_files(
    tmp_path: Path, few_open_files: Callable[[int], None]
) -> None:
    count = 150
    kinds = Kinds(["a"], ["valid"])
    code = kinds.code(Kind("a", "p", "r/r/1", structured("r/r/1")))
    written = []
    with CorpusWriter(tmp_path / "c") as corpus:
        for number in range(count):
            part = PartWriter(tmp_path / "c", number, kinds=kinds, seed=1, clients=range(number, number + 1))
            part.flush([(1_700_000_000_000, number, code, "{}", None)])
            written.append(part.finish())
        digests = [f"{number:064x}" for number in range(count)]
        meta = write_corpus(tmp_path / "one", [ping(1)])
        corpus.commit(
            msgspec.structs.replace(
                meta, records=count, parts=corpus_parts(written, digests), sha256=digests[-1]
            )
        )
    few_open_files(200)
    opened = open_corpus(tmp_path / "c")
    assert [part.ping(0).client for part in opened.parts] == list(range(count))


def test_a_system_that_allows_too_few_open_files_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(tmp_path / "c", [ping(1)])
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 256))
    with pytest.raises(CorpusError, match=r"need 514 open files, and the system allows 256.*cohort_clients"):
        open_corpus(tmp_path / "c")
