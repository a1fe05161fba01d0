"""Basic metadata: the fields that pings of one client share, as fragments to splice.

Documented: as the samples print them, `action` and unbraced ids included. Wire: `action` gone, braces around
`session_id`, `version` and `release_channel` always there (conflicts C1, C2, C5).
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.records import Dialect


@dataclass(frozen=True, slots=True)
class Application:
    """What a client's application says of itself.

    Args:
        addon_version: the build id.
        version: application version.
        release_channel: update channel.
        locale: application locale.
    """

    addon_version: str
    version: str
    release_channel: str
    locale: str


def client_metadata(
    dialect: Dialect,
    app: Application,
    *,
    page: str,
    client_id: str,
    browser_session_id: str,
    experiments: str | None,
    user_prefs: int,
) -> str:
    """The basic metadata of all user events on one page ("Basic shape"), but for their session.

    Args:
        dialect: the form to write.
        app: the sending application.
        page: the page that the user sees, such as `about:newtab`.
        client_id: without braces.
        browser_session_id: without braces.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
        user_prefs: the preference bits.
    """
    if dialect == "documented":
        annotation = f'"experiments":{experiments},' if experiments else ""
        return (
            f'"action":"activity_stream_event","page":"{page}","client_id":"{client_id}",'
            f'"browser_session_id":"{browser_session_id}",'
            f'"addon_version":"{app.addon_version}","locale":"{app.locale}",{annotation}"user_prefs":{user_prefs}'
        )
    return (
        f'"page":"{page}","client_id":"{client_id}",'
        f'"browser_session_id":"{browser_session_id}","addon_version":"{app.addon_version}",'
        f'"version":"{app.version}","release_channel":"{app.release_channel}","locale":"{app.locale}",'
        f'"experiments":{experiments or "{}"},"user_prefs":{user_prefs}'
    )


def user_event_metadata(dialect: Dialect, client: str, *, session_id: str) -> str:
    """The basic metadata of a user event ping.

    Args:
        dialect: the form to write; the client puts braces around the session id.
        client: from `client_metadata`.
        session_id: without braces.
    """
    if dialect == "documented":
        return f'"session_id":"{session_id}",{client}'
    return f'"session_id":"{{{session_id}}}",{client}'


def release_fields(app: Application, experiments: str | None) -> str:
    """The fields that PingCentre adds to every structured ping on the wire, before `addon_version` and the rest."""
    return (
        f'"locale":"{app.locale}","version":"{app.version}","release_channel":"{app.release_channel}",'
        f'"experiments":{experiments or "{}"}'
    )


def annotation(experiments: str | None) -> str:
    """`"experiments":{…},` of the documented samples that print it: an empty object while not enrolled anywhere."""
    return f'"experiments":{experiments or "{}"},'
