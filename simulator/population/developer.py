"""A developer's profile: which Sourcegraph clients, set how; a function of the client's number alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.clock import MS_PER_DAY, epoch_ms
from simulator.distributions import Choice
from simulator.population.profile import Profile
from simulator.randomness import client_keys, split_uuids, uniforms, uuid_text
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


@dataclass(frozen=True, slots=True)
class DeveloperProfile:
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
    rows = uniforms(keys[:, None], np.arange(len(_COLUMNS), dtype=np.uint64)[None, :]).tolist()
    extension_ids, web_ids, origins = (
        split_uuids(uuid_text(client_keys(seed, purpose, numbers), np.zeros(len(numbers), dtype=np.uint64)))
        for purpose in ("extension user id", "web user id", "extension origin")
    )
    make = _Maker(scenario)
    ids = zip(extension_ids, web_ids, origins, strict=True)
    return [
        make(profile, dict(zip(_COLUMNS, row, strict=True)), three)
        for profile, row, three in zip(members, rows, ids, strict=True)
    ]


class _Maker:
    def __init__(self, scenario: Scenario) -> None:
        self._settings = scenario.sourcegraph
        self._platform = Choice(scenario.sourcegraph.platforms)
        self._code_host: Choice[str] = Choice(_CODE_HOSTS)
        self._first_page: Choice[str] = Choice(_FIRST_PAGES)
        self._start_day = epoch_ms(scenario.start) // MS_PER_DAY

    def __call__(self, profile: Profile, u: dict[str, float], ids: tuple[str, str, str]) -> DeveloperProfile:
        settings = self._settings
        platform = self._platform(u["platform"])
        native_host = NATIVE_CODE_HOSTS.get(platform)
        instance = settings.instance_url
        if native_host is None and u["dotcom"] < settings.dotcom:
            instance = DOTCOM_URL
        version = _LATER_VERSION if settings.later_clients else _VERSION
        visit_day = self._start_day - 1 - int(u["first_visit"] * _OLDEST_VISIT_DAYS)
        return DeveloperProfile(
            number=profile.number,
            utc_offset_ms=profile.utc_offset_ms,
            extension=profile.sourcegraph_extension,
            web=profile.sourcegraph_web,
            platform=platform,
            code_host=native_host or self._code_host(u["code_host"]),
            instance_url=instance,
            send_telemetry=u["send_telemetry"] < settings.send_telemetry,
            allow_error_reporting=u["errors"] < settings.allow_error_reporting,
            extension_version=_NO_VERSION if native_host else version,
            extension_origin=_origin(platform, ids[2]),
            extension_user_id=ids[0],
            web_user_id=ids[1],
            is_new_to_web=profile.is_new,
            first_visit_day=None if u["cohort"] < _WITHOUT_COHORT else visit_day,
            first_source_url=instance + self._first_page(u["first_page"]),
        )


def _origin(platform: Platform, installation_id: str) -> str:
    """Chrome gives an extension one id everywhere (a placeholder here), the others one for each installation."""
    if platform == "firefox-extension":
        return f"moz-extension://{installation_id}"
    if platform == "safari-extension":
        return f"safari-web-extension://{installation_id}"
    return "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
