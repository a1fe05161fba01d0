"""Firefox for Android: in the foreground and out of it, and started anew after an end by force."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from simulator.api import simulate
from simulator.records import DIALECTS, Dialect

PHONES = """
format = 1
name = "phones"
seed = 3
start = 2021-12-13T00:00:00Z
duration = "14d"
clients = 60
products = { firefox = 0, fenix = 1 }
fenix = { periods_a_day = 20, days_a_week = 7 }
"""


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_end_by_force_is_followed_by_a_dirty_start(dialect: Dialect, tmp_path: Path) -> None:
    path = tmp_path / "phones.toml"
    path.write_text(PHONES)
    reasons: dict[int, list[str]] = defaultdict(list)
    for ping in simulate(path, dialect=dialect):
        if ping.ping == "glean_baseline_ping":
            reasons[ping.client].append(msgspec.json.decode(ping.body)["ping_info"]["reason"])
    followers = defaultdict(set)
    killed = periods = 0
    for of_client in reasons.values():
        assert of_client[0] == "active"
        periods += of_client.count("active")
        for first, second in pairwise(of_client):
            followers[first].add(second)
            killed += (first, second) == ("active", "dirty_startup")
    assert followers == {
        "active": {"inactive", "dirty_startup"},
        "inactive": {"active"},
        "dirty_startup": {"active"},
    }
    assert killed / periods == pytest.approx(0.01, abs=0.004)  # some 15 000 periods
