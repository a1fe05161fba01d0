"""The endpoint from outside: command line and HTTP only."""

import gzip
import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from endpoint_kit import GOOD, ROUTE, click, uid
from endpoint_process import Served, all_entries, ask, raw_ping, totals


@pytest.fixture(scope="module")
def served(schema_directory, tmp_path_factory):
    with Served("--schemas", schema_directory, "--store", tmp_path_factory.mktemp("served") / "s") as running:
        yield running


@pytest.fixture
def http(served):
    with httpx.Client(base_url=served.url, timeout=10) as opened:
        yield opened


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("POST", click(100), {}, b'{"who":"a"}', 200),
        ("PUT", click(101), {}, b'{"who":"a"}', 200),
        ("POST", click(102), {"Content-Encoding": "gzip"}, gzip.compress(b'{"who":"a"}', mtime=0), 200),
        ("POST", click(103), {"Content-Type": "text/plain"}, b'{"who":"a"}', 200),
        (
            "POST",
            f"/submit/telemetry/{uid(104)}/event/Firefox/95.0/release/20211129?v=4",
            {},
            b'{"type":"event"}',
            200,
        ),
        ("POST", f"/submit/firefox-desktop/events/1/{uid(105)}", {}, b'{"ping_info":{}}', 200),
        ("POST", click(106), {}, b"{}", 400),
        ("POST", click(107), {}, b"\x00\xff", 400),
        ("POST", "/submit/shop/click/1/xyz", {}, b"{}", 400),
        ("POST", "/nowhere", {}, b"{}", 404),
        ("POST", click(108) + "/", {}, b"{}", 404),
        ("POST", "/submit/%2e%2e/%2e%2e/etc/passwd", {}, b"{}", 400),
        ("GET", "/../../etc/passwd", {}, b"", 404),
        ("GET", click(109), {}, b"", 405),
        ("DELETE", click(109), {}, b"", 405),
        ("PATCH", "/batch", {}, b"", 405),
        ("POST", "/ledger", {}, b"", 405),
        ("POST", click(110), {}, b"[" + b" " * (8 * 1024 * 1024) + b"]", 413),
        ("POST", click(111), {}, gzip.compress(b" " * (8 * 1024 * 1024 + 1), mtime=0), 413),
        ("POST", click(112), {"User-Agent": "x" * 1025}, b"{}", 431),
        ("POST", click(113) + "?" + "x" * 1025, {}, b"{}", 431),
        ("POST", "/submit/" + "x" * 1017, {}, b"{}", 431),
        ("POST", "/__fault__", {}, b"{}", 404),
        ("GET", "/__heartbeat__", {}, b"", 200),
        ("HEAD", "/__heartbeat__", {}, b"", 200),
        ("GET", "/__lbheartbeat__", {}, b"", 200),
        ("GET", "/__version__", {}, b"", 200),
        ("GET", "/ledger/entries?after=x", {}, b"", 400),
        ("GET", "/ledger/entries?limit=-5&after=99999999999999999999999", {}, b"", 200),
    ],
)
def test_statuses(http, method, path, headers, body, status):
    answered = http.request(method, path, headers=headers, content=body)
    assert answered.status_code == status, answered.text
    if status >= 400:
        assert set(answered.json()) == {"code", "message"}


