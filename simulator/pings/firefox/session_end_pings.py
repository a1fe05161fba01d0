"""Section "Session end pings": the basic event with its session performance data.

Documented: `_ts` fields are doubles in milliseconds since the browser's time origin, missing ones are left out.
Wire: whole milliseconds since the Unix epoch, -1 for a missing one (conflicts C1, C2, C5, C8, C9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.pings.firefox.basic_metadata import Application
from simulator.population.page import ICON_TYPES
from simulator.records import Dialect


@dataclass(frozen=True, slots=True)
class Performance:
    """How a session's page came up. Times are microseconds since the Unix epoch.

    Args:
        trigger_type: first_window_opened, menu_plus_or_keyboard or unexpected.
        trigger_us: when the user caused the load; None where nothing was seen to cause it.
        visible_us: when the page became visible.
        topsites_painted_us: when the top sites were painted; None where they were not rendered.
        topsites: `topsites_statistics` of the layout; empty where they were not rendered.
        topsites_late_ms: how long placeholders stood in for top sites; None where data was ready.
        highlights_late_ms: the same for highlights.
        is_preloaded: whether the page had been loaded in the background.
    """

    trigger_type: str
    trigger_us: int | None
    visible_us: int
    topsites_painted_us: int | None
    topsites: str
    topsites_late_ms: int | None
    highlights_late_ms: int | None
    is_preloaded: bool


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


def _documented_time(key: str, at_us: int | None, origin_us: int) -> str:
    if at_us is None:
        return ""
    whole, rest = divmod(at_us - origin_us, 1_000)
    return f'"{key}":{whole}.{rest:03d},'


def performance(dialect: Dialect, perf: Performance, *, origin_us: int) -> str:
    """The `perf` object ("Session performance data").

    Args:
        dialect: the form to write.
        perf: what was measured.
        origin_us: the time origin of the browser's hidden window, microseconds since the Unix epoch.
    """
    if dialect == "documented":
        times = (
            _documented_time("load_trigger_ts", perf.trigger_us, origin_us)
            + f'"load_trigger_type":"{perf.trigger_type}",'
            + _documented_time("visibility_event_rcvd_ts", perf.visible_us, origin_us)
            + _documented_time("topsites_first_painted_ts", perf.topsites_painted_us, origin_us)
        )
    else:
        trigger = -1 if perf.trigger_us is None else perf.trigger_us // 1_000
        painted = -1 if perf.topsites_painted_us is None else perf.topsites_painted_us // 1_000
        times = (
            f'"load_trigger_ts":{trigger},"load_trigger_type":"{perf.trigger_type}",'
            f'"visibility_event_rcvd_ts":{perf.visible_us // 1_000},"topsites_first_painted_ts":{painted},'
        )
    late = ""
    if perf.highlights_late_ms is not None:
        late += f',"highlights_data_late_by_ms":{perf.highlights_late_ms}'
    if perf.topsites_late_ms is not None:
        late += f',"topsites_data_late_by_ms":{perf.topsites_late_ms}'
    preloaded = "true" if perf.is_preloaded else "false"
    return f'{{{times}"is_preloaded":{preloaded}{perf.topsites}{late}}}'


def newtab_session(
    dialect: Dialect,
    app: Application,
    *,
    page: str,
    client_id: str,
    session_id: str,
    duration_ms: int,
    profile_creation_day: int,
    experiments: str | None,
    user_prefs: int,
    perf: str,
) -> str:
    """A new tab, home or welcome page was left.

    Args:
        dialect: the form to write.
        app: the sending application.
        page: the page's URL, or `unknown`.
        client_id: without braces.
        session_id: without braces.
        duration_ms: how long the page had been visible.
        profile_creation_day: days from the Unix epoch to the profile's creation.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
        user_prefs: the preference bits.
        perf: from `performance`.
    """
    if dialect == "documented":
        return (
            f'{{"action":"activity_stream_session","client_id":"{client_id}","session_id":"{session_id}",'
            f'"addon_version":"{app.addon_version}","locale":"{app.locale}","page":"{page}",'
            f'"session_duration":{duration_ms},"profile_creation_date":{profile_creation_day},'
            f'"experiments":{experiments or "{}"},"user_prefs":{user_prefs},"perf":{perf}}}'
        )
    return (
        f'{{"client_id":"{client_id}","session_id":"{{{session_id}}}","addon_version":"{app.addon_version}",'
        f'"version":"{app.version}","release_channel":"{app.release_channel}","locale":"{app.locale}",'
        f'"page":"{page}","session_duration":{duration_ms},"profile_creation_date":{profile_creation_day},'
        f'"experiments":{experiments or "{}"},"user_prefs":{user_prefs},"perf":{perf}}}'
    )
