"""The pure core: one request in, one receipt out."""

import gzip
from dataclasses import replace
from hashlib import shake_128

import orjson
import pytest
from endpoint_kit import GOOD, ROUTE, click, uid

from simulator.endpoint.answer import answer
from simulator.endpoint.message import Limits, Request
from simulator.endpoint.receive import receive_all


def told(receipt, *, duplicates=(), edge=False, limits=None):
    return answer(receipt, duplicates, limits=limits or Limits(), edge=edge)


def test_a_valid_ping_is_accepted_with_an_empty_answer(post):
    receipt = post(click(1), GOOD)
    (decision,) = receipt.decisions
    assert (decision.id, decision.code, decision.route) == (uid(1), "ok", ROUTE)
    assert decision.payload == b'{"who": "a", "clicks": 3}'
    assert told(receipt).status == 200
    assert told(receipt).body == b""


def test_put_is_as_good_as_post(post):
    assert post(click(1), GOOD, method="PUT").decisions[0].code == "ok"


def test_ids_are_kept_in_lower_case(post):
    assert post(click(0xABC).upper().replace("/SUBMIT/SHOP/CLICK", "/submit/shop/click"), GOOD).decisions[
        0
    ].id == uid(0xABC)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_body"),
        (b" \n", "empty_body"),
        (b"{", "bad_json"),
        (b'{"who":"a"} x', "bad_json"),
        (b'{"who":NaN}', "bad_json"),
        (b'{"who":"a\x00"}', "bad_json"),
        (b'{"who":"\xff"}', "bad_utf8"),
        (b'{"who":"a","who":"b"}', "duplicate_key"),
        (b'{"who":"a", "x":{"k":1,"k":2}}', "duplicate_key"),
        (b"[" * 5000, "too_deep"),
        (b"[" * 300 + b"]" * 300, "too_deep"),
        (b"[]", "wrong_type"),
        (b"{}", "missing_required"),
        (b'{"who":""}', "wrong_length"),
        (b'{"who":1}', "wrong_type"),
        (b'{"who":"a","clicks":-1}', "out_of_range"),
        (b'{"who":"a","clicks":1e400}', "bad_json"),
        (b'{"who":"a","more":1}', "additional_property"),
    ],
)
def test_a_bad_body_is_refused_with_its_code(post, body, code):
    receipt = post(click(1), body)
    assert receipt.decisions[0].code == code
    assert receipt.decisions[0].id == uid(1)
    assert told(receipt).status == 400
    assert code.encode() in told(receipt).body


@pytest.mark.parametrize("body", [b'{ "who" : "a" }', b'{"who":"\\u00e9"}', b'{"who":"a","clicks":1.0}'])
def test_another_spelling_of_the_same_json_is_no_duplicate_key(post, body):
    assert post(click(1), body).decisions[0].code == "ok"


@pytest.mark.parametrize(
    ("method", "path", "query", "status", "code"),
    [
        ("POST", "/submit/shop/click/1/not-a-uuid", "", 400, "bad_document_id"),
        ("POST", f"/submit/shop/click/2/{uid(1)}", "", 404, "unknown_route"),
        ("POST", f"/submit/shop/buy/1/{uid(1)}", "", 404, "unknown_route"),
        ("POST", click(1) + "/", "", 404, "not_found"),
        ("POST", "//" + click(1), "", 404, "not_found"),
        ("POST", "/submit/shop/click/1", "", 404, "not_found"),
        ("POST", "/submit", "", 404, "not_found"),
        ("POST", "/", "", 404, "not_found"),
        ("POST", "/api/1/store", "", 404, "not_found"),
        ("GET", click(1), "", 405, "method_not_allowed"),
        ("DELETE", click(1), "", 405, "method_not_allowed"),
        ("PUT", "/batch", "", 405, "method_not_allowed"),
        ("PUT", "/.api/graphql", "", 405, "method_not_allowed"),
        ("POST", click(1), "x" * 1025, 431, "header_too_large"),
        ("POST", "/submit/shop/click/1/" + "x" * 1004, "", 431, "path_too_long"),
    ],
)
def test_the_request_line(post, method, path, query, status, code):
    receipt = post(path, GOOD, method=method, query=query)
    assert told(receipt).status == status
    assert code.encode() in told(receipt).body


