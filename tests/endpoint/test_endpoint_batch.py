"""The batch route: every ping is decided for itself."""

import base64
import gzip
import json
import time
from dataclasses import replace

import pytest
from endpoint_kit import GOOD, ROUTE, click, uid
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.endpoint.answer import answer
from simulator.endpoint.decode import parse, parse_together
from simulator.endpoint.message import Limits
from simulator.endpoint.routing import UUID, uuids

BAD = {"who": 1}
ND = {b"content-type": b"application/x-ndjson"}


def item(number, body=None, **more):
    return {"id": uid(number), "route": ROUTE, "body": GOOD if body is None else body, **more}


def codes(receipt):
    return [decision.code for decision in receipt.decisions]


def told(receipt, duplicates=()):
    given = answer(receipt, duplicates, limits=Limits())
    return given.status, json.loads(given.body)


def as_lines(items):
    return "\n".join(json.dumps(one, separators=(",", ":")) for one in items).encode()


@pytest.mark.parametrize("form", ["array", "lines"])
def test_each_ping_gets_its_own_code(post, form):
    items = [item(1), item(2, BAD), item(3), item(4) | {"route": "no/such/1"}, item(5) | {"id": "x"}]
    body = items if form == "array" else as_lines(items)
    receipt = post("/batch", body)
    assert codes(receipt) == ["ok", "wrong_type", "ok", "unknown_route", "bad_document_id"]
    assert told(receipt) == (
        207,
        {
            "accepted": 2,
            "rejected": 3,
            "duplicates": 0,
            "results": [[1, "wrong_type"], [3, "unknown_route"], [4, "bad_document_id"]],
        },
    )


@pytest.mark.parametrize(
    ("items", "status"), [([item(1), item(2)], 200), ([item(1), item(2, BAD)], 207), ([item(1, BAD)], 400)]
)
def test_the_status_says_all_some_or_none(post, items, status):
    assert told(post("/batch", items))[0] == status


def test_duplicates_are_counted_apart(post):
    receipt = post("/batch", [item(1), item(2, BAD), item(3)])
    assert told(receipt, [2]) == (
        207,
        {"accepted": 1, "rejected": 1, "duplicates": 1, "results": [[1, "wrong_type"], [2, "duplicate"]]},
    )


def test_a_corpus_record_is_an_item(post):
    record = item(1) | {
        "due_ms": 1700000000123,
        "client": 17,
        "ping": "click",
        "product": "shop",
        "label": "valid",
        "expect": "accept",
        "method": "POST",
        "path": click(1),
    }
    receipt = post("/batch", as_lines([record]), headers={b"content-type": b"application/x-ndjson"})
    assert codes(receipt) == ["ok"]
    assert receipt.decisions[0].payload == json.dumps(GOOD, separators=(",", ":")).encode()


def test_where_path_and_id_differ_the_path_decides_and_the_id_names_the_entry(post):
    receipt = post(
        "/batch",
        [item(1, path="/submit/shop/click/1/no-uuid"), item(2, path="/submit/shop/click/9/" + uid(2))],
    )
    assert codes(receipt) == ["bad_document_id", "unknown_route"]
    assert [decision.id for decision in receipt.decisions] == [uid(1), uid(2)]


def test_a_path_alone_is_enough(post):
    receipt = post(
        "/batch",
        [
            {"path": click(1), "body": GOOD},
            {"path": f"/submit/app/events/1/{uid(2)}", "body": {"ping_info": {}}},
        ],
    )
    assert [(one.id, one.route, one.code) for one in receipt.decisions] == [
        (uid(1), ROUTE, "ok"),
        (uid(2), "glean/glean/1", "ok"),
    ]


def test_bytes_that_are_not_json_travel_in_base64(post):
    def packed(raw):
        return base64.b64encode(raw).decode()

    items = [
        {"id": uid(1), "route": ROUTE, "body_b64": packed(b'{"who":"a"')},
        {"id": uid(2), "route": ROUTE, "body_b64": packed(b'{"who":"\xff"}')},
        {"id": uid(3), "route": ROUTE, "body_b64": packed(gzip.compress(b'{"who":"a"}', mtime=0))},
        {"id": uid(4), "route": ROUTE, "body_b64": packed(b"plain"), "headers": {"Content-Encoding": "gzip"}},
        {"id": uid(5), "route": ROUTE, "body_b64": "%%%"},
        {"id": uid(6), "route": ROUTE, "body_b64": packed(gzip.compress(b" " * 30_000, mtime=0))},
    ]
    assert codes(post("/batch", items)) == [
        "bad_json",
        "bad_utf8",
        "ok",
        "bad_gzip",
        "bad_item",
        "inflated_too_large",
    ]


