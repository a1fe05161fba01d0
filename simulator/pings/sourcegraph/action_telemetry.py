"""Section "Action telemetry": actions and page views of the web application, the events of one second together.

Documented: the document's words for the parts; where a page was and what led to it is told by page views. Wire:
the fields of input `Event` in the order in which the web application builds it; the device, event and insert ids
are there on sourcegraph.com and in later clients (facts, OTHERS A7).
"""

from __future__ import annotations

from simulator.pings.sourcegraph.operations import LOG_EVENTS
from simulator.pings.text import quoted
from simulator.records import Dialect


def web_identity(
    dialect: Dialect,
    *,
    anonymous_user_id: str,
    instance_url: str,
    cohort_id: str | None,
    first_source_url: str,
    last_source_url: str,
    referrer: str,
) -> str:
    """What the events of one page load share beside the page's address, as a fragment.

    Args:
        dialect: the form to write.
        anonymous_user_id: of the browser, from its cookie.
        instance_url: the instance that serves the application.
        cohort_id: the Monday of the week of the first visit (YYYY-MM-DD), None where it is not known.
        first_source_url: the address at the browser's first visit; only the wire has it in every event.
        last_source_url: the address that the application was entered by this time.
        referrer: the page that linked to it, empty where there was none.
    """
    if dialect == "documented":
        return f'"source":"WEB","anonymizedUserId":"{anonymous_user_id}","sourcegraphURL":"{instance_url}"'
    cohort = f'"{cohort_id}"' if cohort_id else "null"
    return (
        f'"userCookieID":"{anonymous_user_id}","cohortID":{cohort},"firstSourceURL":"{first_source_url}",'
        f'"lastSourceURL":"{last_source_url}","referrer":"{referrer}"'
    )


def web_event_head(name: str, identity: str) -> str:
    """What every event of one name begins with, as long as the application is not loaded again.

    Args:
        name: the action id, or `View` and the page's title.
        identity: from `web_identity`.
    """
    return f'{{"event":"{name}",{identity}'


def documented_action_rest(argument: str | None) -> str:
    """What follows the head of a documented action.

    Args:
        argument: JSON text as a JSON string, only for actions whose caller opted in.
    """
    return "}" if argument is None else f',"argument":{argument}}}'


def documented_view_rest(*, first_source_url: str, last_source_url: str) -> tuple[str, str]:
    """What follows the head of a documented page view: the text before its address and the text after it."""
    return ',"url":"', f'","firstSourceURL":"{first_source_url}","lastSourceURL":"{last_source_url}"}}'


def wire_rest(*, argument: str | None, ids: str) -> tuple[str, str]:
    """What follows the head of input `Event`: the text before the page's address and the text after it.

    Args:
        argument: JSON text as a JSON string, only for actions whose caller opted in.
        ids: from `event_ids`, or empty.
    """
    return ',"url":"', f'","source":"WEB","argument":{argument or "null"},"publicArgument":null{ids}}}'


def event_ids(*, device_id: str, event_id: int, insert_id: str) -> str:
    """The ids by which events are counted and told apart, as a fragment that begins with a comma.

    Args:
        device_id: of the browser; the anonymous user id where nothing else was set.
        event_id: counts from 1 on each page load.
        insert_id: a fresh UUID.
    """
    return f',"deviceID":"{device_id}","eventID":{event_id},"insertID":"{insert_id}"'


def log_events_ends(dialect: Dialect) -> tuple[str, str]:
    """What a payload of `log_events` has before its events, which commas part, and after them."""
    if dialect == "documented":
        return '{"events":[', "]}"
    return f'{{"query":{quoted(LOG_EVENTS)},"variables":{{"events":[', "]}}"
