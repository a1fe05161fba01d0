from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import msgspec
import pytest

from simulator.api import simulate
from simulator.catalogue import load_schemas
from simulator.pings.secure_proxy.events import OBJECTS, WITH_BUTTON, WITH_VERSION
from simulator.records import DIALECTS

pytestmark = pytest.mark.slow

PAIRS = {(method, object_) for method, objects in OBJECTS.items() for object_ in objects}


@pytest.fixture(scope="module", params=DIALECTS)
def week(request):
    """Every event ping of the shipped scenario: (client, due, payload), each valid in its dialect."""
    schemas = load_schemas(request.param)
    found = []
    for ping in simulate("secure-proxy-week", dialect=request.param):
        if ping.ping == "event_ping":
            document = msgspec.json.decode(ping.body)
            assert schemas.check(ping.route, document) == ()
            assert document["id"] == ping.id
            assert ping.path.startswith(f"/submit/telemetry/{ping.id}/event/Firefox/")
            found.append((ping.client, ping.due_ms, document))
    return found


@pytest.fixture
def histories(week):
    """Each client's events of the extension, in order: (milliseconds since the epoch to the minute, record)."""
    by_client = defaultdict(list)
    for client, _, document in week:
        payload = document["payload"]
        for event in payload["events"].get("dynamic", []):
            by_client[client].append((payload["sessionId"], event))
    return by_client


def test_every_pair_of_the_document_happens_under_dynamic(week, histories):
    seen = Counter((event[2], event[3]) for events in histories.values() for _, event in events)
    assert set(seen) == PAIRS
    elsewhere = [
        event
        for _, _, document in week
        for process, events in document["payload"]["events"].items()
        for event in events
        if process != "dynamic" and event[1] == "secure.proxy"
    ]
    assert elsewhere == []


def test_values_are_where_the_document_has_them(histories):
    buttons = set()
    for events in histories.values():
        for _, (_, category, _, object_, *value) in events:
            assert category == "secure.proxy"
            assert len(value) == (object_ in WITH_VERSION | WITH_BUTTON)
            if object_ in WITH_BUTTON:
                buttons.add((object_, *value))
            elif value:
                assert value[0] in {"0.7", "0.8", "0.9"}
    assert len(buttons) == 4


def test_an_attempt_to_sign_in_always_ends_before_the_next(histories):
    for events in histories.values():
        open_attempt = None
        for session, event in events:
            if event[2] != "fxa":
                continue
            if event[3] == "authStarted":
                assert open_attempt is None
                open_attempt = session
            else:
                assert open_attempt == session
                open_attempt = None
        assert open_attempt is None


def test_the_proxy_is_switched_in_turn(histories):
    for events in histories.values():
        last = None
        for _, event in events:
            if event[3] in WITH_BUTTON:
                assert event[3] != last
                last = event[3]
            elif event[3] == "authCompleted":
                last = "proxyEnabled"  # a completed sign-in switches it on, which is no click


OFTEN_DOWN = """
format = 1
name = "often-down"
seed = 4
start = 2021-12-13T00:00:00Z
duration = "4d"
clients = 30
products = { secure_proxy = 1.0 }
population = { run_median = "3h" }
secure_proxy = { panels_an_hour = 12, outages_an_hour = 3, connecting_failed = 0.8 }
"""


def test_the_proxy_is_found_down_at_most_once_an_hour_of_a_session(tmp_path):
    path = tmp_path / "often-down.toml"
    path.write_text(OFTEN_DOWN)
    down = defaultdict(list)
    for ping in simulate(path, dialect="wire"):
        if ping.ping == "event_ping":
            payload = msgspec.json.decode(ping.body)["payload"]
            for at, _, _, object_, *_ in payload["events"].get("dynamic", []):
                if object_ == "proxyDown":
                    down[payload["sessionId"]].append(at)
    waits = [second - first for times in down.values() for first, second in pairwise(times)]
    assert min(waits) >= 3_600_000
    assert min(waits) < 2 * 3_600_000
    assert len(waits) > 100  # and it is found down again


def test_an_extension_is_installed_once_and_before_anything_else(histories):
    installs = 0
    for events in histories.values():
        objects = [event[3] for _, event in events]
        if "install" in objects:
            installs += 1
            assert objects.index("install") == 0
            assert objects.count("install") == 1
    assert installs


def test_who_does_not_have_the_extension_sends_no_event_ping(histories):
    assert (
        100 <= len(histories) <= 135
    )  # four fifths of those of 150 who have telemetry on and start a browser


def test_containers_keep_their_distance_and_their_order(week):
    last = {}
    for client, due_ms, document in week:
        payload = document["payload"]
        times = [event[0] for event in payload["events"]["dynamic"]]
        assert times == sorted(times)
        assert payload["processStartTimestamp"] % 60_000 == 0
        sent_ms, session = last.get(client, (0, ""))
        if session == payload["sessionId"] and payload["reason"] != "shutdown":
            assert due_ms - sent_ms >= 600_000
        last[client] = due_ms, payload["sessionId"]
