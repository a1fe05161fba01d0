"""Every format gives back what was put in, and a directory is written whole or not at all."""

import json
import shutil
import socket
import sqlite3
import subprocess
import sys

import msgspec
import pytest

import simulator
from simulator.check import check_ndjson
from simulator.corpus import open_corpus, write_corpus
from simulator.endpoint.stored import read_pings
from simulator.errors import InputError, UsageError
from simulator.export import FORMATS, Wanted, export
from simulator.fixtures.endpoint import Endpoint
from simulator.records import Ping


def test_ndjson_is_records(corpus, pings, tmp_path) -> None:
    written = export(corpus, tmp_path / "out", "ndjson", Wanted())
    assert (written.pings, written.files) == (len(pings), ["pings.ndjson"])
    lines = (tmp_path / "out" / "pings.ndjson").read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=Ping) for line in lines] == pings
    checked = check_ndjson(tmp_path / "out" / "pings.ndjson", schemas=None, dialect="documented")
    assert (checked.checked, checked.findings) == (len(pings), [])


def test_json_files_have_readable_names_and_an_index(corpus, pings, tmp_path) -> None:
    written = export(corpus, tmp_path / "out", "json", Wanted())
    assert {
        "topsite_click-0001.json",
        "topsite_click-0004.json",
        "topsite_click-missing_required-0001.json",
    } <= set(written.files)
    assert "topsite_click-truncated_json-0001.bin" in written.files
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert [row["id"] for row in index] == [ping.id for ping in pings]
    for row, ping in zip(index, pings, strict=True):
        data = (tmp_path / "out" / row["file"]).read_bytes()
        if row["file"].endswith(".json"):
            assert json.loads(data) == ping.json()
            assert data.startswith(b"{\n  ")
        else:
            assert data == ping.payload()
        assert (row["method"], row["path"], row["label"], row["headers"]) == (
            ping.method,
            ping.path,
            ping.label,
            ping.headers,
        )


@pytest.mark.parametrize("one_of_each", [False, True])
@pytest.mark.parametrize("label", ["deep_nesting", "invalid_utf8"])
def test_what_cannot_be_laid_out_is_a_file_as_it_is(pings, tmp_path, label, one_of_each) -> None:
    broken = simulator.corrupt(pings[0], label)
    write_corpus(tmp_path / "corpus", [pings[1], broken], dialect="documented")
    wanted = Wanted(one_of_each=one_of_each)
    written = export(open_corpus(tmp_path / "corpus"), tmp_path / "out", "json", wanted)
    name = f"topsite_click-{label}-0001.bin"
    assert set(written.files) == {"index.json", "topsite_click-0001.json", name}
    assert (tmp_path / "out" / name).read_bytes() == broken.payload()
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert {row["file"]: row["label"] for row in index}[name] == label


@pytest.mark.parametrize("by", ["python", "sqlite3"])
def test_sql_loads(corpus, pings, tmp_path, by) -> None:
    export(corpus, tmp_path / "out", "sqlite", Wanted())
    script = tmp_path / "out" / "pings.sql"
    path = tmp_path / "pings.db"
    if by == "python":
        database = sqlite3.connect(path)
        database.executescript(script.read_text())
        database.close()
    elif shutil.which("sqlite3") is None:
        pytest.skip("no sqlite3 here")
    else:
        with open(script) as file:
            subprocess.run(["sqlite3", str(path)], stdin=file, check=True)
    database = sqlite3.connect(path)
    rows = database.execute("SELECT id, path, headers, body, body_bytes FROM pings ORDER BY seq").fetchall()
    database.close()
    for (id_, path_, headers, body, data), ping in zip(rows, pings, strict=True):
        assert (id_, path_) == (ping.id, ping.path)
        assert (json.loads(headers) if headers else {}) == ping.headers
        assert (body.encode() if body is not None else data) == ping.payload()


