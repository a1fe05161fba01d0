"""Compressed answers are read as what they were, or said not to be readable."""

from __future__ import annotations

import gzip
import zlib

import pytest

from simulator.target.coding import decoded

TEXT = b'{"errors": false, "items": []}' * 50
LIMIT = 10_000


def gzipped(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)  # names of tests must not change with the time


def bare_deflate(text: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(text) + stream.flush()


@pytest.mark.parametrize(
    ("body", "codings"),
    [
        (TEXT, ""),
        (TEXT, "identity"),
        (gzipped(TEXT), "gzip"),
        (gzipped(TEXT), " X-GZIP "),
        (gzipped(TEXT[:700]) + gzipped(TEXT[700:]), "gzip"),
        (zlib.compress(TEXT), "deflate"),
        *[(zlib.compress(TEXT, level), "deflate") for level in (0, 1, 9)],
        (bare_deflate(TEXT), "deflate"),
        (gzipped(zlib.compress(TEXT)), "deflate, gzip"),
        (gzipped(TEXT), "gzip,identity"),
    ],
)
def test_a_body_is_what_it_was_before_it_was_compressed(body, codings):
    assert decoded(body, codings, at_most=LIMIT) == TEXT


def test_an_empty_body_is_empty_whatever_its_header_says():
    assert decoded(b"", "gzip", at_most=LIMIT) == b""


@pytest.mark.parametrize(
    ("body", "codings"),
    [
        (TEXT, "gzip"),
        (gzipped(TEXT)[:-9], "gzip"),
        (gzipped(TEXT) + b"more", "gzip"),
        (gzipped(TEXT).replace(b"\x1f", b"\x1e", 1), "gzip"),
        (TEXT, "br"),
        (gzipped(TEXT), "gzip, br"),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_none(body, codings):
    assert decoded(body, codings, at_most=LIMIT) is None


@pytest.mark.parametrize("pack", [gzipped, zlib.compress])
def test_a_small_answer_does_not_grow_beyond_what_it_may_have(pack):
    coding = "gzip" if pack is gzipped else "deflate"
    assert decoded(pack(bytes(LIMIT)), coding, at_most=LIMIT) == bytes(LIMIT)
    assert decoded(pack(bytes(LIMIT + 1)), coding, at_most=LIMIT) is None
    assert decoded(gzipped(bytes(LIMIT)) * 2, "gzip", at_most=LIMIT) is None
