"""Headers and bodies of servers that nobody here wrote: read where they make sense, and never a reason to fall over."""

from __future__ import annotations

import gzip
import json
import socket
import time
import zlib
from types import SimpleNamespace

import pytest
from replay_rig import OK, Seen, pings_for, target_from

from simulator.corpus import open_corpus, write_corpus
from simulator.pacing import NS_PER_S
from simulator.tape import TapeBuilder, TapeSpec
from simulator.target import load_target

NOW = 784_111_777  # Sun, 06 Nov 1994 08:49:37 GMT, the date in RFC 9110's examples


@pytest.fixture
def recorder(tmp_path, monkeypatch):
    import recorder as module

    monkeypatch.setattr(module, "wall_clock_ns", lambda: NOW * NS_PER_S)
    write_corpus(tmp_path / "corpus", pings_for(2), dialect="wire")
    target = load_target("structured")
    tape = TapeBuilder(open_corpus(tmp_path / "corpus"), TapeSpec(target=target, netloc="x")).build()
    return module.Recorder(
        tape, target, writer=None, locust=None, secrets=("hunter2/hunter2", "swordfish-swordfish")
    )


@pytest.fixture
def far_from_greenwich(monkeypatch):
    monkeypatch.setenv("TZ", "NPT-5:45")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"", 0),
        (b"0", 0),
        (b"120", 120),
        (b"Sun, 06 Nov 1994 08:49:47 GMT", 10),
        (b"Sunday, 06-Nov-94 08:49:47 GMT", 10),
        (b"Sun Nov  6 08:49:47 1994", 10),
        (b"Sun, 06 Nov 1994 08:49:47 -0000", 10),
        (b"Sun, 06 Nov 1994 08:49:27 GMT", 0),  # has been
        (b"Sun, 06 Nov 2094 08:49:37 GMT", 86_400),
        (b"99999999999", 86_400),
        (b"9" * 5_000, 0),
        (b"-5", 0),
        (b"1.5", 0),
        (b"soon", 0),
        (b"Sun, 06 Nov 99999999999999999999 08:49:37 GMT", 0),
        (b"Sun, 99 Nov 1994 08:49:37 GMT", 0),
        ("später".encode(), 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(recorder, far_from_greenwich, value, seconds):
    assert recorder.retry_after_ns(value) == seconds * NS_PER_S


@pytest.mark.parametrize(
    ("value", "stages"),
    [
        (b"parse;dur=0.25, store;dur=1.5", {"parse": 0.25, "store": 1.5}),
        (b'db;desc="a; b";dur="2", cache ; Dur = 3.', {"db": 2.0, "cache": 3.0}),
        (b"db;dur=1.2.3", {"db": 1.2}),
        (b"db;dur=.5, x;dur=., y;dur=-1, z;dur=, miss", {"db": 0.5}),
        (b"\xff;dur=\xff", {}),
    ],
)
def test_server_timing_is_read_as_far_as_it_makes_sense(recorder, value, stages):
    recorder.server_timing(SimpleNamespace(server_timing=lambda: value))
    assert {name: total for name, (total, _) in recorder.stages.items()} == stages


def test_names_of_stages_are_bounded(recorder):
    for number in range(5_000):
        header = f"request-{number};dur=1".encode()
        recorder.server_timing(SimpleNamespace(server_timing=lambda header=header: header))
    assert len(recorder.stages) <= 64


@pytest.mark.parametrize(
    "body",
    [
        "x" * 290 + "swordfish-swordfish",  # an example ends at 300
        "swordfish-swordfish" * 30,
        '{"seen": "hunter2\\/hunter2"}',
        "hunter2/hunter2",
    ],
)
def test_no_part_of_a_secret_is_kept_of_an_answer_that_quotes_it(recorder, body):
    recorder.example(body.encode(), 403)
    assert "[secret" in recorder.examples[403]
    assert "hunter2" not in recorder.examples[403]
    assert "sword" not in recorder.examples[403]
    assert len(recorder.examples[403]) <= 300


@pytest.mark.slow
def test_a_run_survives_headers_that_make_no_sense(corpus, odd_server, run_engine):
    def nonsense(connection: socket.socket, seen: Seen) -> None:
        connection.sendall(OK.replace(b"Content-Length", b"Server-Timing: db;dur=1.2.3\r\nContent-Length"))

    ran = run_engine(corpus(40), odd_server(nonsense).url)
    assert ran.states() == {"accepted": 40}


BULK = """
name = "bulk"
title = "test"
batch = 10
[headers]
Accept-Encoding = "gzip, deflate"
[envelope]
path = "/_bulk"
content_type = "application/x-ndjson"
item_prefix = '{"create":{"_id":"${id}"}}'
item_suffix = "\\n"
[answers]
validates = false
results = "elasticsearch"
"""


def third_is_refused(seen: Seen) -> bytes:
    statuses = [400 if n % 3 == 2 else 201 for n in range(seen.body.count(b"\n"))]
    return json.dumps(
        {"errors": True, "items": [{"create": {"status": status}} for status in statuses]}
    ).encode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
@pytest.mark.parametrize("chunked", [False, True])
def test_items_of_a_compressed_answer_are_told_apart(corpus, odd_server, run_engine, coding, pack, chunked):
    def answer(connection: socket.socket, seen: Seen) -> None:
        body = pack(third_is_refused(seen))
        length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\n%b\r\n\r\n" % (coding.encode(), length)
        connection.sendall(head + (b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body))

    ran = run_engine(corpus(40), odd_server(answer).url, target=target_from(BULK), batch=10)
    assert ran.states() == {"accepted": 28, "rejected": 12}


@pytest.mark.slow
@pytest.mark.parametrize("coding", [b"identity", b"gzip", b"br"])
def test_a_login_page_of_status_200_accepts_nothing(corpus, odd_server, run_engine, coding):
    page = b"<!doctype html><title>Log in</title>"
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (coding, len(page))
    server = odd_server(lambda connection, seen: connection.sendall(head + page))
    ran = run_engine(corpus(40), server.url, target=target_from(BULK), batch=10)
    assert ran.states() == {"unknown": 40}
    assert any("does not say" in message for message, _ in ran.recorder.errors)


@pytest.mark.slow
def test_what_a_compressed_refusal_says_is_kept_in_words(corpus, odd_server, run_engine):
    body = gzip.compress(b"no room")
    head = b"HTTP/1.1 507 Full\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    server = odd_server(lambda connection, seen: connection.sendall(head + body))
    ran = run_engine(corpus(4), server.url, target=target_from(BULK), batch=4)
    assert ran.recorder.examples == {507: "no room"}