def test_411_without_a_length(served):
    assert ask(served.port, f"POST {click(1)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())[0] == 411


def test_chunked_bodies_are_taken(http):
    assert http.post(click(120), content=iter([b'{"who"', b':"a"}'])).status_code == 200
    chunks = iter([b'{"who":"' + b"a" * 100_000] + [b"a" * 1_000_000] * 9 + [b'"}'])
    assert http.post(click(121), content=chunks).status_code == 413
    assert http.get("/__heartbeat__").status_code == 200


def test_eight_mebibytes_are_not_too_large(http):
    body = b'{"who":"' + b"a" * (8 * 1024 * 1024 - 10) + b'"}'
    assert len(body) == 8 * 1024 * 1024
    assert http.post(click(122), content=body).status_code == 200


def test_a_batch_as_array_and_as_lines(http):
    items = [{"id": uid(200 + n), "route": ROUTE, "body": GOOD} for n in range(3)]
    array = http.post("/batch", json=items)
    assert (array.status_code, array.json()) == (
        200,
        {"accepted": 3, "rejected": 0, "duplicates": 0, "results": []},
    )
    lines = "\n".join(json.dumps(item) for item in [*items, {"id": uid(204), "route": ROUTE, "body": {}}])
    told = http.post("/batch", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert (told.status_code, told.json()) == (
        207,
        {
            "accepted": 0,
            "rejected": 1,
            "duplicates": 3,
            "results": [[0, "duplicate"], [1, "duplicate"], [2, "duplicate"], [3, "missing_required"]],
        },
    )


def test_server_timing_is_on_every_answer_to_a_ping(http):
    for answered in (http.post(click(130), json=GOOD), http.post(click(131), content=b"x"), http.post("/no")):
        stages = dict(part.split(";dur=") for part in answered.headers["server-timing"].split(", "))
        assert list(stages) == ["read", "decompress", "parse", "validate", "store"]
        assert all(float(took) >= 0 for took in stages.values())


@pytest.mark.slow
def test_the_ledger_adds_up_and_leaks_no_payload(schema_directory, tmp_path):
    with (
        Served("--schemas", schema_directory, "--store", tmp_path / "s") as fresh,
        httpx.Client(base_url=fresh.url) as http,
    ):
        answered = []
        for number in [*range(20), 3, 3, 7]:
            answered.append(
                http.post(click(number), json={"who": "SECRET", "clicks": 5 - number}).status_code
            )
        listed = all_entries(fresh.url)
        assert [one["seq"] for one in listed] == list(range(1, 22))
        accepted = {one["id"]: one["copies"] for one in listed if one["state"] == "accepted"}
        assert accepted == {uid(0): 1, uid(1): 1, uid(2): 1, uid(3): 3, uid(4): 1, uid(5): 1}
        rejected = [(one["id"], one["code"]) for one in listed if one["state"] == "rejected"]
        assert rejected == [(uid(number), "out_of_range") for number in [*range(6, 20), 7]]
        assert answered.count(200) == sum(accepted.values())
        assert totals(fresh.url) == {
            "accepted": 6,
            "rejected": 15,
            "duplicates": 2,
            "batches": 23,
            "by_route": {ROUTE: 21},
            "by_code": {"ok": 6, "duplicate": 2, "out_of_range": 15},
        }
        for page in ("/ledger", "/ledger/entries", "/metrics", "/__heartbeat__", "/__version__"):
            assert "SECRET" not in http.get(page).text


def test_what_clients_make_up_does_not_grow_the_sums(http):
    for number in range(5):
        http.post(f"/submit/shop/made-up-{number}/1/{uid(300 + number)}", json={})
    assert "made-up" not in http.get("/ledger").text + http.get("/metrics").text


def test_metrics_are_prometheus_text(http):
    http.post(click(140), json=GOOD)
    text = http.get("/metrics").text
    sample = re.compile(r'[a-z_]+(\{([a-z]+="[^"\n]*",?)+\})? [0-9.e+-]+')
    lines = [line for line in text.splitlines() if not line.startswith("# TYPE ")]
    assert [line for line in lines if not sample.fullmatch(line)] == []
    values = dict(line.rsplit(" ", 1) for line in lines)
    assert int(values['telsim_pings_total{code="ok",route="shop/click/1"}']) >= 1
    assert int(values["telsim_connections"]) >= 1
    assert int(values["telsim_store_bytes"]) > 0
    assert (
        values['telsim_stage_seconds_count{stage="store"}']
        == values['telsim_stage_seconds_bucket{stage="store",le="+Inf"}']
    )


def test_pipelined_requests_are_answered_in_order(served):
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as opened:
        opened.sendall(raw_ping(150) + raw_ping(151, b"x") + raw_ping(152))
        data = b""
        while data.count(b"HTTP/1.1") < 3 or not data.endswith(b"\r\n\r\n"):
            data += opened.recv(65536)
    assert re.findall(rb"HTTP/1.1 (\d+)", data) == [b"200", b"400", b"200"]


def test_graphql_and_sentry(http):
    query = {
        "query": "mutation logEvent { logEvent(event: $n) { alwaysNil } }",
        "variables": {"source": "WEB"},
    }
    assert http.post("/.api/graphql?logEvent", json=query).json() == {"data": {"logEvent": None}}
    assert "errors" in http.post("/.api/graphql?logEvent", json={"query": "x", "variables": {}}).json()
    event = {"event_id": "fc6d8c0c43fc4630ad850ee518f1b9d0"}
    assert http.post("/api/1/store/?sentry_key=k", json=event).json() == {"id": event["event_id"]}


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signals_end_it_cleanly(schema_directory, tmp_path, number, code):
    with Served("--schemas", schema_directory, "--store", tmp_path / "s") as running:
        assert httpx.post(running.url + click(1), json=GOOD).status_code == 200
        assert running.end(number) == code
    assert not (tmp_path / "s-wal").exists()


@pytest.mark.slow
def test_the_default_store_is_named_and_stays(schema_directory):
    with Served("--schemas", schema_directory) as running:
        assert httpx.post(running.url + click(1), json=GOOD).status_code == 200
        path = Path(running.process.stderr.readline().removeprefix("store: ").strip())
        assert running.end() == 0
    assert path.name == "telsim-endpoint.sqlite3"
    assert path.stat().st_size > 0


@pytest.mark.slow
def test_options_change_answers(schema_directory, tmp_path):
    options = ("--schemas", schema_directory, "--store", tmp_path / "s", "--edge", "--path-too-long", "414")
    with Served(*options, "--max-body-bytes", 100, "--no-payloads", "--fsync") as edge:
        answered = httpx.post(edge.url + click(1), content=b"rubbish")
        assert (answered.status_code, answered.content) == (200, b"")
        assert totals(edge.url)["by_code"] == {"bad_json": 1}
        assert httpx.post(edge.url + "/submit/" + "x" * 1025, content=b"{}").status_code == 414
        assert httpx.post(edge.url + click(2), content=b"x" * 101).status_code == 413


def run(*options):
    command = [sys.executable, "-m", "simulator", "serve", *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_port_in_use_is_told(served):
    ended = run("--port", served.port)
    assert ended.returncode == 1
    assert "another program has it" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.slow
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_it_listens_on_loopback_only(host):
    ended = run("--port", 0, "--host", host)
    assert ended.returncode == 2
    assert "--listen-anywhere" in ended.stderr


@pytest.mark.slow
def test_listening_anywhere_can_be_asked_for(schema_directory, tmp_path):
    command = [
        sys.executable,
        "-m",
        "simulator",
        "serve",
        "--port",
        "0",
        "--host",
        "0.0.0.0",
        "--listen-anywhere",
    ]
    command += ["--schemas", str(schema_directory), "--store", str(tmp_path / "s")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline().startswith("telsim endpoint listening on http://0.0.0.0:")
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_broken_schemas_are_all_named(tmp_path):
    for doctype in ("one", "two"):
        directory = tmp_path / "ns" / doctype
        directory.mkdir(parents=True)
        (directory / f"{doctype}.1.schema.json").write_text("{")
    ended = run("--port", 0, "--schemas", tmp_path)
    assert ended.returncode == 2
    assert "one.1.schema.json" in ended.stderr
    assert "two.1.schema.json" in ended.stderr


def test_a_store_that_is_none_stays_as_it_is(tmp_path):
    path = tmp_path / "notes with spaces é.txt"
    path.write_text("precious\n" * 500)
    ended = run("--port", 0, "--store", path)
    assert ended.returncode == 2
    assert ended.stderr.count("it is damaged or not a database") == 1
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "precious\n" * 500
