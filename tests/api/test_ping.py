"""Single pings: every type, believable, overridden, judged, broken."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

import simulator
from simulator.catalogue import ping_types
from simulator.errors import UsageError
from simulator.faults import FAULTS
from simulator.fixtures.pool import Pool
from simulator.records import DIALECTS

EVERY = [(name, dialect) for name, row in ping_types().items() for dialect in row.dialects]
HEAVY = {"oversized_body": "body_too_large", "gzip_bomb": "inflated_too_large"}
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dialect"), EVERY)
def test_every_type_is_valid_and_its_own_document(name, dialect) -> None:
    one, other = (simulator.ping(name, dialect=dialect, seed=seed) for seed in (1, 2))
    assert one == simulator.ping(name, dialect=dialect, seed=1)
    assert one.id != other.id
    assert ID.fullmatch(one.id)
    assert (one.ping, one.label, one.expect) == (name, "valid", "accept")
    assert one.route == ping_types()[name].routes[dialect]
    assert simulator.validate(one, dialect=dialect) == []
    assert simulator.validate(one) == []


@pytest.mark.parametrize("name", ["event_ping", "main_ping", "sentry_event"])
def test_the_payload_repeats_the_new_document_id(name) -> None:
    made = simulator.ping(name, dialect="wire", seed=9)
    inside = made.json().get("id") or made.json()["event_id"]
    assert inside.replace("-", "") == made.id.replace("-", "")


def test_overrides_of_the_record_and_deep_in_the_payload() -> None:
    made = simulator.ping(
        "newtab_session",
        client=7,
        due_ms=1_700_000_000_000,
        body={"page": "about:home", "perf": {"load_trigger_type": "first_window_opened"}},
        **{"body.perf.visibility_event_rcvd_ts": 12.5},
    )
    assert (made.client, made.due_ms) == (7, 1_700_000_000_000)
    body = made.json()
    assert body["page"] == "about:home"
    assert body["perf"]["load_trigger_type"] == "first_window_opened"
    assert body["perf"]["visibility_event_rcvd_ts"] == 12.5
    assert len(body["perf"]) > 2, "a mapping is merged, it replaces nothing else"


def test_overrides_go_on_inside_json_text() -> None:
    made = simulator.ping("topsite_click", dialect="wire", body={"value": {"card_type": "pinned"}})
    value = made.json()["value"]
    assert isinstance(value, str)
    assert '"card_type":"pinned"' in value
    assert '"icon_type"' in value
    same = simulator.ping("topsite_click", dialect="wire", **{"body.value.card_type": "pinned"})
    assert same == made


def test_lists_and_removal() -> None:
    made = simulator.ping("story_impression_stats", **{"body.tiles.0.id": 42})
    assert made.json()["tiles"][0]["id"] == 42
    assert made.label == "valid"
    fewer = simulator.ping("story_impression_stats", without=["body.tiles.0"])
    assert len(fewer.json()["tiles"]) == len(made.json()["tiles"]) - 1


def test_a_single_path_to_leave_out_may_stand_alone() -> None:
    made = simulator.ping("topsite_click", without="body.page")
    assert made == simulator.ping("topsite_click", without=["body.page"])


def test_an_override_that_breaks_the_ping_is_labelled() -> None:
    broken = simulator.ping("topsite_click", without=["body.addon_version"])
    assert (broken.label, broken.expect) == ("overridden", "reject")
    assert [problem.code for problem in simulator.validate(broken)] == ["missing_required"]
    mine = simulator.ping("topsite_click", without=["body.addon_version"], label="mine")
    assert mine.label == "mine"


@pytest.mark.parametrize("body", ["{not json", b"\xff\xfe", '{"name":"M\u00fcller"}'])
def test_the_whole_payload_can_be_given_as_it_is(body) -> None:
    made = simulator.ping("topsite_click", body=body)
    assert made.payload() == (body.encode() if isinstance(body, str) else body)
    assert made.expect == "reject"


def test_a_new_id_reaches_path_and_payload() -> None:
    new = "00000000-0000-4000-8000-000000000001"
    made = simulator.ping("event_ping", dialect="wire", id=new)
    assert new in made.path
    assert made.json()["id"] == new
    assert simulator.validate(made) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"type_": "topsite_clik"}, "did you mean 'topsite_click'"),
        ({"type_": "topsite_click", "dialect": "spoken"}, "documented and wire"),
        ({"type_": "experiment_reach", "dialect": "wire"}, "not sent on its own in the wire dialect"),
        ({"type_": "topsite_click", "clint": 3}, "did you mean 'client'"),
        ({"type_": "topsite_click", "action_position": 3}, "write body={'action_position'"),
        ({"type_": "topsite_click", "body.no.such": 3}, "has no 'no'"),
        ({"type_": "topsite_click", "body.event.deeper": 3}, "nothing at 'deeper'"),
        ({"type_": "topsite_click", "headers.X-Mine": "a"}, "give all of headers: headers=..."),
        ({"type_": "topsite_click", "client": "seven"}, "client='seven': Expected `int`"),
        ({"type_": "topsite_click", "expect": "maybe"}, "expect='maybe'"),
        ({"type_": "topsite_click", "headers": {"X-Mine": 1}}, "Expected `str`"),
        ({"type_": "topsite_click", "without": ["body.nothing"]}, "has no 'nothing'"),
        ({"type_": "topsite_click", "body": {"event": object()}}, "cannot be JSON"),
    ],
)
def test_mistakes_are_told_with_what_to_do(arguments, says) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        simulator.ping(arguments.pop("type_"), **arguments)


@pytest.mark.parametrize(("name", "dialect"), EVERY)
def test_every_fault_that_applies_is_found_by_validate(name, dialect) -> None:
    made = simulator.ping(name, dialect=dialect)
    applied = 0
    for how, fault in FAULTS.items():
        if how in HEAVY:
            continue
        try:
            broken = simulator.corrupt(made, how, dialect=dialect)
        except UsageError:
            continue
        applied += 1
        assert (broken.label, broken.expect) == (how, fault.expect)
        codes = {problem.code for problem in simulator.validate(broken, dialect=dialect)}
        assert bool(codes) == (fault.expect == "reject"), how
        assert not codes or codes & set(fault.codes), how
    assert applied > 10


@pytest.mark.parametrize(("how", "code"), HEAVY.items())
@pytest.mark.parametrize(
    "type_", ["topsite_click", "event_ping", "glean_events_ping", "sentry_event", "sourcegraph_log_event"]
)
def test_what_weighs_much_is_found(type_, how, code) -> None:
    """One type of each carrier: nothing of the document shows in these faults."""
    broken = simulator.corrupt(simulator.ping(type_, dialect="wire"), how, dialect="wire")
    assert [problem.code for problem in simulator.validate(broken, dialect="wire")] == [code]


def test_corrupt_leaves_the_original_alone_and_knows_its_faults() -> None:
    made = simulator.ping("topsite_click")
    before = made.payload()
    simulator.corrupt(made, "wrong_type")
    assert made.payload() == before
    with pytest.raises(UsageError, match="did you mean 'missing_required'"):
        simulator.corrupt(made, "missing_requird")
    with pytest.raises(UsageError, match="nothing that 'bad_document_id' could break"):
        simulator.corrupt(simulator.ping("sentry_event"), "bad_document_id")


def test_a_dialect_that_is_none_is_not_taken_for_a_directory() -> None:
    click = simulator.ping("topsite_click")
    for judged in (
        lambda: simulator.validate(click, dialect="spoken"),
        lambda: simulator.corrupt(click, "wrong_type", dialect="spoken"),
    ):
        with pytest.raises(UsageError, match="no dialect is called 'spoken'"):
            judged()


def test_validate_by_somebody_elses_schemas(tmp_path) -> None:
    place = tmp_path / "activity-stream" / "events"
    place.mkdir(parents=True)
    (place / "events.1.schema.json").write_text('{"type": "object", "required": ["shoe_size"]}')
    (problem,) = simulator.validate(simulator.ping("topsite_click"), schemas=tmp_path)
    assert (problem.path, problem.code) == ("$.shoe_size", "missing_required")


@given(st.text(max_size=40), st.integers(-(2**53), 2**53), st.integers(0, 2**63 - 1))
def test_any_override_comes_out_as_it_went_in(text, number, seed) -> None:
    made = simulator.ping("topsite_click", seed=seed, body={"odd": text, "deep": {"er": [number, None]}})
    assert made.json()["odd"] == text
    assert made.json()["deep"] == {"er": [number, None]}
    assert made.payload().isascii()


def test_repr_is_short_and_a_notebook_gets_the_payload() -> None:
    made = simulator.ping("topsite_click", client=7)
    assert repr(made).startswith(f"<Ping topsite_click {made.id}: client 7, 2021-12-")
    assert len(repr(made)) < 200
    assert "&quot;event&quot;: &quot;CLICK&quot;" in made._repr_html_()
    never = simulator.ping("topsite_click", due_ms=2**62, body="{<b>")
    assert f"{2**62} ms" in repr(never)
    assert "{&lt;b&gt;" in never._repr_html_()


@pytest.mark.parametrize(
    ("type_", "seed", "how"),
    [
        ("infobar_event", 0, "missing_required"),  # the documents require a key there that the wire does not
        ("spotlight_event", 2, "extra_braces"),
    ],
)
def test_a_ping_that_fits_both_dialects_is_broken_for_both(type_: str, seed: int, how: str) -> None:
    ping = simulator.ping(type_, dialect="wire", seed=seed)
    assert simulator.validate(ping, dialect="documented") == []
    broken = simulator.corrupt(ping, how)
    for dialect in DIALECTS:
        codes = {problem.code for problem in simulator.validate(broken, dialect=dialect)}
        assert codes & set(FAULTS[how].codes)


def test_what_was_asked_for_before_changes_nothing() -> None:
    rare_first, common_first = (Pool(simulator.simulate("smoke", clients=40)) for _ in range(2))
    assert rare_first.of("no_such_ping") == []
    common = list(common_first.of("newtab_session"))
    assert len(common) == 50
    assert list(rare_first.of("newtab_session")) == common
    assert list(common_first.of("topsite_click")) == list(rare_first.of("topsite_click"))


def test_threads_may_share_a_pool() -> None:
    types = ("newtab_session", "topsite_click", "story_click_stats", "cfr_impression_release")
    alone, shared = (Pool(simulator.simulate("smoke", clients=40)) for _ in range(2))
    with ThreadPoolExecutor(len(types)) as threads:
        assert list(threads.map(shared.of, types)) == [alone.of(type_) for type_ in types]
