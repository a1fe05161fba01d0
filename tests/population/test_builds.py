"""Versions, their builds, and when those are there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from simulator.clock import epoch_ms
from simulator.population import Builds, next_version
from simulator.scenario import parse_scenario


def builds(start: str = "2021-12-15") -> Builds:
    text = f'format = 1\nname = "x"\nstart = {start}T00:00:00Z\nduration = "1d"\nclients = 1\n'
    return Builds(parse_scenario(text))


@pytest.mark.parametrize(
    ("version", "channel", "after"),
    [
        ("95.0", "release", "96.0"),
        ("94.0.2", "release", "95.0"),
        ("96.0", "beta", "97.0"),
        ("97.0a1", "nightly", "98.0a1"),
        ("91.4.0", "esr", "91.5.0"),
    ],
)
def test_an_update_brings_the_next_version(version: str, channel: str, after: str) -> None:
    assert next_version(version, channel) == after
    assert builds().id_of(after, channel) > builds().id_of(version, channel)


def test_trains_leave_every_four_weeks_and_channels_ride_ahead_of_release() -> None:
    known = builds()
    days = {
        known.id_of(version, channel)[:8]
        for version, channel in (
            ("95.0", "release"),
            ("96.0", "beta"),
            ("97.0a1", "nightly"),
            ("91.4.0", "esr"),
        )
    }
    assert days == {"20211129"}
    assert known.id_of("96.0", "release").startswith("20211227")


def test_a_build_is_there_from_its_own_date_on() -> None:
    known = builds()
    built_ms = epoch_ms(datetime.strptime(known.id_of("96.0", "release"), "%Y%m%d%H%M%S").replace(tzinfo=UTC))
    assert not known.is_made("96.0", "release", built_ms - 1)
    assert known.is_made("96.0", "release", built_ms)


def test_a_scenario_of_another_time_moves_all_trains_by_whole_days() -> None:
    early, usual = builds("2020-02-01"), builds()
    assert early.id_of("95.0", "release")[8:] == usual.id_of("95.0", "release")[8:]
    assert early.id_of("95.0", "release") < "20200201000000" < early.id_of("96.0", "release")
    assert builds("2035-01-01").id_of("95.0", "release") == usual.id_of("95.0", "release")
