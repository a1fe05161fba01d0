"""Faults in a corpus: how many, where, and what they leave alone."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from fault_kit import DOCUMENT_ID, DUE_MS, address_of, code_of, endpoint_rules, subject
from hypothesis import given
from hypothesis import strategies as st

import simulator.simulation.cohort
from simulator.catalogue import ping_types
from simulator.catalogue.ping_type import example
from simulator.corpus import Kinds, PartWriter, open_corpus
from simulator.corpus.rows import Kind, Row
from simulator.endpoint.message import Request
from simulator.endpoint.receive import receive
from simulator.engine import generate
from simulator.faults import FAULTS, FaultPlan, Injector
from simulator.faults.fault import DRAWS
from simulator.faults.gzip_bomb import gzip_of_zeros
from simulator.faults.sites import dump
from simulator.records import VALID, Ping
from simulator.scenario import parse_scenario
from simulator.simulation import Plan
from simulator.wire import CARRIER_HEADERS, sentry_envelope

SCENARIO = """
format = 1
name = "with-faults"
start = 2021-12-15T00:00:00Z
duration = "1d"
clients = 60
cohort_clients = 60
"""
PINGS = ("topsite_click", "newtab_session", "cfr_impression_release")
CLIENTS = range(40, 60)


def made_rows(kinds: Kinds, *, a_client: int = 30) -> list[Row]:
    codes = {
        ping: kinds.code(Kind(ping, "firefox", subject(ping, "wire").route, address_of(ping, "wire")))
        for ping in PINGS
    }
    texts = {ping: dump(example(ping, "wire")) for ping in PINGS}
    return [
        (DUE_MS + n * 60_000 + client, client, codes[PINGS[n % 3]], texts[PINGS[n % 3]], None)
        for n in range(a_client)
        for client in CLIENTS
    ]


def new_kinds() -> Kinds:
    return Kinds(list(PINGS), [VALID, *FAULTS])


def injector(kinds: Kinds, share: float, **weights: float) -> Injector:
    plan = FaultPlan(
        share=share, weights=weights, late_ms=3_600_000, dialect="wire", start_ms=DUE_MS - 86_400_000
    )
    return Injector(plan, kinds, seed=5, clients=CLIENTS)


def labels(rows: list[Row], kinds: Kinds) -> Counter[str]:
    return Counter(kinds.kinds[row[2]].label for row in rows)


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_the_share_is_kept(share: float) -> None:
    kinds = new_kinds()
    rows = made_rows(kinds, a_client=300)
    count = len(rows)
    injector(kinds, share).apply(rows)
    broken = count - labels(rows, kinds)[VALID]
    tolerance = 4 * (count * share * (1 - share)) ** 0.5
    assert abs(broken - count * share) < tolerance


def test_everything_is_broken_where_the_share_is_one() -> None:
    kinds = new_kinds()
    rows = made_rows(kinds)
    injector(kinds, 1.0).apply(rows)
    assert labels(rows, kinds)[VALID] == 0
    assert {kinds.kinds[row[2]].expect for row in rows} == {"reject"}


def test_weights_choose() -> None:
    kinds = new_kinds()
    rows = made_rows(kinds, a_client=300)
    injector(kinds, 1.0, truncated_json=3.0, empty_body=1.0, wrong_type=0.0).apply(rows)
    found = labels(rows, kinds)
    assert set(found) == {"truncated_json", "empty_body"}
    assert 2.5 < found["truncated_json"] / found["empty_body"] < 3.6


def test_a_client_does_not_depend_on_the_others_or_on_the_stretches() -> None:
    """The same rows in one stretch or in many give the same pings."""
    at_once, in_stretches = [], []
    kinds = new_kinds()
    rows = made_rows(kinds)
    injector(kinds, 0.5).apply(rows)
    at_once = sorted((row[0], row[1], kinds.kinds[row[2]].label, row[3], row[4]) for row in rows)
    kinds = new_kinds()
    source, machine = made_rows(kinds), injector(kinds, 0.5)
    while source:
        stretch, source = source[:37], source[37:]
        machine.apply(stretch)
        in_stretches += [(row[0], row[1], kinds.kinds[row[2]].label, row[3], row[4]) for row in stretch]
    assert sorted(in_stretches) == at_once


def test_copies_come_after_their_originals() -> None:
    kinds = new_kinds()
    rows = made_rows(kinds)
    originals = {row[4]: row for row in rows}
    injector(kinds, 0.3, duplicate=1, duplicate_id=1).apply(rows)
    originals = {row[4]: row for row in rows if kinds.kinds[row[2]].label == VALID}
    copies = [row for row in rows if kinds.kinds[row[2]].label != VALID]
    assert len(originals) == len(CLIENTS) * 30
    assert copies
    for due_ms, client, code, text, id_ in copies:
        original = originals[id_]
        assert original[1] == client
        assert 1_000 <= due_ms - original[0] <= 600_000
        assert (text == original[3]) == (kinds.kinds[code].label == "duplicate")


def test_out_of_order_overtakes_the_ping_before() -> None:
    kinds = new_kinds()
    rows = made_rows(kinds)
    before = {row[1]: [] for row in rows}
    for row in rows:
        before[row[1]].append(row[0])
    injector(kinds, 1.0, out_of_order=1).apply(rows)
    for client in CLIENTS:
        own = [row for row in rows if row[1] == client]
        overtakers = [i for i, row in enumerate(own) if kinds.kinds[row[2]].label == "out_of_order"]
        assert overtakers == list(range(1, len(own))), "all but the first, which has none before it"
        assert all(own[i][0] < before[client][i - 1] for i in overtakers)


def generated(directory: Path, faults: str, *, dialect: str = "wire", clients: int = 60) -> list[Ping]:
    text = SCENARIO + faults
    scenario = parse_scenario(text, overrides={"dialect": dialect, "clients": clients})
    generate(Plan(scenario, scenario.seed, scenario.dialect), directory, scenario_text=text)
    return list(open_corpus(directory).pings())


@pytest.mark.parametrize("delivery", ["", "[delivery]\nnext_start = 0.2\nlater = 0.2\nlater_after = '1h'\n"])
@pytest.mark.parametrize("dialect", ["documented", "wire"])
def test_valid_pings_are_those_of_the_corpus_without_faults(
    tmp_path: Path, dialect: str, delivery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulator.simulation.cohort, "_WAITING_BEFORE_FLUSH", 500)
    everything = "".join(f"{name} = {0.001 if name == 'oversized_body' else 1}\n" for name in FAULTS)
    plain = generated(tmp_path / "plain", delivery, dialect=dialect)
    faults = "[faults]\nshare = 0.3\n[faults.weights]\n" + everything
    faulty = generated(tmp_path / "faulty", delivery + faults, dialect=dialect)
    of_plain = {ping.id: ping for ping in plain}
    valid = [ping for ping in faulty if ping.label == VALID]
    assert 0.6 * len(plain) < len(valid) < len(plain)
    assert all(ping == of_plain[ping.id] for ping in valid)
    assert {ping.id for ping in faulty} == set(of_plain), "every ping is there, broken or not"
    assert [(ping.due_ms, ping.client) for ping in faulty] == sorted(
        (ping.due_ms, ping.client) for ping in faulty
    )


def test_no_client_changes_when_others_come(tmp_path: Path) -> None:
    faults = "[faults]\nshare = 0.3\n"
    few = generated(tmp_path / "few", faults, clients=20)
    many = generated(tmp_path / "many", faults, clients=60)
    assert few == [ping for ping in many if ping.client < 20]


def test_records_carry_what_the_wire_needs(tmp_path: Path) -> None:
    weights = "not_gzip = 1\nwrong_content_length = 1\nempty_body = 1\n"
    pings = generated(tmp_path / "c", "[faults]\nshare = 1.0\n[faults.weights]\n" + weights)
    by_label = {ping.label: ping for ping in pings}
    assert by_label["not_gzip"].headers == {"Content-Encoding": "gzip"}
    assert json.loads(by_label["not_gzip"].payload())
    assert int(by_label["wrong_content_length"].headers["Content-Length"]) < len(
        by_label["wrong_content_length"].payload()
    )
    assert by_label["empty_body"].payload() == b""


def test_each_record_of_a_corpus_gets_the_answer_that_its_label_says(tmp_path: Path) -> None:
    """A fault that got lost on its way into the corpus would be a valid ping that is blamed on the endpoint."""
    heavy = {"oversized_body", "gzip_bomb"}
    weights = "".join(f"{name} = {0 if name in heavy else 1}\n" for name in FAULTS)
    pings = generated(tmp_path / "c", "[faults]\nshare = 0.9\n[faults.weights]\n" + weights)
    rules = endpoint_rules("wire")
    seen = set()
    for ping in pings:
        path, _, query = ping.path.partition("?")
        body = ping.payload()
        usual = CARRIER_HEADERS[ping_types()[ping.ping].carrier]
        headers = {"Content-Length": str(len(body)), **usual, **ping.headers}
        lowered = {name.lower().encode(): value.encode() for name, value in headers.items()}
        read = body[: int(headers["Content-Length"])]
        code = code_of(receive(Request(ping.method, path, query, lowered, read), rules))
        if ping.expect == "duplicate":
            continue
        assert code in (FAULTS[ping.label].codes if ping.label != VALID else ("ok",)), ping
        seen.add(ping.label)
    in_requests = {"bad_document_id", "wrong_version", "unknown_namespace", "wrong_content_type", "not_gzip"}
    assert seen >= in_requests | {VALID, "missing_required", "empty_body", "wrong_content_length"}


@given(st.lists(st.floats(0, 0.999_999), min_size=DRAWS, max_size=DRAWS), st.integers(60_001, 10**8))
def test_nothing_is_sent_further_from_its_time_than_the_fault_says(draws: list[float], late_ms: int) -> None:
    minute = 60_000
    one = subject("topsite_click", "wire", draws=draws, late_ms=late_ms)

    def moved(name: str) -> int:
        broken = FAULTS[name].make(one)
        assert broken is not None
        assert broken.due_ms is not None
        return broken.due_ms - DUE_MS

    assert minute <= moved("late") <= late_ms
    assert -10 * minute <= moved("early") < 0
    assert 1_000 <= moved("duplicate") <= 10 * minute
    assert one.previous_ms - DUE_MS - 1_000 <= moved("out_of_order") + 1 <= one.previous_ms - DUE_MS


@pytest.mark.parametrize("name", ["late", "early", "not_gzip"])
def test_a_payload_that_is_no_json_stays_none(name: str) -> None:
    """Sentry's envelopes stand in their records in base64; as text that would be another payload."""
    kinds = Kinds(["sentry_event"], [VALID, *FAULTS])
    code = kinds.code(Kind("sentry_event", "sourcegraph", "sentry/event/1", sentry_envelope(), base64=True))
    rows: list[Row] = [(DUE_MS, CLIENTS.start, code, '"e30K"', DOCUMENT_ID)]
    injector(kinds, 1.0, **{name: 1.0}).apply(rows)
    ((_, _, code, body, _),) = rows
    assert kinds.kinds[code].label == name
    assert kinds.kinds[code].base64
    assert (body == '"e30K"') == (FAULTS[name].expect == "accept")


def test_a_corpus_without_faults_never_meets_the_injector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("an injector was made")

    monkeypatch.setattr(Injector, "__init__", never)
    assert generated(tmp_path / "c", "")


def test_the_bomb_is_gzip_and_bounded() -> None:
    import gzip

    bomb = gzip_of_zeros(100_000)
    assert 100_000 <= len(gzip.decompress(bomb)) < 100_300
    assert len(bomb) < 1_000


def test_labels_have_places_in_the_index(tmp_path: Path) -> None:
    kinds = new_kinds()
    writer = PartWriter(tmp_path, 0, kinds=kinds, seed=5, clients=CLIENTS)
    rows = made_rows(kinds)
    injector(kinds, 0.5).apply(rows)
    expected = labels(rows, kinds)
    writer.flush(rows)
    assert writer.finish().labels == expected


def test_identity_halves_make_another_uuid() -> None:
    one = subject("cfr_impression_release", "wire")
    broken = FAULTS["both_identities"].make(one)
    assert broken is not None
    assert broken.text is not None
    document = json.loads(broken.text)
    assert len(document["client_id"]) == len(DOCUMENT_ID)
    assert document["client_id"] != DOCUMENT_ID
    assert document["impression_id"] == one.document["impression_id"]
