"""The legacy event ping (telemetry/event/4): events of one process run, in buckets by process.

The same in both dialects; what differs are the names inside its records. Source: EventPing.sys.mjs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulator.clock import MS_PER_MINUTE
from simulator.pings.containers.moments import utc_ms_text


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The fragments that legacy pings of one client and build share.

    Args:
        client_id: without braces.
        application: from `application_object`.
        environment: from `environment_object`, without its last brace.
    """

    client_id: str
    application: str
    environment: str


def legacy_ping(
    doctype: str,
    telemetry: Telemetry,
    *,
    document_id: str,
    now_ms: int,
    payload: str,
    experiments: str,
) -> str:
    """A legacy ping around its payload.

    Args:
        doctype: event or main.
        telemetry: who sends it.
        document_id: also the last part of its address.
        now_ms: when it is assembled, milliseconds since the Unix epoch.
        payload: JSON text.
        experiments: `,"experiments":{…}` or nothing.
    """
    return (
        f'{{"type":"{doctype}","id":"{document_id}","creationDate":"{utc_ms_text(now_ms)}","version":4,'
        f'"application":{telemetry.application},"payload":{payload},"clientId":"{telemetry.client_id}",'
        f'"environment":{telemetry.environment}{experiments}}}}}'
    )


def event_payload(
    *,
    reason: str,
    process_start_ms: int,
    session_id: str,
    subsession_id: str,
    lost: int,
    events: Mapping[str, Sequence[str]],
) -> str:
    """The payload of an event ping.

    Args:
        reason: periodic, max or shutdown.
        process_start_ms: when the browser was started; printed to the minute.
        session_id: the browser run's.
        subsession_id: the subsession's.
        lost: how many events found no place.
        events: record texts by process name.
    """
    buckets = ",".join([f'"{name}":[{",".join(records)}]' for name, records in events.items()])
    return (
        f'{{"reason":"{reason}","processStartTimestamp":{process_start_ms - process_start_ms % MS_PER_MINUTE},'
        f'"sessionId":"{session_id}","subsessionId":"{subsession_id}","lostEventsCount":{lost},'
        f'"events":{{{buckets}}}}}'
    )
