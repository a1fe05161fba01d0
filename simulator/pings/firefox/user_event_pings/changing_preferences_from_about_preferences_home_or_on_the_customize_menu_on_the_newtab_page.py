"""Section "Changing preferences from about:preferences#home or on the customize menu on the newtab page."."""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application
from simulator.pings.text import quoted
from simulator.records import Dialect


def newtab_pref_changed(
    dialect: Dialect,
    app: Application,
    *,
    source: str,
    status: bool,
    page: str | None,
    session_id: str | None,
    client_id: str,
    browser_session_id: str,
    experiments: str | None,
    user_prefs: int,
) -> str:
    """A part of the page was switched on or off.

    The main process sends this one for about:preferences, where there is neither a page nor a session; from the
    customize menu both are there on the wire, while the sample prints neither (conflict C16). `value` is text in
    both dialects.

    Args:
        dialect: the form to write.
        app: the sending application.
        source: TOP_SITES, SPONSORED_TOP_SITES, TOP_STORIES, POCKET_SPOCS, HIGHLIGHTS or SNIPPETS.
        status: whether it is on now.
        page: the page whose customize menu was used; None for about:preferences.
        session_id: of that page, without braces; None for about:preferences.
        client_id: without braces.
        browser_session_id: without braces.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
        user_prefs: the preference bits after the change.
    """
    menu = "CUSTOMIZE_MENU" if page else "ABOUT_PREFERENCES"
    value = quoted(f'{{"status":{"true" if status else "false"},"menu_source":"{menu}"}}')
    common = (
        f'"event":"PREF_CHANGED","source":"{source}","value":{value},"release_channel":"{app.release_channel}",'
        f'"experiments":{experiments or "{}"},"client_id":"{client_id}",'
        f'"browser_session_id":"{browser_session_id}","addon_version":"{app.addon_version}",'
        f'"locale":"{app.locale}","user_prefs":{user_prefs}'
    )
    if dialect == "documented":
        return f"{{{common}}}"
    where = f',"page":"{page}","session_id":"{{{session_id}}}"' if page else ""
    return f'{{{common},"version":"{app.version}"{where}}}'
