"""Each shipped target's requests, read by somebody else's decoder."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from simulator.corpus import open_corpus, write_corpus
from simulator.errors import UsageError
from simulator.randomness import split_uuids, uuid_text
from simulator.records import Ping
from simulator.tape import Tape, TapeBuilder, TapeSpec
from simulator.tape.compose import Composer
from simulator.target import load_target

IDS = split_uuids(uuid_text(np.uint64(5), np.arange(24, dtype=np.uint64)))
DUE_MS = 1_700_000_000_123
STRUCTURED = "activity-stream/events/1"


def ping(n: int, path: str, route: str, name: str, **more: Any) -> Ping:
    body = {"n": n, "text": 'a "quoted" \\ täxt\n', "id": IDS[n]}
    return msgspec.structs.replace(
        Ping(
            id=IDS[n],
            due_ms=DUE_MS + n,
            client=n,
            ping=name,
            product="firefox",
            route=route,
            label="valid",
            expect="accept",
            method="POST",
            path=path,
            body=msgspec.Raw(json.dumps(body).encode()),
        ),
        **more,
    )


PINGS = [
    ping(0, f"/submit/{STRUCTURED}/{IDS[0]}", STRUCTURED, "topsite_click"),
    ping(
        1,
        f"/submit/telemetry/{IDS[1]}/event/Firefox/115.0/release/20230601?v=4",
        "telemetry/event/4",
        "event_ping",
    ),
    ping(2, f"/submit/firefox-desktop/events/1/{IDS[2]}", "glean/glean/1", "glean_events_ping"),
    ping(3, "/.api/graphql?logEvent", "sourcegraph/log-event/1", "sourcegraph_log_event"),
    ping(4, "/api/1/store/?sentry_key=0123&sentry_version=7", "sentry/event/1", "sentry_event"),
    ping(5, f"/submit/{STRUCTURED}/{IDS[5]}", STRUCTURED, "tile_block"),
]


def not_json() -> Ping:
    path = f"/submit/{STRUCTURED}/{IDS[6]}"
    return ping(6, path, STRUCTURED, "topsite_click", body=msgspec.Raw(b""), body_b64="eyJ4Ijo=")


class Parsed(BaseHTTPRequestHandler):
    """The standard library's reading of a request."""

    def __init__(self, raw: bytes) -> None:
        self.rfile = io.BytesIO(raw)
        self.raw_requestline = self.rfile.readline()
        self.wfile = io.BytesIO()
        assert self.parse_request(), raw
        self.body = self.rfile.read()
        assert len(self.body) == int(self.headers["Content-Length"])

    def plain(self) -> bytes:
        return gzip.decompress(self.body) if self.headers["Content-Encoding"] == "gzip" else self.body


def tape_for(tmp_path: Path, target: str, *, pings: list[Ping] = PINGS, **spec: Any) -> Tape:
    path = tmp_path / "corpus"
    write_corpus(path, pings, dialect="wire")
    chosen = load_target(target)
    environ = dict.fromkeys(chosen.secret_names(), "from-the-environment")
    return TapeBuilder(
        open_corpus(path),
        TapeSpec(
            target=chosen,
            netloc="127.0.0.1:8765",
            headers=chosen.resolved_headers(environ),
            user_agent="telsim/test",
            **spec,
        ),
    ).build()


def requests(tape: Tape) -> list[Parsed]:
    return [Parsed(tape.request(k)) for k in range(len(tape))]


def payloads(numbers: range | list[int] = range(6)) -> list[Any]:
    return [json.loads(bytes(PINGS[n].body)) for n in numbers]


@pytest.mark.parametrize("packed", [False, True])
def test_structured_carries_every_carrier_as_the_corpus_has_it(packed, tmp_path):
    tape = tape_for(tmp_path, "structured", gzip=packed)
    assert len(tape.left_out) == 0
    parsed = requests(tape)
    assert [request.path for request in parsed] == [ping.path for ping in PINGS]
    assert [json.loads(request.plain()) for request in parsed] == payloads()
    assert {request.command for request in parsed} == {"POST"}
    types = [request.headers["Content-Type"] for request in parsed]
    assert types == [
        "application/json; charset=UTF-8",
        "application/json; charset=UTF-8",
        "application/json; charset=utf-8",
        "application/json",
        "text/plain;charset=UTF-8",
        "application/json; charset=UTF-8",
    ]
    assert parsed[2].headers["X-Telemetry-Agent"].startswith("Glean/")
    for request in parsed:
        assert request.headers["X-Source-Tags"] == "automation"
        assert request.headers["User-Agent"] == "telsim/test"
        assert request.headers["Host"] == "127.0.0.1:8765"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("packed", [False, True])
