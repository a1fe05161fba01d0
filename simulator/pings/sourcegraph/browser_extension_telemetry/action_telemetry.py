"""Section "Action telemetry" of the browser extension: hovers and actions, by name.

Documented: one flat record an action, under the document's words. Wire: the words have other names there
(anonymizedUserId is `userCookieID`, sourcegraphURL is `url`), and platform is a key of the JSON text in
`argument` (facts, OTHERS A3 and A4).
"""

from __future__ import annotations

from functools import lru_cache

from simulator.pings.sourcegraph.operations import LOG_EVENT, LOG_EVENT_LATER, LOG_USER_EVENT
from simulator.pings.text import compact, quoted


def documented_event(name: str, *, anonymous_user_id: str, sourcegraph_url: str, platform: str) -> str:
    """An event with the four parts that "all browser extension events are triggered with".

    Args:
        name: `hover` or the action id.
        anonymous_user_id: generated at installation.
        sourcegraph_url: the connected instance.
        platform: what the extension calls itself.
    """
    return (
        f'{{"event":"{name}","source":"CODEHOSTINTEGRATION","anonymizedUserId":"{anonymous_user_id}",'
        f'"sourcegraphURL":"{sourcegraph_url}","platform":"{platform}"}}'
    )


def log_user_event(user_event: str, *, anonymous_user_id: str) -> str:
    """Counts one use of code intelligence.

    Args:
        user_event: a value of enum UserEvent.
        anonymous_user_id: generated at installation.
    """
    return (
        f'{{"query":{quoted(LOG_USER_EVENT)},'
        f'"variables":{{"event":"{user_event}","userCookieID":"{anonymous_user_id}"}}}}'
    )


@lru_cache(maxsize=256)
def _argument(platform: str, later_version: str | None) -> str:
    said = (
        {"platform": platform} if later_version is None else {"platform": platform, "version": later_version}
    )
    return quoted(compact(said))


def log_event(
    name: str, *, anonymous_user_id: str, sourcegraph_url: str, platform: str, later_version: str | None
) -> str:
    """Logs one event by name.

    Args:
        name: `hover`, the action id, or `View` and a title.
        anonymous_user_id: generated at installation.
        sourcegraph_url: the connected instance.
        platform: what the extension calls itself.
        later_version: the extension's version as later clients put it beside the platform; None before.
    """
    argument = _argument(platform, later_version)
    public = "" if later_version is None else f',"publicArgument":{argument}'
    query = LOG_EVENT if later_version is None else LOG_EVENT_LATER
    return (
        f'{{"query":{quoted(query)},"variables":{{"name":"{name}","userCookieID":"{anonymous_user_id}",'
        f'"url":"{sourcegraph_url}","source":"CODEHOSTINTEGRATION","argument":{argument}{public}}}}}'
    )
