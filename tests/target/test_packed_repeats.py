"""Compressed bodies whose ids are replaced in place: every decoder reads them, and reads the new ids."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import threading
import zlib
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.corpus import open_corpus, write_corpus
from simulator.randomness import split_uuids, uuid_text
from simulator.records import Ping
from simulator.tape import TapeBuilder, TapeSpec
from simulator.tape.checksums import checksum_of, moves_of, multiply
from simulator.tape.packing import pack_now, unpack
from simulator.target import load_target

COUNT = 60


def packed_by(plain: bytes, places: list[int]) -> tuple[bytes, list[int]]:
    from simulator.tape.packing import pack

    steps = pack(plain, places)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@given(st.binary(min_size=8, max_size=3000), st.data())
def test_a_changed_part_changes_the_checksum_as_computed(plain, data):
    place = data.draw(st.integers(0, len(plain) - 8))
    new = data.draw(st.binary(min_size=8, max_size=8))
    change = int.from_bytes(plain[place : place + 8], "little") ^ int.from_bytes(new, "little")
    moved = multiply(
        checksum_of(np.array([change], dtype=np.uint64)), moves_of(np.array([len(plain) - 8 - place]))
    )
    assert zlib.crc32(plain) ^ int(moved[0]) == zlib.crc32(plain[:place] + new + plain[place + 8 :])


@pytest.mark.parametrize("behind", [0, 1, 4095, 4096, 70_000, 20_000_000])
def test_far_from_the_end_too(behind):
    change = np.array([0x1234567890ABCDEF], dtype=np.uint64)
    text = int(change[0]).to_bytes(8, "little") + bytes(behind)
    moved = multiply(checksum_of(change), moves_of(np.array([behind])))
    assert zlib.crc32(bytes(len(text))) ^ int(moved[0]) == zlib.crc32(text)


#: Texts in which digits turn up in many places that are no ids, and bytes that are no text.
TEXTS = st.one_of(
    st.binary(max_size=400),
    st.text(alphabet='0123456789abcdef-{}",: ', max_size=400).map(str.encode),
    st.just(bytes(range(256)) * 3),  # no byte is absent
)


@given(
    st.lists(st.tuples(TEXTS, st.sampled_from([b"01234567", b"89abcdef", b"01234567"])), max_size=12), TEXTS
)
def test_ids_stand_in_the_packed_body_as_they_are_and_can_be_overwritten(pieces, tail):
    plain, places = b"", []
    for text, digits in pieces:
        plain += text
        places.append(len(plain))
        plain += digits
    plain += tail
    packed, in_packed = packed_by(plain, places)
    assert gzip.decompress(packed) == plain
    changed, changed_packed = bytearray(plain), bytearray(packed)
    for place, in_place in zip(places, in_packed, strict=True):
        assert packed[in_place : in_place + 8] == plain[place : place + 8]
        changed[place : place + 8] = changed_packed[in_place : in_place + 8] = b"fedcba98"
    changed_packed[-8:-4] = zlib.crc32(changed).to_bytes(4, "little")
    assert gzip.decompress(changed_packed) == changed


def test_a_body_without_ids_is_what_gzip_makes_of_it():
    plain = b'{"a":1}' * 200_000
    assert pack_now(plain)[10:] == gzip.compress(plain, compresslevel=6, mtime=0)[10:]
    assert unpack(pack_now(plain)) == plain


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    return build(tmp_path_factory.mktemp("packed"), "ndjson", batch=20)


def build(path, target, **spec):
    ids = split_uuids(uuid_text(np.uint64(3), np.arange(COUNT, dtype=np.uint64)))
    route = "activity-stream/events/1"
    write_corpus(
        path / target,
        [
            Ping(
                id=id_,
                due_ms=1_700_000_000_000 + n,
                client=n % 3,
                ping="topsite_click",
                product="firefox",
                route=route,
                label="valid",
                expect="accept",
                method="POST",
                path=f"/submit/{route}/{id_}",
                body=msgspec.Raw(msgspec.json.encode({"client_id": id_, "n": n, "like_it": id_[:7]})),
            )
            for n, id_ in enumerate(ids)
        ],
        dialect="wire",
    )
    spec = TapeSpec(target=load_target(target), netloc="x", gzip=True, **spec)
    return TapeBuilder(open_corpus(path / target), spec).build()


def body_of(request: bytes) -> bytes:
    head, _, body = request.partition(b"\r\n\r\n")
    assert int(head.rpartition(b"Content-Length: ")[2]) == len(body)
    return body


def expected_body(tape, k: int, round_: int) -> bytes:
    """The first repetition's body with one id after the other replaced in the plain text."""
    text = gzip.decompress(body_of(tape.render(k, 0)))
    pings = np.arange(int(tape.first[k]), int(tape.first[k + 1]))
    for old, new in zip(tape.ids[pings], tape.ids_in_round(round_, pings), strict=True):
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("round_", [1, 2, 77, 123_456])
def test_each_repetition_has_its_ids_and_a_right_checksum(round_, tape):
    tape.rewrite(0, len(tape), round_)
    for k in range(len(tape)):
        body = body_of(tape.request(k))
        assert gzip.decompress(body) == expected_body(tape, k, round_)
        assert body == body_of(tape.render(k, round_))


def test_single_pings_and_mixed_lengths_too(tmp_path):
    tape = build(tmp_path, "structured")
    tape.rewrite(10, 30, 9)
    for k in range(COUNT):
        round_ = 9 if 10 <= k < 30 else 0
        assert gzip.decompress(body_of(tape.request(k))) == expected_body(tape, k, round_)


def test_only_what_is_to_be_repeated_pays_for_it(tmp_path, tape):
    once = build(tmp_path, "ndjson", batch=20, repeats=False)
    assert once.checksums is None
    assert len(once.places.ping) == 0
    plain, once_bytes, repeated_bytes = (
        sum(len(f(body_of(t.render(k, 0)))) for k in range(len(t)))
        for t, f in ((once, gzip.decompress), (once, bytes), (tape, bytes))
    )
    assert once_bytes < repeated_bytes < 2 * once_bytes < plain


@pytest.mark.skipif(shutil.which("gzip") is None, reason="needs gzip, whose inflate is no zlib")
def test_gzip_reads_a_repetition(tape):
    tape.rewrite(0, len(tape), 5)
    for k in range(len(tape)):
        done = subprocess.run(
            ["gzip", "-dc"], input=body_of(tape.request(k)), capture_output=True, check=True
        )
        assert done.stdout == expected_body(tape, k, 5)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_reads_a_repetition(tape):
    tape.rewrite(0, len(tape), 6)
    body = body_of(tape.request(1))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        done = subprocess.run(["curl", "-sS", "--compressed", url], capture_output=True, check=True)
    assert done.stdout == expected_body(tape, 1, 6)