def test_an_envelope_may_name_its_method(method, packed, tmp_path):
    file = tmp_path / "mine.toml"
    shipped = files("simulator.target").joinpath("json-array.toml").read_text(encoding="utf-8")
    file.write_text(shipped.replace('# method = "PUT"', f'method = "{method}"'), encoding="utf-8")
    tape = tape_for(tmp_path, str(file), batch=4, gzip=packed)
    assert [request.command for request in requests(tape)] == [method, method]
    assert [ping["body"] for request in requests(tape) for ping in json.loads(request.plain())] == payloads()
    assert Parsed(tape.render(0, 3)).command == method


def test_single_pings_make_the_same_tape_written_many_at_a_time_or_one_by_one(tmp_path, monkeypatch):
    pings = [*PINGS, not_json(), msgspec.structs.replace(PINGS[0], headers={"Connection": "close"})]
    together = tape_for(tmp_path / "together", "structured", pings=pings)
    monkeypatch.setattr(Composer, "writes_lone", False)
    alone = tape_for(tmp_path / "alone", "structured", pings=pings)
    assert together.data[:] == alone.data[:]
    for name in (
        "start",
        "first",
        "due_ms",
        "name",
        "carrier",
        "closes",
        "rows",
        "ids",
        "expect",
        "expects",
        "label",
    ):
        assert getattr(together, name).tolist() == getattr(alone, name).tolist(), name
    assert together.places.ping.tolist() == alone.places.ping.tolist()
    assert together.places.offset.tolist() == alone.places.offset.tolist()


@pytest.mark.parametrize(
    ("target", "carried"), [("telemetry", [1]), ("glean", [2]), ("sourcegraph", [3]), ("sentry", [4])]
)
def test_a_carriers_own_target_carries_its_pings_and_leaves_the_others(target, carried, tmp_path):
    tape = tape_for(tmp_path, target, gzip=load_target(target).gzip)
    assert tape.rows.tolist() == carried
    assert sorted([*tape.rows.tolist(), *tape.left_out.tolist()]) == list(range(6))
    (request,) = requests(tape)
    assert request.path == PINGS[carried[0]].path
    assert json.loads(request.plain()) == payloads(carried)[0]


def test_the_base_path_of_the_host_stands_before_every_path(tmp_path):
    tape = tape_for(tmp_path, "structured", base_path="/staging/v2")
    assert requests(tape)[0].path == "/staging/v2" + PINGS[0].path


@pytest.mark.parametrize("packed", [False, True])
def test_json_array_is_an_array_of_records(packed, tmp_path):
    tape = tape_for(tmp_path, "json-array", batch=4, gzip=packed)
    parsed = requests(tape)
    assert [request.path for request in parsed] == ["/batch", "/batch"]
    items = [json.loads(request.plain()) for request in parsed]
    assert [len(batch) for batch in items] == [4, 2]
    records = [item for batch in items for item in batch]
    assert [record["id"] for record in records] == IDS[:6]
    assert [record["body"] for record in records] == payloads()


def test_ndjson_is_a_record_a_line(tmp_path):
    (request,) = requests(tape_for(tmp_path, "ndjson", batch=100))
    assert request.headers["Content-Type"] == "application/x-ndjson"
    records = [json.loads(line) for line in request.body.splitlines()]
    assert [record["id"] for record in records] == IDS[:6]
    assert request.body.endswith(b"\n")


def test_elasticsearch_bulk_has_an_action_before_each_source(tmp_path):
    (request,) = requests(tape_for(tmp_path, "elasticsearch-bulk", batch=500))
    assert request.path == "/_bulk"
    assert request.body.endswith(b"\n")  # Elasticsearch refuses a bulk body without it
    lines = request.body.split(b"\n")[:-1]
    actions, sources = lines[0::2], lines[1::2]
    assert [json.loads(source) for source in sources] == payloads()
    for number, line in enumerate(actions):
        action = json.loads(line)
        assert set(action) == {"create"}
        assert action["create"]["_id"] == IDS[number]
        index = action["create"]["_index"]
        assert index == index.lower()
        assert not set(index) & set('\\/*?"<>| ,#:')  # what Elasticsearch forbids in an index name


def test_splunk_events_follow_each_other(tmp_path):
    (request,) = requests(tape_for(tmp_path, "splunk-hec", batch=100))
    assert request.path == "/services/collector/event"
    assert request.headers["Authorization"] == "Splunk from-the-environment"
    decoder, text, at, events = json.JSONDecoder(), request.body.decode(), 0, []
    while at < len(text):
        event, end = decoder.raw_decode(text, at)
        events.append(event)
        at = end + (text[end : end + 1] == "\n")
    assert [event["event"] for event in events] == payloads()
    assert [event["time"] for event in events] == [(DUE_MS + n) / 1000 for n in range(6)]
    assert all(isinstance(value, str) for value in events[0]["fields"].values())
    assert set(events[0]) <= {"time", "host", "source", "sourcetype", "index", "fields", "event"}


