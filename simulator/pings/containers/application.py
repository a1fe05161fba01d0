"""`application` and `environment` of legacy telemetry: what an installation says of itself, once for each build."""

from __future__ import annotations

from simulator.pings.text import compact

_FIREFOX_ID = "{ec8030f7-c20a-464f-9b0e-13a3a9e97384}"
_ABI = {"Windows": "x86_64-msvc", "Darwin": "x86_64-gcc3", "Linux": "x86_64-gcc3"}
_OS = {"Windows": "Windows_NT", "Darwin": "Darwin", "Linux": "Linux"}


def application_object(*, build_id: str, version: str, channel: str, os: str) -> str:
    """The `application` object.

    Args:
        build_id: fourteen digits.
        version: application version.
        channel: update channel.
        os: Windows, Darwin or Linux.
    """
    return compact(
        {
            "architecture": "x86-64",
            "buildId": build_id,
            "name": "Firefox",
            "version": version,
            "displayVersion": version,
            "vendor": "Mozilla",
            "platformVersion": version.removesuffix("esr"),
            "xpcomAbi": _ABI[os],
            "channel": channel,
        }
    )


def environment_object(
    *, build_id: str, version: str, channel: str, locale: str, os: str, os_version: str
) -> str:
    """The `environment` object without its last brace, for `experiments` to follow.

    Args:
        build_id: fourteen digits.
        version: application version.
        channel: update channel.
        locale: application locale.
        os: Windows, Darwin or Linux.
        os_version: what the system says of itself, such as 10.0.
    """
    build = {
        "applicationId": _FIREFOX_ID,
        "applicationName": "Firefox",
        "architecture": "x86-64",
        "buildId": build_id,
        "version": version,
        "displayVersion": version,
        "vendor": "Mozilla",
        "platformVersion": version.removesuffix("esr"),
        "xpcomAbi": _ABI[os],
        "updaterAvailable": True,
    }
    settings = {"locale": locale, "telemetryEnabled": True, "update": {"channel": channel, "enabled": True}}
    system = {"os": {"name": _OS[os], "version": os_version}}
    environment = {"build": build, "partner": {}, "settings": settings, "system": system}
    return compact(environment)[:-1]