def test_a_path_too_long_may_be_told_as_414(post):
    receipt = post("/submit/shop/click/1/" + "x" * 1004, GOOD)
    assert told(receipt, limits=Limits(path_too_long=414)).status == 414


def test_1024_bytes_pass_where_1025_do_not(post):
    assert post(click(1), GOOD, query="x" * 1024).decisions[0].code == "ok"
    assert post(click(1), GOOD, headers={b"user-agent": b"x" * 1024}).decisions[0].code == "ok"
    assert post(click(1), GOOD, headers={b"user-agent": b"x" * 1025}).refusal == "header_too_large"
    assert post(click(1), GOOD, headers={b"x-other": b"x" * 5000}).decisions[0].code == "ok"


def test_a_body_without_length_is_refused_unless_it_comes_in_chunks(the_rules, post):
    from simulator.endpoint.message import Request
    from simulator.endpoint.receive import receive

    bare = Request("POST", click(1), "", {}, b"")
    assert receive(bare, the_rules).refusal == "length_required"
    chunked = Request("POST", click(1), "", {b"transfer-encoding": b"chunked"}, b'{"who":"a"}')
    assert receive(chunked, the_rules).decisions[0].code == "ok"


def test_the_length_alone_refuses_a_body(post):
    receipt = post(click(1), b"", headers={b"content-length": b"10001"})
    assert receipt.refusal == "body_too_large"
    assert told(receipt).status == 413
    assert (
        post(click(1), b'{"who":"' + b"a" * 9_990 + b'"}', headers={b"content-length": b"10000"}).refusal
        == "ok"
    )


@pytest.mark.parametrize("headers", [{b"content-encoding": b"gzip"}, {b"content-encoding": b"X-Gzip"}, {}])
def test_gzip_is_undone_even_if_no_header_tells(post, headers):
    packed = gzip.compress(b'{"who":"a"}', mtime=0)
    assert post(click(1), packed, headers=headers).decisions[0].payload == b'{"who":"a"}'


def test_several_gzip_members_are_one_body(post):
    assert (
        post(click(1), gzip.compress(b'{"who":', mtime=0) + gzip.compress(b'"a"}', mtime=0)).decisions[0].code
        == "ok"
    )


def test_gzip_members_may_be_as_long_as_they_like_and_hold_nothing(post):
    cut = [b'{"who":"', b"a" * 5000, b"", shake_128(b"").hexdigest(6000).encode(), b"", b'"}']
    receipt = post(click(1), b"".join(gzip.compress(one, mtime=0) for one in cut))
    assert receipt.decisions[0].code == "ok"
    assert receipt.decisions[0].payload == b"".join(cut)


@pytest.mark.parametrize(
    ("members", "code"),
    [(999, "empty_body"), (1000, "empty_body"), (1001, "bad_gzip"), (400_000, "bad_gzip")],
)
def test_gzip_members_have_a_most_even_if_they_hold_nothing(post, the_rules, members, code):
    """Each costs as much as a small ping, so a body full of them would hold up all others for minutes."""
    roomy = replace(the_rules, limits=Limits())
    receipt = post(click(1), gzip.compress(b"", mtime=0) * members, edge_rules=roomy)
    assert receipt.decisions[0].code == code


def test_a_later_gzip_member_may_not_end_early_or_grow_too_large(post):
    first = gzip.compress(b"[", mtime=0)
    assert post(click(1), first + gzip.compress(b"1]", mtime=0)[:-1]).refusal == "bad_gzip"
    assert post(click(1), first + gzip.compress(b" " * 20_000, mtime=0)).refusal == "inflated_too_large"


