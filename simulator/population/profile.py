"""A client's profile: everything that is settled before the first event, as a function of its number alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from simulator.clock import MS_PER_DAY, MS_PER_MINUTE, epoch_ms
from simulator.population.builds import CHANNEL_VERSIONS, Builds
from simulator.population.clock_error import clock_skew_ms
from simulator.population.preferences import ALL_ON, OFF_SHARE
from simulator.randomness import client_ids, client_keys, uniforms
from simulator.scenario import Scenario
from simulator.scenario.figures import figures

#: Minutes east of UTC of a locale's people, with the share that lives there. Assumption, from where each
#: language is spoken; en-US by the population of the United States' time zones.
TIME_ZONES: Mapping[str, Mapping[int, float]] = {
    "en-US": {-300: 0.48, -360: 0.29, -420: 0.07, -480: 0.16},
    "en-CA": {-300: 0.65, -360: 0.1, -420: 0.12, -480: 0.13},
    "pt-BR": {-180: 1},
    "en-GB": {0: 1},
    "ru": {180: 0.7, 300: 0.2, 420: 0.1},
    "zh-CN": {480: 1},
    "ja": {540: 1},
    "tr": {180: 1},
}
_ELSEWHERE: Mapping[int, float] = {60: 1}

#: Of people without Windows 10 or 11, by (system, its version): Windows 7, 8.1, and others. Assumption: no public
#: figures of the seed's time were found.
_OTHER_SYSTEMS: Mapping[tuple[str, str], float] = {
    ("Windows", "6.1"): 0.09,
    ("Windows", "6.3"): 0.02,
    ("Darwin", "20.6.0"): 0.08,
    ("Linux", "5.13.0"): 0.06,
}

_T = TypeVar("_T")

#: What each column of a client's profile numbers decides. A new one goes to the end: order is history.
_COLUMNS = (
    "telemetry", "channel", "locale", "time_zone", "version", "regular", "new", "age", "os", "layout",
    "default_browser", "pinned_tabs", "secure_proxy", "fenix", "sourcegraph_extension", "sourcegraph_web", "firefox",
    "attribution", "takeover", "clock", *(f"pref_{bit}" for bit in OFF_SHARE), "pocket",
)  # fmt: skip


class Profile(msgspec.Struct, frozen=True, gc=False):
    """One client as the simulation finds it. Ids are without braces; the builders put them where they belong.

    `attribution`, `takeover` and `layout_number` are numbers in [0, 1) that pick from pools, the first two -1 where
    there is nothing to pick. `clock_skew_ms` is what the machine's clock is ahead.
    """

    number: int
    client_id: str
    impression_id: str
    context_id: str
    normandy_id: str
    telemetry_on: bool
    firefox: bool
    secure_proxy: bool
    fenix: bool
    sourcegraph_extension: bool
    sourcegraph_web: bool
    channel: str
    locale: str
    version: str
    build_id: str
    os: str
    utc_offset_ms: int
    regular: bool
    is_new: bool
    created_day: int
    is_default_browser: bool
    pinned_tabs: int
    user_prefs: int
    layout_number: float
    attribution: float = -1.0
    returns_to_amo: bool = False
    takeover: float = -1.0
    clock_skew_ms: int = 0
    pocket_logged_in: bool = False
    os_version: str = ""


@cache
def _systems() -> Mapping[tuple[str, str], float]:
    """Who has which operating system: (system, the version that it says it is) to share. Windows 11 says 10.0."""
    return {("Windows", "10.0"): figures()["windows_10_or_11"].value, **_OTHER_SYSTEMS}


def _pick(u: npt.NDArray[np.float64], weights: Mapping[_T, float]) -> list[_T]:
    names = list(weights)
    cumulative = np.cumsum(np.array([weights[name] for name in names]))
    positions = np.minimum(np.searchsorted(cumulative / cumulative[-1], u, side="right"), len(names) - 1)
    return [names[position] for position in positions.tolist()]


def cohort_profiles(scenario: Scenario, seed: int, clients: range) -> list[Profile]:
    """The profiles of consecutive clients. Each is a pure function of (scenario, seed, number).

    Args:
        scenario: its shares and weights decide what is likely.
        seed: the corpus's seed.
        clients: client numbers.
    """
    numbers = np.arange(clients.start, clients.stop)
    keys = client_keys(seed, "profile", numbers)
    draws = uniforms(keys[:, None], np.arange(len(_COLUMNS), dtype=np.uint64)[None, :])
    u = {name: draws[:, column] for column, name in enumerate(_COLUMNS)}
    locales = _pick(u["locale"], scenario.locales)
    channels = _pick(u["channel"], scenario.channels)
    versions = [
        CHANNEL_VERSIONS.get(channel, version)
        for channel, version in zip(channels, _pick(u["version"], scenario.versions), strict=True)
    ]
    offsets = [
        _weighted(TIME_ZONES.get(locale, _ELSEWHERE), at) * MS_PER_MINUTE
        for locale, at in zip(locales, u["time_zone"].tolist(), strict=True)
    ]
    prefs = np.full(len(numbers), ALL_ON)
    for bit, share in OFF_SHARE.items():
        prefs &= np.where(u[f"pref_{bit}"] < share, ~bit, ~0)
    start_day = epoch_ms(scenario.start) // MS_PER_DAY
    is_new = u["new"] < scenario.population.new_profiles
    created = np.where(is_new, start_day, start_day - 1 - (u["age"] ** 2 * 2_500).astype(np.int64))
    products = scenario.products
    build_id = Builds(scenario).id_of
    systems = _pick(u["os"], _systems())
    ids = client_ids(seed, ("client id", "impression id", "context id", "normandy id"), numbers)
    columns = zip(
        clients,
        *ids,
        (u["telemetry"] < scenario.population.telemetry_on).tolist(),
        (u["firefox"] < products.firefox).tolist(),
        ((u["firefox"] < products.firefox) & (u["secure_proxy"] < products.secure_proxy)).tolist(),
        (u["fenix"] < products.fenix).tolist(),
        (u["sourcegraph_extension"] < products.sourcegraph_extension).tolist(),
        (u["sourcegraph_web"] < products.sourcegraph_web).tolist(),
        channels,
        locales,
        versions,
        list(map(build_id, versions, channels)),
        [system for system, _ in systems],
        offsets,
        (u["regular"] < scenario.population.regular).tolist(),
        is_new.tolist(),
        created.tolist(),
        (u["default_browser"] < 0.6).tolist(),
        (u["pinned_tabs"] ** 4 * 5).astype(np.int64).tolist(),
        prefs.tolist(),
        u["layout"].tolist(),
        *_beginnings(scenario, u, is_new),
        _within(u["takeover"], scenario.population.page_takeover).tolist(),
        _clock_skews(u["clock"], scenario.clock.wrong),
        (u["pocket"] < scenario.population.pocket_logged_in).tolist(),
        [version for _, version in systems],
        strict=True,
    )
    return [Profile(*column) for column in columns]


def _within(u: npt.NDArray[np.float64], share: float) -> npt.NDArray[np.float64]:
    """Numbers below `share` spread over [0, 1) again, -1 for the others."""
    return np.where(u < share, u / max(share, 1e-12), -1.0)


def _beginnings(
    scenario: Scenario, u: Mapping[str, npt.NDArray[np.float64]], is_new: npt.NDArray[np.bool_]
) -> tuple[list[float], list[bool]]:
    """Where new profiles come from: a number to pick an attribution with, and whether it is an add-on's page."""
    known = np.where(is_new, _within(u["attribution"], scenario.onboarding.attributed), -1.0)
    add_on = (known >= 0) & (known < scenario.onboarding.return_to_amo)
    return (np.where(known >= 0, known * 7_919 % 1.0, -1.0)).tolist(), add_on.tolist()


def _clock_skews(u: npt.NDArray[np.float64], share: float) -> list[int]:
    if not share:
        return [0] * len(u)
    return [clock_skew_ms(at) if at >= 0 else 0 for at in _within(u, share).tolist()]


def _weighted(weights: Mapping[int, float], u: float) -> int:
    passed = 0.0
    for value, weight in weights.items():
        passed += weight
        if u < passed:
            return value
    return next(iter(weights))
