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


def page_view_addresses(*, url: str, first_source_url: str, last_source_url: str) -> str:
    """Where a documented page view was, as a fragment that begins with a comma."""
    return f',"url":"{url}","firstSourceURL":"{first_source_url}","lastSourceURL":"{last_source_url}"'


def documented_web_event(name: str, identity: str, *, argument: str | None, addresses: str = "") -> str:
    """One action or page view, flat.

    Args:
        name: the action id, or `View` and the page's title.
        identity: from `web_identity`.
        argument: JSON text as a JSON string, only for actions whose caller opted in.
        addresses: from `page_view_addresses`.
    """
    told = f',"argument":{argument}' if argument is not None else ""
    return f'{{"event":"{name}",{identity}{told}{addresses}}}'


def web_event(name: str, identity: str, *, url: str, argument: str | None, ids: str) -> str:
    """One action or page view as input `Event`.

    Args:
        name: the action id, or `View` and the page's title.
        identity: from `web_identity`.
        url: the page's address at this moment.
        argument: JSON text as a JSON string, only for actions whose caller opted in.
        ids: from `event_ids`, or empty.
    """
    told = argument or "null"
    return f'{{"event":"{name}",{identity},"url":"{url}","source":"WEB","argument":{told},"publicArgument":null{ids}}}'


def event_ids(*, device_id: str, event_id: int, insert_id: str) -> str:
    """The ids by which events are counted and told apart, as a fragment that begins with a comma.

    Args:
        device_id: of the browser; the anonymous user id where nothing else was set.
        event_id: counts from 1 on each page load.
        insert_id: a fresh UUID.
    """
    return f',"deviceID":"{device_id}","eventID":{event_id},"insertID":"{insert_id}"'


def log_events_head(dialect: Dialect) -> str:
    """What every payload of `log_events` begins with."""
    return (
        '{"events":['
        if dialect == "documented"
        else f'{{"query":{quoted(LOG_EVENTS)},"variables":{{"events":['
    )


def log_events(dialect: Dialect, head: str, events: list[str]) -> str:
    """The events of one window.

    Args:
        dialect: the form to write.
        head: from `log_events_head`.
        events: from `web_event` or `documented_web_event`, in the order in which they happened.
    """
    return f"{head}{','.join(events)}{']}' if dialect == 'documented' else ']}}'}"
