"""Sourcegraph's mutations: 200 with data, or 200 with errors and no data; a batch as a whole."""

import json
import time
from dataclasses import replace

import pytest
from endpoint_kit import uid

from simulator.endpoint.answer import answer
from simulator.endpoint.message import Limits

LOG_EVENT = "mutation logEvent($name: String!) { logEvent(event: $name) { alwaysNil } }"
LOG_USER_EVENT = "mutation logUserEvent($event: UserEvent!) { logUserEvent(event: $event) { alwaysNil } }"
LOG_EVENTS = "mutation LogEvents($events: [Event!]) { logEvents(events: $events) { alwaysNil } }"


def body(query=LOG_EVENT, **variables):
    return {"query": query, "variables": {"source": "WEB"} | variables}


def told(receipt):
    given = answer(receipt, (), limits=Limits())
    return given.status, json.loads(given.body)


@pytest.mark.parametrize(
    ("query", "field", "route"),
    [
        (LOG_EVENT, "logEvent", "sourcegraph/log-event/1"),
        (LOG_USER_EVENT, "logUserEvent", "sourcegraph/log-user-event/1"),
    ],
)
def test_a_good_event_is_answered_with_null(post, query, field, route):
    receipt = post("/.api/graphql", body(query), query=field)
    assert told(receipt) == (200, {"data": {field: None}})
    assert receipt.decisions[0].route == route


def test_all_events_of_a_batch_share_one_fate(post):
    events = [{"source": "WEB"}, {"source": "WEB", "argument": "{}"}]
    good = post("/.api/graphql", body(LOG_EVENTS, events=events))
    assert told(good) == (200, {"data": {"logEvents": None}})
    bad = post("/.api/graphql", body(LOG_EVENTS, events=[*events, {"no": "source"}]))
    assert told(bad)[0] == 200
    assert set(told(bad)[1]) == {"errors"}


@pytest.mark.parametrize(
    "variables",
    [{"argument": "{"}, {"publicArgument": "no json"}, {"argument": {"an": "object"}}, {"argument": ""}],
)
def test_arguments_must_be_json_text(post, variables):
    status, answered = told(post("/.api/graphql", body(**variables)))
    assert status == 200
    assert answered["errors"][0]["extensions"] == {"code": "bad_graphql"}


def test_what_does_not_fit_is_told_its_place(post):
    _, answered = told(post("/.api/graphql", body(LOG_EVENTS, events=[{"source": "WEB"}, {"no": "SECRET"}])))
    (error,) = answered["errors"]
    assert error["message"] == "the document does not fit its schema at $.variables.events[1].source"
    assert error["extensions"] == {"code": "missing_required"}


@pytest.mark.parametrize("variables", [{"argument": None}, {"argument": '{"platform":"chrome-extension"}'}])
def test_null_and_json_text_pass(post, variables):
    assert told(post("/.api/graphql", body(**variables))) == (200, {"data": {"logEvent": None}})


@pytest.mark.parametrize(
    "query",
    [
        "",
        "query { site }",
        "mutation logEvent { logEvent(event: $name) { alwaysNil }",
        "mutation logEvent { logEvent(event: [) } ]",
        "mutation m { deleteEverything(event: 1) }",
        'mutation m { other(text: "{ logEvent(") }',
        "mutation m { logEventually(event: 1) }",
        'mutation m { logEvent(event: "x) { alwaysNil } }',
        'mutation m { logEvent(event: "x\n") { alwaysNil } }',
        'mutation m { logEvent(event: "x\\") { alwaysNil } }',
        'mutation m { logEvent(event: 1) { alwaysNil } } """x',
        'mutation m { logEvent(event: 1) { alwaysNil } } """x\\"""',
        5,
        None,
    ],
)
def test_a_document_that_asks_for_nothing_known_is_an_error(post, query):
    status, answered = told(post("/.api/graphql", body(query)))
    assert (status, set(answered)) == (200, {"errors"})


@pytest.mark.parametrize("text", ['""', '"#)"', '"\\")"', '""""""', '"""x\\""")"""', '"""\n"x\n""" # "x'])
def test_brackets_and_quotes_inside_strings_and_comments_are_passed_over(post, text):
    query = f"mutation m {{ logEvent(event: {text}\n) {{ alwaysNil }} }}"
    assert told(post("/.api/graphql", body(query))) == (200, {"data": {"logEvent": None}})


@pytest.mark.alone
@pytest.mark.parametrize("quotes", ['\\"', '"\\', '"" ', '"""\n', '"\\n', '"""\\', '"#', "#"])
def test_a_document_full_of_quotes_costs_no_more_than_its_length(post, the_rules, quotes):
    """Four times the length costs sixteen times as much where each quote is tried as the beginning of a string."""

    def seconds(length):
        document = body("mutation m " + quotes * (length // len(quotes)))
        began = time.perf_counter()
        post("/.api/graphql", document, edge_rules=roomy)
        return time.perf_counter() - began

    roomy = replace(the_rules, limits=Limits())
    times = [min(seconds(length + again) for again in range(0, 50, 10)) for length in (2_400, 9_600)]
    assert times[1] < 8 * times[0] + 0.005


def test_what_cannot_be_decoded_is_400_and_never_500(post):
    receipt = post("/.api/graphql", b"{")
    assert told(receipt)[0] == 400
    assert receipt.decisions[0].code == "bad_json"


def test_record_ids_name_the_entries(post):
    one = post("/.api/graphql", body(), headers={b"x-telsim-record-id": uid(1).encode()})
    assert [decision.id for decision in one.decisions] == [uid(1)]
    events = [{"source": "WEB"}, {"source": "WEB"}]
    ids = f"{uid(2)}, {uid(3)}".encode()
    two = post("/.api/graphql", body(LOG_EVENTS, events=events), headers={b"x-telsim-record-id": ids})
    assert [decision.id for decision in two.decisions] == [uid(2), uid(3)]
    assert [json.loads(decision.payload) for decision in two.decisions] == events


def test_without_record_id_the_same_content_has_the_same_key(post):
    first, again, other = (post("/.api/graphql", body(n=n)).decisions[0].id for n in (1, 1, 2))
    assert first == again != other
