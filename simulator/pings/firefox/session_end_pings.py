"""Section "Session end pings": the basic event with its session performance data.

Documented: `_ts` fields are doubles in milliseconds since the browser's time origin, missing ones are left out.
Wire: whole milliseconds since the Unix epoch, -1 for a missing one (conflicts C1, C2, C5, C8, C9).
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.pings.firefox.basic_metadata import Application
from simulator.population.page import ICON_TYPES
from simulator.records import Dialect

#: Looked up, not formatted: a session prints three of them.
_DECIMALS = tuple(f".{rest:03d}" for rest in range(1_000))


def topsites_statistics(icon_counts: Sequence[int], *, pinned: int, search_shortcuts: int) -> str:
    """The fields that count the tiles a session saw, as a fragment that begins with a comma.

    Args:
        icon_counts: how many tiles have each of `ICON_TYPES`.
        pinned: how many are pinned.
        search_shortcuts: how many are search shortcuts.
    """
    stats = ",".join(f'"{icon}":{count}' for icon, count in zip(ICON_TYPES, icon_counts, strict=True))
    return (
        f',"topsites_icon_stats":{{{stats}}},"topsites_pinned":{pinned},'
        f'"topsites_search_shortcuts":{search_shortcuts}'
    )


def _milliseconds(us: int) -> str:
    """Microseconds as milliseconds with three decimals."""
    whole, rest = divmod(us, 1_000)
    return f"{whole}{_DECIMALS[rest]}"


def performance(
    dialect: Dialect,
    *,
    trigger_type: str,
    trigger_us: int | None,
    visible_us: int,
    topsites_painted_us: int | None,
    topsites: str,
    topsites_late_ms: int | None,
    highlights_late_ms: int | None,
    is_preloaded: bool,
    origin_us: int,
) -> str:
    """The `perf` object ("Session performance data"). Times are microseconds since the Unix epoch.

    Args:
        dialect: the form to write.
        trigger_type: first_window_opened, menu_plus_or_keyboard or unexpected.
        trigger_us: when the user caused the load; None where nothing was seen to cause it.
        visible_us: when the page became visible.
        topsites_painted_us: when the top sites were painted; None where they were not rendered.
        topsites: `topsites_statistics` of the layout; empty where they were not rendered.
        topsites_late_ms: how long placeholders stood in for top sites; None where data was ready.
        highlights_late_ms: the same for highlights.
        is_preloaded: whether the page had been loaded in the background.
        origin_us: the time origin of the browser's hidden window.
    """
    if dialect == "documented":
        times = f'"visibility_event_rcvd_ts":{_milliseconds(visible_us - origin_us)},'
        if trigger_us is not None:
            times = f'"load_trigger_ts":{_milliseconds(trigger_us - origin_us)},{times}'
        if topsites_painted_us is not None:
            times = f'{times}"topsites_first_painted_ts":{_milliseconds(topsites_painted_us - origin_us)},'
    else:
        trigger = -1 if trigger_us is None else trigger_us // 1_000
        painted = -1 if topsites_painted_us is None else topsites_painted_us // 1_000
        times = (
            f'"load_trigger_ts":{trigger},"visibility_event_rcvd_ts":{visible_us // 1_000},'
            f'"topsites_first_painted_ts":{painted},'
        )
    late = ""
    if highlights_late_ms is not None:
        late += f',"highlights_data_late_by_ms":{highlights_late_ms}'
    if topsites_late_ms is not None:
        late += f',"topsites_data_late_by_ms":{topsites_late_ms}'
    preloaded = "true" if is_preloaded else "false"
    return f'{{{times}"load_trigger_type":"{trigger_type}","is_preloaded":{preloaded}{topsites}{late}}}'


def session_metadata(
    dialect: Dialect,
    app: Application,
    *,
    page: str,
    client_id: str,
    profile_creation_day: int,
    experiments: str | None,
    user_prefs: int,
) -> str:
    """What all sessions on one page have in common.

    Args:
        dialect: the form to write.
        app: the sending application.
        page: the page's URL, or `unknown`.
        client_id: without braces.
        profile_creation_day: days from the Unix epoch to the profile's creation.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
        user_prefs: the preference bits.
    """
    common = (
        f'"client_id":"{client_id}","addon_version":"{app.addon_version}","locale":"{app.locale}",'
        f'"page":"{page}","profile_creation_date":{profile_creation_day},'
        f'"experiments":{experiments or "{}"},"user_prefs":{user_prefs}'
    )
    if dialect == "documented":
        return f'"action":"activity_stream_session",{common}'
    return f'"version":"{app.version}","release_channel":"{app.release_channel}",{common}'


def newtab_session(dialect: Dialect, metadata: str, *, session_id: str, duration_ms: int, perf: str) -> str:
    """A new tab, home or welcome page was left.

    Args:
        dialect: the form to write; the client puts braces around the session id.
        metadata: from `session_metadata`.
        session_id: without braces.
        duration_ms: how long the page had been visible.
        perf: from `performance`.
    """
    if dialect == "documented":
        return f'{{"session_id":"{session_id}","session_duration":{duration_ms},"perf":{perf},{metadata}}}'
    return f'{{"session_id":"{{{session_id}}}","session_duration":{duration_ms},"perf":{perf},{metadata}}}'
