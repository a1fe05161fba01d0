"""Versions and their builds: when each was made, what the build is called, what an update brings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from simulator.clock import MS_PER_DAY, MS_PER_MINUTE, epoch_ms, utc
from simulator.scenario import Scenario

#: Versions of the channels that do not follow the scenario's `versions`: the trains ahead of release, and ESR.
CHANNEL_VERSIONS: Final[Mapping[str, str]] = {
    "beta": "96.0",
    "nightly": "97.0a1",
    "aurora": "96.0b1",
    "esr": "91.4.0",
}
#: How many trains before its release a version is built for a channel.
_TRAINS_AHEAD: Final[Mapping[str, int]] = {"beta": 1, "aurora": 1, "nightly": 2}
_TRAIN_DAYS: Final = 28
_VERSION_95: Final = 95
_VERSION_95_BUILT_DAY: Final = 18_960  # 2021-11-29


class Builds:
    """The builds of one scenario's versions.

    A train leaves every 28 days, with version 95 built for release in November 2021 as in reality; further ones are
    invented. A scenario that begins before the newest version that it has moves all trains back by as many days as
    it takes, so that nobody begins with a build that is yet to be made.

    Args:
        scenario: its versions and its start.
    """

    def __init__(self, scenario: Scenario) -> None:
        from_the_start = [(version, "release") for version in scenario.versions]
        from_the_start += [(version, channel) for channel, version in CHANNEL_VERSIONS.items()]
        newest_ms = max(_built_ms(version, channel) for version, channel in from_the_start)
        missing_days = -((epoch_ms(scenario.start) - newest_ms) // MS_PER_DAY)
        self._moved_ms = max(0, missing_days) * MS_PER_DAY

    def id_of(self, version: str, channel: str) -> str:
        """The build id (YYYYMMDDhhmmss) of a version: the same everywhere, and later for later versions."""
        return _build_id(_built_ms(version, channel) - self._moved_ms)

    def is_made(self, version: str, channel: str, now_ms: int) -> bool:
        """Whether a version's build exists at a moment: before that, nobody can update to it."""
        return _built_ms(version, channel) - self._moved_ms <= now_ms


def next_version(version: str, channel: str) -> str:
    """The version that an update brings: the next train, or for ESR the next point release."""
    major, *rest = version.split(".")
    if channel == "esr":
        return f"{major}.{int(rest[0]) + 1}.0"
    return f"{int(major) + 1}.0" + ("a1" if version.endswith("a1") else "")


@lru_cache(maxsize=256)
def _built_ms(version: str, channel: str) -> int:
    """When a version is built for a channel; the minute is what tells versions of one train apart."""
    major, *rest = version.split(".")
    train = int(major) - _TRAINS_AHEAD.get(channel, 0)
    if channel == "esr":  # its point releases leave with the trains
        train += int(rest[0])
    day = _VERSION_95_BUILT_DAY + (train - _VERSION_95) * _TRAIN_DAYS
    minute = sum(map(ord, version + channel)) % 1_440
    return day * MS_PER_DAY + minute * MS_PER_MINUTE


@lru_cache(maxsize=256)
def _build_id(built_ms: int) -> str:
    return utc(built_ms).strftime("%Y%m%d%H%M%S")