def test_clickhouse_rows_match_the_documented_table(tmp_path):
    (request,) = requests(tape_for(tmp_path, "clickhouse-jsoneachrow", batch=1000))
    rows = [json.loads(line) for line in request.body.splitlines()]
    assert [set(row) for row in rows] == [
        {"document_id", "ping", "namespace", "doctype", "client", "due", "payload"}
    ] * 6
    assert [json.loads(row["payload"]) for row in rows] == payloads()
    moment = datetime.fromisoformat(rows[0]["due"])
    assert moment == datetime.fromtimestamp(DUE_MS / 1000, UTC)
    from urllib.parse import parse_qs, urlsplit

    assert parse_qs(urlsplit(request.path).query)["query"] == ["INSERT INTO pings FORMAT JSONEachRow"]


def test_segment_batches_hold_track_calls(tmp_path):
    (request,) = requests(tape_for(tmp_path, "segment-batch", batch=100))
    document = json.loads(request.body)
    assert set(document) == {"batch", "context"}
    for number, call in enumerate(document["batch"]):
        assert call["type"] == "track"
        assert call["messageId"] == IDS[number]
        assert call["anonymousId"]  # Segment wants a userId or an anonymousId
        assert call["properties"] == payloads()[number]
        datetime.fromisoformat(call["timestamp"])


def test_otlp_logs_parse_as_the_real_protocol(tmp_path):
    from google.protobuf import json_format
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    (request,) = requests(tape_for(tmp_path, "otlp-logs", batch=500))
    assert request.path == "/v1/logs"
    message = json_format.Parse(request.body, ExportLogsServiceRequest())
    records = message.resource_logs[0].scope_logs[0].log_records
    assert [json.loads(record.body.string_value) for record in records] == payloads()
    assert [record.time_unix_nano for record in records] == [(DUE_MS + n) * 1_000_000 for n in range(6)]
    attributes = {item.key: item.value for item in records[2].attributes}
    assert attributes["document_id"].string_value == IDS[2]
    assert attributes["client"].int_value == 2


@pytest.mark.parametrize("target", ["elasticsearch-bulk", "segment-batch", "splunk-hec"])
def test_a_payload_that_is_not_json_is_left_out_of_json_batches_and_told(target, tmp_path):
    broken = ping(
        6,
        f"/submit/{STRUCTURED}/{IDS[6]}",
        STRUCTURED,
        "topsite_click",
        body=msgspec.Raw(b""),
        body_b64="eyJ4Ijo=",
    )
    tape = tape_for(tmp_path, target, pings=[*PINGS, broken], batch=100)
    assert tape.left_out.tolist() == [6]
    assert tape.left_out_ids.tolist() == [IDS[6].encode()]
    assert len(tape.rows) == 6


def test_a_payload_that_is_not_json_travels_inside_a_record(tmp_path):
    broken = ping(
        6,
        f"/submit/{STRUCTURED}/{IDS[6]}",
        STRUCTURED,
        "topsite_click",
        body=msgspec.Raw(b""),
        body_b64="eyJ4Ijo=",
    )
    (request,) = requests(tape_for(tmp_path, "ndjson", pings=[broken], batch=100))
    assert json.loads(request.body)["body_b64"] == "eyJ4Ijo="
    (alone,) = requests(tape_for(tmp_path / "b", "structured", pings=[broken]))
    assert alone.body == b'{"x":'


def test_headers_of_a_record_win_and_a_lie_about_the_length_closes_the_connection(tmp_path):
    path = f"/submit/{STRUCTURED}/{IDS[7]}"
    faults = [
        ping(7, path, STRUCTURED, "topsite_click", headers={"content-type": "text/html"}),
        ping(8, path, STRUCTURED, "topsite_click", headers={"Content-Encoding": "gzip"}),
        ping(9, path, STRUCTURED, "topsite_click", headers={"Content-Length": "7"}),
    ]
    tape = tape_for(tmp_path, "structured", pings=faults, gzip=True)
    heads = [tape.request(k).partition(b"\r\n\r\n")[0] for k in range(3)]
    assert heads[0].lower().count(b"content-type:") == 1
    assert b"content-type: text/html" in heads[0]
    assert b"Content-Encoding: gzip" in heads[1]
    assert tape.request(1).endswith(bytes(faults[1].body))  # says gzip and is not: not packed on top
    assert b"Content-Length: 7" in heads[2]
    assert heads[2].count(b"Content-Length") == 1
    assert tape.closes.tolist() == [False, False, True]


def test_a_batch_for_a_target_without_batches_is_refused(tmp_path):
    with pytest.raises(UsageError, match="one ping a request"):
        tape_for(tmp_path, "structured", batch=10)