def test_parquet_and_arrow_hold_every_field(corpus, pings, tmp_path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    export(corpus, tmp_path / "out", "parquet", Wanted())
    table = parquet.read_table(tmp_path / "out" / "pings.parquet")
    for row, ping in zip(table.to_pylist(), pings, strict=True):
        assert (row["id"], row["client"], row["ping"], row["expect"]) == (
            ping.id,
            ping.client,
            ping.ping,
            ping.expect,
        )
        assert round(row["due"].timestamp() * 1000) == ping.due_ms
        assert dict(row["headers"]) == ping.headers
        assert (row["body"].encode() if row["body"] is not None else row["body_bytes"]) == ping.payload()
    assert corpus.to_arrow().to_pylist() == table.to_pylist()


def test_missing_extras_are_named(corpus, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match=r"pip install 'telsim\[parquet\]'"):
        export(corpus, tmp_path / "out", "parquet", Wanted())
    with pytest.raises(UsageError, match=r"pip install 'telsim\[parquet\]'"):
        corpus.to_arrow()
    with pytest.raises(UsageError, match="pip install pandas"):
        corpus.to_dataframe()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_curl_script_delivers_byte_for_byte(corpus, pings, tmp_path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    export(corpus, tmp_path / "out with space", "curl", Wanted())
    with Endpoint(tmp_path / "store.sqlite3", dialect="documented") as endpoint:
        done = subprocess.run(
            [str(tmp_path / "out with space" / "send.sh")],
            env={"HOST": endpoint.url, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        statuses = [line.split()[0] for line in done.stdout.splitlines()]
        assert len(statuses) == len(pings)
        assert [status == "200" for status in statuses] == [ping.expect == "accept" for ping in pings]
        assert [ping.id for ping in endpoint.stored()] == [
            ping.id for ping in pings if ping.expect == "accept"
        ]
        arrived = {ping.id: ping.payload for ping in read_pings(tmp_path / "store.sqlite3")}
    for ping in pings:
        if "Content-Encoding" not in ping.headers:
            assert arrived[ping.id] == ping.payload()


def test_curl_tells_what_was_not_delivered(corpus, tmp_path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    export(corpus, tmp_path / "out", "curl", Wanted(limit=2))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    done = subprocess.run(
        [str(tmp_path / "out" / "send.sh")],
        env={"HOST": f"http://127.0.0.1:{free}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["000", "000"]


def test_curl_goes_to_loopback_unless_told(corpus, tmp_path) -> None:
    export(corpus, tmp_path / "out", "curl", Wanted(limit=1))
    text = (tmp_path / "out" / "send.sh").read_text()
    assert 'HOST="${HOST:-http://127.0.0.1:8765}"' in text
    assert "X-Source-Tags: automation" in text


@pytest.mark.parametrize("format_", FORMATS)
def test_nothing_is_overwritten(corpus, tmp_path, format_) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="nothing is overwritten"):
        export(corpus, tmp_path, format_, Wanted())
    with pytest.raises(UsageError, match="nothing is overwritten"):
        export(corpus, tmp_path / "mine.txt", format_, Wanted())
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_directory_is_as_good_as_none(corpus, tmp_path) -> None:
    (tmp_path / "out").mkdir()
    assert export(corpus, tmp_path / "out", "json", Wanted(limit=2)).pings == 2


def test_a_failure_leaves_nothing(corpus, tmp_path, monkeypatch) -> None:
    def fail(_ping: Ping) -> list[str]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("simulator.export.sqlite._values", fail)
    with pytest.raises(InputError, match="No space left"):
        export(corpus, tmp_path / "out", "sqlite", Wanted())
    assert list(tmp_path.iterdir()) == []


def test_nothing_wanted_says_what_there_is(corpus, tmp_path) -> None:
    with pytest.raises(UsageError, match=r"it has .*topsite_click \(6\)"):
        export(corpus, tmp_path / "out", "json", Wanted(clients=[99]))
    assert list(tmp_path.iterdir()) == []