@pytest.mark.parametrize(
    ("body", "encoding", "status", "code"),
    [
        (b'{"who":"a"}', b"gzip", 400, "bad_gzip"),
        (gzip.compress(b'{"who":"a"}', mtime=0)[:-3], b"gzip", 400, "bad_gzip"),
        (gzip.compress(b'{"who":"a"}', mtime=0) + b"rubbish", b"gzip", 400, "bad_gzip"),
        (b"\x1f\x8b\x08", None, 400, "bad_gzip"),
        (b'{"who":"a"}', b"br", 400, "unsupported_encoding"),
        (gzip.compress(b" " * 20_001, mtime=0), b"gzip", 413, "inflated_too_large"),
    ],
)
def test_bad_compression(post, body, encoding, status, code):
    receipt = post(click(1), body, headers={} if encoding is None else {b"content-encoding": encoding})
    assert receipt.decisions[0].code == code
    assert told(receipt).status == status


def test_the_legacy_path(post):
    path = f"/submit/telemetry/{uid(1)}/event/Firefox/95.0/release/20211129150630"
    (decision,) = post(path, {"type": "event"}, query="v=4").decisions
    assert (decision.id, decision.code, decision.route) == (uid(1), "ok", "telemetry/event/4")
    assert post(path, {"type": "event"}, query="v=5").decisions[0].code == "unknown_route"


def test_four_segments_of_no_namespace_are_glean(post):
    (decision,) = post(f"/submit/firefox-desktop/baseline/1/{uid(1)}", {"ping_info": {}}).decisions
    assert (decision.code, decision.route) == ("ok", "glean/glean/1")
    assert post(f"/submit/firefox-desktop/baseline/2/{uid(1)}", {}).decisions[0].code == "unknown_route"


def test_as_the_real_edge_everything_routable_is_200_but_the_ledger_knows(post):
    receipt = post(click(1), b"rubbish")
    assert receipt.decisions[0].code == "bad_json"
    assert told(receipt, edge=True).status == 200
    assert told(receipt, edge=True).body == b""
    assert told(post("/submit/shop", b""), edge=True).status == 404
    assert told(post(click(1), b"", headers={b"content-length": b"10001"}), edge=True).status == 413


def test_a_duplicate_is_200_and_says_so(post):
    receipt = post(click(1), GOOD)
    assert told(receipt, duplicates=[0]).status == 200
    assert b'"duplicate"' in told(receipt, duplicates=[0]).body


def test_without_a_document_id_the_ledger_key_is_given_or_made_from_the_content(post):
    bad = "/submit/shop/click/1/not-a-uuid"
    given = post(bad, GOOD, headers={b"x-telsim-record-id": uid(7).upper().encode()}).decisions[0].id
    assert given == uid(7)
    first, second, other = (post(bad, body).decisions[0].id for body in (GOOD, GOOD, {"who": "b"}))
    assert first == second != other


def test_what_is_no_ping_gets_no_ledger_entry(post):
    assert post("/", GOOD).decisions == []
    assert post(click(1), method="GET").decisions == []
    assert post("/batch", b"x", headers={b"content-length": b"10001"}).decisions == []


@pytest.mark.parametrize(
    ("body", "code", "place"),
    [
        (b'{"who":"a","clicks":"SECRET"}', "wrong_type", "$.clicks"),
        (b'{"clicks":123456}', "missing_required", "$.who"),
        (b'{"who":"a","more of it":"SECRET"}', "additional_property", '$["more of it"]'),
        (b'"SECRET"', "wrong_type", "$"),
        (b'{"who":"a","%b":1}' % (b"k" * 9000), "additional_property", "$." + "k" * 198 + "\u2026"),
    ],
)
def test_the_answer_to_a_document_that_does_not_fit_names_the_place_and_no_value(post, body, code, place):
    given = told(post(click(1), body))
    assert given.status == 400
    assert orjson.loads(given.body) == {
        "code": code,
        "message": f"the document does not fit its schema at {place}",
    }


def test_each_of_several_requests_is_told_its_own_place(the_rules):
    bodies = [b'{"who":1}', b'{"who":"a"}', b"{", b'{"who":"a","clicks":-1}']
    requests = [
        Request("POST", click(number), "", {b"content-length": b"1"}, body)
        for number, body in enumerate(bodies)
    ]
    details = [receipt.detail for receipt in receive_all(requests, the_rules)]
    assert details[0].endswith(" at $.who")
    assert details[1] == ""
    assert "$" not in details[2]
    assert details[3].endswith(" at $.clicks")
