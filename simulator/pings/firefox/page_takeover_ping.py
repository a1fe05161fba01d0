"""Section "Page takeover ping"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simulator.pings.firefox.basic_metadata import Application, release_fields
from simulator.pings.text import compact, nested
from simulator.records import Dialect

URL_CATEGORIES: Final = (
    "search-engine",
    "search-engine-mozilla-tag",
    "search-engine-other-tag",
    "news-portal",
    "ecommerce",
    "social-media",
    "known-hijacker",
    "other",
)


def page_takeover(
    dialect: Dialect,
    app: Application,
    *,
    taken: Mapping[str, str],
    client_id: str,
    session_id: str,
    browser_session_id: str,
    experiments: str | None,
    user_prefs: int,
) -> str:
    """Something else than Firefox's own page stands at about:home, about:newtab or both.

    The sample has a session's UUID and no page; the client sends `n/a` and names what is taken (conflict C25).

    Args:
        dialect: the form to write.
        app: the sending application.
        taken: only what applies of home_url_category, home_extension_id, newtab_url_category, newtab_extension_id.
        client_id: without braces.
        session_id: without braces; only the documented form has it.
        browser_session_id: without braces.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
        user_prefs: the preference bits.
    """
    value = nested(dialect, compact(dict(taken)))
    if dialect == "documented":
        return (
            f'{{"event":"PAGE_TAKEOVER_DATA","value":{value},"action":"activity_stream_event",'
            f'"client_id":"{client_id}","session_id":"{session_id}","browser_session_id":"{browser_session_id}",'
            f'"addon_version":"{app.addon_version}","locale":"{app.locale}",'
            f'"experiments":{experiments or "{}"},"user_prefs":{user_prefs}}}'
        )
    parts = {key.split("_", 1)[0] for key in taken}
    page = "both" if len(parts) == 2 else "about:" + parts.pop()
    return (
        f'{{"event":"PAGE_TAKEOVER_DATA","value":{value},"page":"{page}","session_id":"n/a",'
        f'"client_id":"{client_id}","browser_session_id":"{browser_session_id}",'
        f'"addon_version":"{app.addon_version}",{release_fields(app, experiments)},"user_prefs":{user_prefs}}}'
    )
