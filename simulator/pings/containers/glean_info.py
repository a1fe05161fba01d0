"""`client_info` and `ping_info`: what every Glean ping says of who sends it and of itself.

Keys stand in the order in which Glean 52 writes them, the alphabet's. Times are to the minute with the local
offset, as Glean wrote them up to version 54.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from simulator.pings.containers.event_record import cut
from simulator.pings.containers.moments import local_date_text
from simulator.pings.text import compact, quoted

#: The version whose pings these builders imitate; the Glean carrier's agent header names it too.
GLEAN_VERSION: Final = "52.2.0"
LONGEST_EXTRA_BYTES: Final = 500

#: Stands where a client's own values go; no value of a build can hold it.
_HOLE = "<>"
_ANDROID = {"android_sdk_version": "30", "device_manufacturer": "Google", "device_model": "Pixel 4a"}


def client_info_object(
    *,
    client_id: str,
    build_id: str,
    version: str,
    channel: str,
    locale: str,
    os: str,
    os_version: str,
    created_ms: int,
    offset_ms: int,
) -> str:
    """The `client_info` object, the same in all pings of an installation.

    Args:
        client_id: without braces.
        build_id: at least eight digits, the date first.
        version: application version.
        channel: update channel.
        locale: application locale.
        os: Windows, Darwin, Linux or Android.
        os_version: what the system says of itself; of Linux, Glean tells the first two numbers.
        created_ms: first run, milliseconds since the Unix epoch.
        offset_ms: milliseconds east of UTC.
    """
    head, middle, tail = _client_info_parts(build_id, version, channel, locale, os, os_version)
    return f"{head}{client_id}{middle}{local_date_text(created_ms, offset_ms)}{tail}"


@lru_cache(maxsize=4_096)
def _client_info_parts(
    build_id: str, version: str, channel: str, locale: str, os: str, os_version: str
) -> tuple[str, str, str]:
    """The object of one build around what differs between its clients: the client id and the first run's date."""
    clock = build_id[8:].ljust(6, "0")
    built = f"{build_id[:4]}-{build_id[4:6]}-{build_id[6:8]}T{clock[:2]}:{clock[2:4]}:{clock[4:6]}+00:00"
    info = {
        "app_build": build_id,
        "app_channel": channel,
        "app_display_version": version,
        "architecture": "arm64-v8a" if os == "Android" else "x86_64",
        "build_date": built,
        "client_id": _HOLE,
        "first_run_date": _HOLE,
        "locale": locale,
        "os": os,
        "os_version": ".".join(os_version.split(".")[:2]) if os == "Linux" else os_version,
        "telemetry_sdk_build": GLEAN_VERSION,
    }
    if os == "Android":
        info |= _ANDROID
    head, middle, tail = compact(dict(sorted(info.items()))).split(_HOLE)
    return head, middle, tail


def ping_info_member(*, reason: str, seq: int, start: str, end: str, experiments: str) -> str:
    """The `ping_info` member.

    Args:
        reason: why the ping was made.
        seq: how many pings of this name the client made before.
        start: when the previous one was made, or when Glean started; ready text.
        end: now, ready text.
        experiments: `,"experiments":{…}` or nothing.
    """
    return f'"ping_info":{{"end_time":"{end}"{experiments},"reason":"{reason}","seq":{seq},"start_time":"{start}"}}'


def glean_event_fragment(category: str, name: str, extra: dict[str, str] | None = None) -> str:
    """An event without its time: everything up to it, so that the time and a brace complete it.

    Args:
        category: such as `nimbus_events`.
        name: what happened.
        extra: values are cut at 500 bytes of UTF-8; an empty one is left out.
    """
    if not extra:
        return f'{{"category":{quoted(category)},"name":{quoted(name)},"timestamp":'
    texts = compact({key: cut(extra[key], LONGEST_EXTRA_BYTES) for key in sorted(extra)})
    return f'{{"category":{quoted(category)},"extra":{texts},"name":{quoted(name)},"timestamp":'


def glean_events_ping(client_info: str, ping_info: str, events: str) -> str:
    """The Glean events ping. The same in both dialects; what differs are the names inside its events.

    Args:
        client_info: from `client_info_object`.
        ping_info: from `ping_info_member`.
        events: the events, joined by commas.
    """
    return f'{{"client_info":{client_info},"events":[{events}],{ping_info}}}'


def glean_baseline_ping(
    client_info: str, ping_info: str, *, submitted: tuple[int, int], duration_s: int | None
) -> str:
    """The Glean baseline ping. Glean writes no empty objects, so a client's very first one has no metrics.

    Args:
        client_info: from `client_info_object`.
        ping_info: from `ping_info_member`.
        submitted: baseline and events pings made since the last baseline ping.
        duration_s: how long the application was in use; only when it stops being used.
    """
    counted = _submitted_counter(*submitted)
    if duration_s is None:
        metrics = f'"metrics":{{{counted}}},' if counted else ""
    else:
        comma = "," if counted else ""
        metrics = (
            f'"metrics":{{{counted}{comma}'
            f'"timespan":{{"glean.baseline.duration":{{"time_unit":"second","value":{duration_s}}}}}}},'
        )
    return f'{{"client_info":{client_info},{metrics}{ping_info}}}'


@lru_cache(maxsize=256)
def _submitted_counter(baseline: int, events: int) -> str:
    counts = {name: count for name, count in (("baseline", baseline), ("events", events)) if count}
    return f'"labeled_counter":{{"glean.validation.pings_submitted":{compact(counts)}}}' if counts else ""
