"""A developer's profile: which Sourcegraph clients, set how; a function of the client's number alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from simulator.clock import MS_PER_DAY, epoch_ms
from simulator.distributions import Choice
from simulator.population.profile import Profile
from simulator.randomness import client_ids, client_keys, uniforms
from simulator.scenario import Scenario
from simulator.scenario.sourcegraph import Platform

DOTCOM_URL: Final = "https://sourcegraph.com"

#: Platforms that code hosts ship themselves, with the host; they are always connected to the host's own instance.
NATIVE_CODE_HOSTS: Final[dict[Platform, str]] = {
    "phabricator-integration": "phabricator",
    "bitbucket-integration": "bitbucket-server",
    "gitlab-integration": "gitlab",
}

#: The code hosts of extension users. Assumption: no public figure was found.
_CODE_HOSTS = {"github": 0.65, "gitlab": 0.22, "bitbucket-server": 0.1, "phabricator": 0.03}
#: Versions of the extension's manifest: the second is that of later clients. Outside an extension there is none.
_VERSION, _LATER_VERSION, _NO_VERSION = "21.11.25.1422", "22.9.27.1330", "NO_VERSION"
#: Where first visits began, of people who came before the simulation. Assumption.
_FIRST_PAGES = {"/": 0.6, "/search": 0.25, "/sign-in": 0.15}
#: Visitors so old that no cohort was noted when their id was made. Assumption.
_WITHOUT_COHORT = 0.2
_OLDEST_VISIT_DAYS = 365

#: What each column of a developer's numbers decides. A new one goes to the end: order is history.
_COLUMNS = (
    "platform", "dotcom", "send_telemetry", "errors", "code_host", "cohort", "first_visit", "first_page",
)  # fmt: skip


class DeveloperProfile(msgspec.Struct, frozen=True, gc=False):
    """One developer as the simulation finds them.

    Args:
        number: of the client.
        utc_offset_ms: of where they work.
        extension: whether they have the browser extension, or a native integration.
        web: whether they use the web application.
        platform: what the extension calls itself.
        code_host: type of the code host that they read on.
        instance_url: the connected instance, without a slash at the end.
        send_telemetry: the extension's option of that name.
        allow_error_reporting: the extension's option of that name.
        extension_version: of its manifest.
        extension_origin: where their browser serves the extension's files.
        extension_user_id: the anonymous id in the extension's storage.
        web_user_id: the anonymous id in the instance's cookie; another one.
        is_new_to_web: whether that cookie is yet to be made.
        first_visit_day: days from the Unix epoch to the first visit; None where nobody noted it.
        first_source_url: the address of the first visit.
    """

    number: int
    utc_offset_ms: int
    extension: bool
    web: bool
    platform: Platform
    code_host: str
    instance_url: str
    send_telemetry: bool
    allow_error_reporting: bool
    extension_version: str
    extension_origin: str
    extension_user_id: str
    web_user_id: str
    is_new_to_web: bool
    first_visit_day: int | None
    first_source_url: str

    @property
    def is_native(self) -> bool:
        """Whether the platform is a code host's own integration."""
        return self.platform in NATIVE_CODE_HOSTS

    @property
    def using_dot_com(self) -> bool:
        """Whether the connected instance is sourcegraph.com."""
        return self.instance_url == DOTCOM_URL


def developer_profiles(scenario: Scenario, seed: int, profiles: Sequence[Profile]) -> list[DeveloperProfile]:
    """The developers among some clients. Each is a pure function of (scenario, seed, number).

    Args:
        scenario: its shares and weights decide what is likely.
        seed: the corpus's seed.
        profiles: of the clients.
    """
    members = [profile for profile in profiles if profile.sourcegraph_extension or profile.sourcegraph_web]
    if not members:
        return []
    numbers = np.array([profile.number for profile in members], dtype=np.int64)
    keys = client_keys(seed, "developer", numbers)
    draws = uniforms(keys[:, None], np.arange(len(_COLUMNS), dtype=np.uint64)[None, :])
    u = {name: draws[:, column] for column, name in enumerate(_COLUMNS)}
    settings = scenario.sourcegraph
    platforms = Choice(settings.platforms).each(u["platform"]).tolist()
    native_hosts = [NATIVE_CODE_HOSTS.get(platform) for platform in platforms]
    hosts = Choice(_CODE_HOSTS).each(u["code_host"]).tolist()
    instances = [
        DOTCOM_URL if is_dotcom and native is None else settings.instance_url
        for is_dotcom, native in zip((u["dotcom"] < settings.dotcom).tolist(), native_hosts, strict=True)
    ]
    version = _LATER_VERSION if settings.later_clients else _VERSION
    extension_ids, web_ids, origins = client_ids(
        seed, ("extension user id", "web user id", "extension origin"), numbers
    )
    columns = zip(
        numbers.tolist(),
        [profile.utc_offset_ms for profile in members],
        [profile.sourcegraph_extension for profile in members],
        [profile.sourcegraph_web for profile in members],
        platforms,
        [native or host for native, host in zip(native_hosts, hosts, strict=True)],
        instances,
        (u["send_telemetry"] < settings.send_telemetry).tolist(),
        (u["errors"] < settings.allow_error_reporting).tolist(),
        [_NO_VERSION if native else version for native in native_hosts],
        map(_origin, platforms, origins),
        extension_ids,
        web_ids,
        [profile.is_new for profile in members],
        _first_visit_days(scenario, u),
        map(str.__add__, instances, Choice(_FIRST_PAGES).each(u["first_page"]).tolist()),
        strict=True,
    )
    return [DeveloperProfile(*column) for column in columns]


def _first_visit_days(scenario: Scenario, u: Mapping[str, npt.NDArray[np.float64]]) -> list[int | None]:
    """Days from the Unix epoch to each one's first visit; None where nobody noted it."""
    yesterday = epoch_ms(scenario.start) // MS_PER_DAY - 1
    days = yesterday - (u["first_visit"] * _OLDEST_VISIT_DAYS).astype(np.int64)
    is_noted = u["cohort"] >= _WITHOUT_COHORT
    return [day if noted else None for day, noted in zip(days.tolist(), is_noted.tolist(), strict=True)]


def _origin(platform: Platform, installation_id: str) -> str:
    """Chrome gives an extension one id everywhere (a placeholder here), the others one for each installation."""
    if platform == "firefox-extension":
        return f"moz-extension://{installation_id}"
    if platform == "safari-extension":
        return f"safari-web-extension://{installation_id}"
    return "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
