"""The ledger is read from wherever it can be had, and says so clearly where it cannot."""

import json
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from simulator.errors import EndpointError, InputError, UsageError
from simulator.reconcile import ledger as module
from simulator.reconcile.ledger import awaited_file, hash_ids, read_ledger

IDS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(7)]


def stored(ledger, name):
    wanted = hash_ids(np.array([name.encode()], dtype="S36"))[0]
    return ledger.stored[np.all(ledger.keys == wanted, axis=1)].tolist()


def test_a_file_may_name_ids_in_several_ways(tmp_path):
    file = tmp_path / "stored.ndjson"
    lines = [
        *(IDS[0], IDS[0].upper(), "", json.dumps(IDS[1]), json.dumps({"id": IDS[2], "n": 1})),
        *(json.dumps({"document_id": IDS[3]}), json.dumps({"id": IDS[4], "state": "rejected"})),
    ]
    file.write_text("\n".join(lines))
    found = read_ledger(str(file))
    assert [stored(found, name) for name in IDS] == [[1, 1], [1], [1], [1], [0], [], []]
    assert found.source == "stored.ndjson"


HEX = [name.replace("-", "") for name in IDS]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + "\n".join(IDS[:3]),
        "\ufeff" + "\n".join(json.dumps({"id": name}) for name in IDS[:3]),
        "\r\n".join(IDS[:3]),
        "\n".join(HEX[:3]).upper(),
        "\n".join(json.dumps({"uuid": name}) for name in HEX[:3]),
        "\n".join(json.dumps({"_id": name.upper()}) for name in IDS[:3]),
        "\n".join(f"{{{name}}}" for name in IDS[:3]),
        "\n".join(f"urn:uuid:{name}" for name in IDS[:3]),
        "\n".join(json.dumps([name]) for name in IDS[:3]),
        json.dumps(IDS[:3]),
        json.dumps(IDS[:3], indent=1),
        json.dumps([{"id": name} for name in HEX[:3]]),
        json.dumps([{"id": name} for name in IDS[:3]], indent=2),
        "\n".join(f'"{name}",1' for name in HEX[:3]),
        "id;n\n" + "\n".join(f"{name};1" for name in IDS[:3]),
        "\n".join(f"{name}\t1" for name in HEX[:3]),
    ],
)
def test_a_file_may_write_ids_in_several_ways(tmp_path, text):
    file = tmp_path / "stored.txt"
    file.write_text(text, encoding="utf-8")
    found = read_ledger(str(file))
    assert [stored(found, name) for name in IDS] == [[1], [1], [1], [], [], [], []]


