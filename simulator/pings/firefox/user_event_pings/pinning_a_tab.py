"""Section "Pinning a tab"."""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application
from simulator.pings.text import quoted
from simulator.records import Dialect


def tab_pinned(
    dialect: Dialect,
    app: Application,
    *,
    total_pinned_tabs: int,
    client_id: str,
    browser_session_id: str,
    experiments: str | None,
    user_prefs: int,
) -> str:
    """A tab was pinned. It belongs to no new tab page, so page and session are `n/a` in both dialects.

    Args:
        dialect: the form to write; this sample alone prints the client's true internal `action` (conflict C36).
        app: the sending application.
        total_pinned_tabs: pinned tabs over all windows that are not private, this one included.
        client_id: without braces.
        browser_session_id: without braces.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
        user_prefs: the preference bits.
    """
    value = quoted(f'{{"total_pinned_tabs":{total_pinned_tabs}}}')
    common = (
        f'"event":"TABPINNED","source":"TAB_CONTEXT_MENU","value":{value},"client_id":"{client_id}",'
        f'"version":"{app.version}","addon_version":"{app.addon_version}","locale":"{app.locale}",'
        f'"user_prefs":{user_prefs},"page":"n/a","session_id":"n/a","browser_session_id":"{browser_session_id}"'
    )
    if dialect == "documented":
        return f'{{{common},"action":"activity_stream_user_event"}}'
    return f'{{{common},"release_channel":"{app.release_channel}","experiments":{experiments or "{}"}}}'
