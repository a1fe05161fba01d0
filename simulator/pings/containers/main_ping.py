"""The legacy main ping (telemetry/main/4), as far as the documents go: who, which subsession, which experiments.

Real main pings hold thousands of measurements besides; the documents name none of them, so the payload has its
`info` and an empty process. Source: TelemetrySession; "Experiment Annotations".
"""

from __future__ import annotations

import msgspec

from simulator.clock import MS_PER_SECOND
from simulator.pings.containers.moments import local_hour_text


class Subsession(msgspec.Struct, frozen=True, gc=False):
    """A subsession and where it stands.

    Args:
        session_id: the browser run.
        subsession_id: this subsession.
        previous_subsession_id: the one before, in this run or an earlier one; None for the first.
        counter: subsessions of this run so far, this one included.
        profile_counter: the same over all runs.
        session_start_ms: start of the run, milliseconds since the Unix epoch.
        start_ms: start of the subsession.
    """

    session_id: str
    subsession_id: str
    previous_subsession_id: str | None
    counter: int
    profile_counter: int
    session_start_ms: int
    start_ms: int


def main_payload(subsession: Subsession, *, reason: str, now_ms: int, offset_ms: int) -> str:
    """The payload of a main ping.

    Args:
        subsession: the one that ends.
        reason: shutdown, daily or environment-change.
        now_ms: when it ends, milliseconds since the Unix epoch.
        offset_ms: milliseconds east of UTC; session dates are local and to the hour.
    """
    previous = subsession.previous_subsession_id
    printed = "null" if previous is None else f'"{previous}"'
    session_date = subsession_date = local_hour_text(subsession.session_start_ms, offset_ms)
    if subsession.start_ms != subsession.session_start_ms:
        subsession_date = local_hour_text(subsession.start_ms, offset_ms)
    return (
        f'{{"ver":4,"info":{{"reason":"{reason}","sessionId":"{subsession.session_id}",'
        f'"subsessionId":"{subsession.subsession_id}","previousSubsessionId":{printed},'
        f'"subsessionCounter":{subsession.counter},"profileSubsessionCounter":{subsession.profile_counter},'
        f'"sessionStartDate":"{session_date}",'
        f'"subsessionStartDate":"{subsession_date}",'
        f'"sessionLength":{(now_ms - subsession.session_start_ms) // MS_PER_SECOND},'
        f'"subsessionLength":{(now_ms - subsession.start_ms) // MS_PER_SECOND},'
        f'"timezoneOffset":{offset_ms // 60_000}}},"processes":{{"parent":{{"scalars":{{}}}}}}}}'
    )