@pytest.mark.parametrize("state", ['"stored"', '"accepted"', '"ok"', "3", "null"])
def test_whatever_word_a_store_has_for_it_what_it_lists_is_stored(tmp_path, state):
    file = tmp_path / "stored.ndjson"
    file.write_text(f'{{"id": "{IDS[0]}", "state": {state}}}\n{{"id": "{IDS[1]}", "state": "rejected"}}')
    assert read_ledger(str(file)).stored.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (IDS[0].encode("utf-16"), "UTF-16"),
        (b"\x1f\x8b\x08\x00\xff\xff", "stored.ndjson:1: neither"),
        (b"\x00\x01\x02", "stored.ndjson:1: neither"),
        (b"[[1, 2]]", "stored.ndjson:1, item 1"),
        (b'["a", 7]', "stored.ndjson:1, item 2"),
        (b'[\n"a",\n"b"', "stored.ndjson: neither"),
        (b'[\n"a",\n{}]', "stored.ndjson, item 2: no id"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(tmp_path, content, said):
    file = tmp_path / "stored.ndjson"
    file.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_ledger(str(file))


@pytest.mark.parametrize("chunk", [1, 3, len(IDS)])
def test_a_long_ledger_is_packed_piece_by_piece(tmp_path, monkeypatch, chunk):
    file = tmp_path / "stored.ndjson"
    states = ["rejected" if number % 3 == 1 else "accepted" for number in range(len(IDS))]
    file.write_text(
        "\n".join(map(json.dumps, ({"id": i, "state": s} for i, s in zip(IDS, states, strict=True))))
    )
    whole = read_ledger(str(file))
    monkeypatch.setattr(module, "_CHUNK", chunk)
    found = read_ledger(str(file))
    assert (found.keys.tolist(), found.stored.tolist()) == (whole.keys.tolist(), whole.stored.tolist())
    assert found.stored.tolist() == [int(state == "accepted") for state in states]


@pytest.mark.parametrize("line", ["{", '{"name": "x"}', '{"id": 7}'])
def test_a_line_without_an_id_is_named(tmp_path, line):
    file = tmp_path / "stored.ndjson"
    file.write_text(f"{IDS[0]}\n{line}\n")
    with pytest.raises(InputError, match=r"stored\.ndjson:2"):
        read_ledger(str(file))


@pytest.mark.parametrize("text", ["", "none"])
def test_no_ledger_is_a_choice(text):
    assert read_ledger(text) is None


def test_a_ledger_that_is_not_there_is_told():
    with pytest.raises(UsageError, match="is no file"):
        read_ledger("nowhere.ndjson")


def test_a_file_that_is_not_there_yet_can_be_told_before_a_run(tmp_path):
    missing, there = tmp_path / "missing.ndjson", tmp_path / "there.ndjson"
    there.touch()
    assert awaited_file(str(missing)) == missing
    assert [awaited_file(text) for text in ("", "none", "auto", "http://127.0.0.1:1", str(there))] == [
        None
    ] * 5
    assert awaited_file("sqlite:///nowhere.db?query=SELECT 1") is None


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "store.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE pings (id TEXT, copies INT)")
        connection.executemany("INSERT INTO pings VALUES (?, ?)", [(IDS[0], 1), (IDS[1], 3)])
    connection.close()
    return path


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT id FROM pings", [[1], [1]]),
        ("SELECT id, copies FROM pings", [[1], [3]]),
        ("SELECT id, count(*) FROM pings GROUP BY id", [[1], [1]]),
    ],
)
def test_a_query_gives_ids_and_copies(database, query, expected):
    found = read_ledger(f"sqlite:///{database}?query={query}")
    assert [stored(found, name) for name in IDS[:2]] == expected


def test_a_query_is_all_that_follows(database):
    query = "SELECT id FROM pings WHERE copies & 1 + 2 = 3 AND 'a%23#+' = 'a##+' --&query=no"
    found = read_ledger(f"sqlite:///{database}?mode=ro&query={query}")
    assert [stored(found, name) for name in IDS[:2]] == [[], [1]]


def test_a_database_may_hold_ids_as_bytes(database):
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE raw (id BLOB)")
        blobs = [bytes.fromhex(HEX[0]), IDS[1].encode(), HEX[2].upper().encode()]
        connection.executemany("INSERT INTO raw VALUES (?)", [(blob,) for blob in blobs])
    connection.close()
    found = read_ledger(f"sqlite:///{database}?query=SELECT id FROM raw")  # noqa: S608 - the query under test
    assert [stored(found, name) for name in IDS[:3]] == [[1], [1], [1]]