ODD = {
    "spaces": b'{"id":"%b","route":"shop/click/1","body":{"who": "a"}}',
    "wrong type": b'{"id":"%b","route":"shop/click/1","body":{"who":1}}',
    "twice": b'{"id":"%b","route":"shop/click/1","body":{"who":"a","who":"b"}}',
    "upper case": b'{"id":"%b","route":"shop/click/1","body":{"who":"a"},"path":"/submit/shop/click/1/%b"}',
    "unknown": b'{"id":"%b","route":"no/such/1","body":{"who":"a"}}',
    "no id": b'{"route":"shop/click/1","body":{"who":"a"}}',
    "no body": b'{"id":"%b","route":"shop/click/1"}',
    "no item": b'"%b"',
    "deep": b'{"id":"%b","route":"shop/click/1","body":{"who":"a","more":%b}}',
    "packed": b'{"id":"%b","route":"shop/click/1","body_b64":"eyJ3aG8iOiJhIn0="}',
}


def odd_item(kind, number):
    key = uid(number).encode()
    if kind == "upper case":
        key = key.upper()
        return ODD[kind] % (key, key)
    if kind == "deep":
        return ODD[kind] % (key, b"[" * 300 + b"]" * 300)
    return ODD[kind] % key if b"%b" in ODD[kind] else ODD[kind]


@given(
    kinds=st.lists(st.none() | st.sampled_from(sorted(ODD)), min_size=1, max_size=70),
    form=st.sampled_from(["array", "lines"]),
)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
def test_a_ping_is_judged_alike_alone_and_among_others(post, the_rules, kinds, form):
    """Usual items are judged in one go; whatever stands beside them must not change what becomes of any."""
    usual = b'{"id":"%b","route":"shop/click/1","body":{"who":"a"}}'
    raw = [
        usual % uid(number).encode() if kind is None else odd_item(kind, number)
        for number, kind in enumerate(kinds)
    ]
    body = b"[" + b",".join(raw) + b"]" if form == "array" else b"\n".join(raw)
    headers = {b"content-type": b"application/x-ndjson"} if form == "lines" else {}
    roomy = replace(the_rules, limits=Limits())
    alone = [decision for one in raw for decision in post("/batch", b"[" + one + b"]").decisions]
    together = post("/batch", body, headers=headers, edge_rules=roomy).decisions
    assert together == alone
    assert [one.code == "ok" for one in together] == [
        kind in (None, "spaces", "upper case", "packed") for kind in kinds
    ]


@pytest.mark.slow
@given(
    ids=st.lists(
        st.from_regex(UUID, fullmatch=True)
        | st.text(alphabet="0aF-, \n\u0661", max_size=40)
        | st.sampled_from([uid(1) + ",", "," + uid(1), uid(1)[:-1] + " ", uid(1).replace("-", "0"), ""]),
        max_size=5,
    )
)
@settings(deadline=None, derandomize=True)
def test_many_ids_are_uuids_if_each_is(ids):
    wanted = [one.lower() for one in ids] if all(UUID.fullmatch(one) for one in ids) else None
    assert uuids(ids) == wanted


@given(
    ids=st.lists(
        st.sampled_from(["", ",", uid(1), uid(1) + "," + uid(2), uid(1)[:20], uid(1)[20:]]), max_size=4
    )
)
@settings(deadline=None, derandomize=True)
def test_ids_cut_at_other_places_are_no_uuids(ids):
    assert (uuids(ids) is not None) == all(UUID.fullmatch(one) for one in ids)


@given(
    texts=st.lists(
        st.sampled_from([b"1", b"{}", b'{"a":1}', b"[1,2]", b'{"a":1,"a":2}', b"1.0", b"1.50", b" 1"])
    )
)
def test_texts_parsed_together_are_the_same_as_one_by_one(texts):
    together = parse_together(texts)
    if together is None:
        assert any(parse_together([text]) is None for text in texts)
    else:
        assert together == [parse(text) for text in texts]


