"""The switch for outage drills."""

import httpx
import pytest
from endpoint_kit import GOOD, click, ledger

from simulator.endpoint.faultswitch import Fault, FaultSwitch


@pytest.fixture(autouse=True)
def off_again(client):
    yield
    client.post("/__fault__", json={"mode": "none"})


@pytest.mark.parametrize(("mode", "status"), [("500", 500), ("503", 503), ("429", 429), ("disk_full", 507)])
def test_a_status_for_every_ping_and_nothing_stored(client, mode, status):
    before = ledger(client)
    assert client.post("/__fault__", json={"mode": mode}).json()["mode"] == mode
    answered = client.post(click(1), json=GOOD)
    assert answered.status_code == status
    assert ("retry-after" in answered.headers) == (status in (429, 503))
    assert client.post("/batch", json=[]).status_code == status
    assert client.get("/ledger").json() == before
    assert client.post("/__fault__", json={"mode": "none"}).json()["mode"] == "none"
    assert client.post("/batch", json=[]).status_code == 200


@pytest.mark.parametrize("mode", ["reset", "hang"])
def test_the_connection_is_cut_without_an_answer(client, mode):
    before = ledger(client)
    client.post("/__fault__", json={"mode": mode, "seconds": 0.2})
    with pytest.raises(httpx.TransportError):
        client.post(click(2), json=GOOD)
    assert ledger(client) == before


def test_slow_is_late_but_right(client):
    client.post("/__fault__", json={"mode": "slow", "delay_ms": 150})
    answered = client.post(click(3), json=GOOD)
    assert answered.status_code == 200
    assert answered.elapsed.total_seconds() >= 0.15


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"mode":"maybe"}', b'{"mode":"500","share":2}', b'{"mode":"500","x":1}', b"\xff"],
)
def test_nonsense_is_refused(client, body):
    assert client.post("/__fault__", content=body).status_code == 400
    assert client.get("/__fault__").json()["mode"] == "none"


def test_a_share_is_exact():
    switch = FaultSwitch(clock=lambda: 0.0)
    switch.set(Fault("500", share=0.3))
    assert sum(switch.now() is not None for _ in range(1000)) == 300
    switch.set(Fault("500", share=0.0))
    assert switch.now() is None
    switch.set(Fault("500"))
    assert all(switch.now() is not None for _ in range(10))


def test_it_ends_by_itself():
    now = 0.0
    switch = FaultSwitch(clock=lambda: now)
    switch.set(Fault("503", seconds=5))
    assert switch.now() is not None
    now = 5.0
    assert switch.now() is None