def test_a_query_cannot_write(database):
    with pytest.raises(InputError, match="readonly"):
        read_ledger(f"sqlite:///{database}?query=DELETE FROM pings")  # noqa: S608 - the query under test


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        ("sqlite:///{}", UsageError, "query="),
        ("sqlite:///{}.gone?query=SELECT 1", UsageError, "no database file"),
        ("sqlite:///{}?query=SELECT nothing", InputError, "nothing"),
        (
            "sqlite:///{}?query=SELECT id, 'many' FROM pings",
            InputError,
            "row 1 .*second column .* not 'many'",
        ),
        (
            "sqlite:///{}?query=SELECT id, nullif(copies, 3) FROM pings ORDER BY copies",
            InputError,
            "row 2 .*second column must say how many copies .* not NULL",
        ),
        ("sqlite:///{}?query=SELECT copies, id FROM pings", InputError, "row 1 .*first column must be an id"),
        ("sqlite:///{}?query=SELECT NULL", InputError, "first column must be an id.* not NULL"),
    ],
)
def test_a_query_that_fails_is_explained(database, url, error, said):
    with pytest.raises(error, match=said):
        read_ledger(url.format(database))


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        asked = parse_qs(url.query)
        if url.path == "/ledger":
            self.answer(json.dumps({"accepted": len(IDS)}).encode())
        elif url.path == "/ledger/entries":
            after, limit = int(asked["after"][0]), int(asked["limit"][0])
            entries = [
                {"seq": seq, "id": name, "state": "rejected" if seq == 2 else "accepted", "copies": 5}
                for seq, name in enumerate(IDS, start=1)
            ]
            page = entries[after : after + limit]
            self.answer("".join(json.dumps(entry) + "\n" for entry in page).encode())
        elif url.path == "/plain":
            self.answer(json.dumps({"id": IDS[0]}).encode())
        elif url.path == "/unpaged":
            self.answer("".join(json.dumps({"seq": n, "id": IDS[n]}) + "\n" for n in (1, 2, 3)).encode())
        elif url.path == "/own-words":
            self.answer(json.dumps({"seq": 1, "id": HEX[0].upper(), "state": "stored"}).encode())
        elif url.path == "/renamed":
            after, limit = int(asked["after"][0]), int(asked["limit"][0])
            entries = [{"seq": seq, "document_id": name} for seq, name in enumerate(IDS, start=1)]
            self.answer(
                "".join(json.dumps(entry) + "\n" for entry in entries[after : after + limit]).encode()
            )
        elif url.path == "/nameless":
            self.answer(json.dumps({"seq": 1, "name": IDS[0]}).encode())
        elif url.path == "/nonsense":
            self.answer(b"<html>")
        elif url.path == "/busy":
            self.answer(b"", status=503)
        else:
            self.send_error(404)

    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def host():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("path", ["", "/", "/ledger", "/ledger/entries"])
@pytest.mark.parametrize("page", [3, 7, 100])
def test_a_ledger_over_http_is_paged_through(host, monkeypatch, path, page):
    monkeypatch.setattr(module, "_PAGE", page)
    found = read_ledger(host + path)
    assert found.stored.tolist() == [1, 0, 1, 1, 1, 1, 1]


def test_a_ledger_may_want_a_token_which_nobody_repeats(host):
    found = read_ledger(f"{host.replace('//', '//me:hunter2@')}/ledger?token=hunter3")
    assert len(found.stored) == len(IDS)
    assert found.source == f"{host}/ledger"
    for path in ("gone", "nonsense"):
        with pytest.raises(EndpointError, match=path) as caught:
            read_ledger(f"{host.replace('//', '//me:hunter2@')}/{path}?token=hunter3")
        assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://[::1/ledger", "https://[x]y/"])
def test_a_ledgers_url_that_is_none_is_wrong_use(url):
    with pytest.raises(UsageError, match="cannot be read"):
        read_ledger(url)


def test_a_ledger_of_somebody_else_may_ignore_paging(host):
    assert read_ledger(f"{host}/plain").stored.tolist() == [1]
    assert read_ledger(f"{host}/unpaged").stored.tolist() == [1, 1, 1]


def test_a_ledger_of_somebody_else_may_call_ids_as_files_do(host, monkeypatch):
    monkeypatch.setattr(module, "_PAGE", 3)
    found = read_ledger(f"{host}/renamed")
    assert found.stored.tolist() == [1] * len(IDS)
    assert sorted(map(tuple, found.keys.tolist())) == sorted(map(tuple, read_ledger(host).keys.tolist()))


def test_a_ledger_of_somebody_else_may_have_its_own_words(host):
    assert stored(read_ledger(f"{host}/own-words"), IDS[0]) == [1]


def test_auto_finds_the_ledger_of_the_endpoint(host):
    assert len(read_ledger("auto", host=host).keys) == len(IDS)
    assert read_ledger("auto", host=f"{host}/other") is None
    assert read_ledger("auto") is None
    assert read_ledger("auto", host="http://127.0.0.1:1") is None


@pytest.mark.parametrize("path", ["/gone", "/nonsense", "/nameless", "/busy"])
def test_a_ledger_that_does_not_answer_is_an_error(host, path):
    with pytest.raises(EndpointError, match=path):
        read_ledger(host + path)