def test_what_is_not_an_item_rejects_only_itself(post):
    assert codes(post("/batch", [item(1), 5, {"id": 7}, "x", None, {}, item(2)])) == [
        "ok",
        "bad_item",
        "bad_item",
        "bad_item",
        "bad_item",
        "bad_document_id",
        "ok",
    ]


def test_a_broken_line_rejects_only_itself(post):
    body = as_lines([item(1)]) + b"\n{broken\n\n" + as_lines([item(2)]) + b"\n"
    assert codes(post("/batch", body)) == ["ok", "bad_item", "ok"]


def test_two_objects_on_a_line_are_not_two_pings(post):
    one, two = as_lines([item(1)]), as_lines([item(2)])
    assert codes(post("/batch", one + b"," + two)) == ["bad_item"]


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (['{"id":"%s"', '"route":"shop/click/1","body":{"who":"a"}}', "{one},{two}"], ["bad_item"] * 3),
        (['{"id":"%s",', '"route":"shop/click/1","body":{"who":"a"}}', "{one} {two}"], ["bad_item"] * 3),
        (['{"id":"%s",', '"route":"shop/click/1","body":{"who":"a"}}', "{one}{two}"], ["bad_item"] * 3),
        (["[{one}", "{two}]"], ["bad_item"] * 2),
        (["{one}\r", "\t{two} ", "", "\r"], ["ok", "ok"]),
    ],
)
def test_every_line_is_an_item_by_itself(post, lines, wanted):
    one, two = (as_lines([item(number)]).decode() for number in (1, 2))
    text = "\n".join(lines).replace("%s", uid(3)).replace("{one}", one).replace("{two}", two)
    receipt = post("/batch", text.encode(), headers={b"content-type": b"application/x-ndjson"})
    assert codes(receipt) == wanted


def test_duplicate_keys_are_found_inside_a_batch(post):
    text = b'[{"id":"%b","route":"shop/click/1","body":{"who":"a","who":"b"}}]' % uid(1).encode()
    assert codes(post("/batch", text)) == ["duplicate_key"]


def test_of_keys_that_an_item_has_twice_the_last_counts(post):
    text = b'[{"id":"x","id":"%b","route":"no/such/1","route":"shop/click/1","body":1,"body":{"who":"a"}}]'
    (decision,) = post("/batch", text % uid(1).encode()).decisions
    assert (decision.id, decision.route, decision.code) == (uid(1), ROUTE, "ok")
    assert decision.payload == b'{"who":"a"}'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_body"),
        (b"[", "bad_json"),
        (b"5", "bad_json"),
        (b"[\xff]", "bad_utf8"),
        (b"[" * 20_000, "too_deep"),
    ],
)
def test_an_unreadable_batch_is_refused_as_a_whole(post, the_rules, body, code):
    receipt = post("/batch", body, edge_rules=replace(the_rules, limits=Limits()))
    assert (receipt.refusal, receipt.decisions) == (code, [])


def test_a_batch_has_a_most(post, the_rules):
    few = replace(the_rules, limits=Limits(batch_items=2))
    for items in ([item(1), item(2), item(3)], [item(1), 1, 1], [1, 1, 1], [{}, {}, {}]):
        for body in (items, as_lines(items)):
            receipt = post("/batch", body, headers=ND if isinstance(body, bytes) else {}, edge_rules=few)
            assert (receipt.refusal, receipt.decisions) == ("body_too_large", [])
    assert len(post("/batch", as_lines([item(1), 1]), headers=ND, edge_rules=few).decisions) == 2


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("separator", [b",", b"\n"], ids=["array", "lines"])
def test_a_batch_of_far_too_many_is_not_looked_at_one_by_one(post, the_rules, separator):
    """Four times the items that are refused must not take four times as long as the items that are taken."""

    def seconds(count):
        body = separator.join([b"1"] * count)
        body, headers = (b"[%b]" % body, {}) if separator == b"," else (body, ND)
        began = time.perf_counter()
        receipt = post("/batch", body, headers=headers, edge_rules=roomy)
        assert len(receipt.decisions) == (count if count <= 50_000 else 0)
        return time.perf_counter() - began

    roomy = replace(the_rules, limits=Limits())
    assert min(seconds(200_000) for _ in range(3)) < min(seconds(50_000) for _ in range(3))
