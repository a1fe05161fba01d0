"""The request that carries a ping: its headers."""

from __future__ import annotations

from simulator.catalogue import ping_types
from simulator.records import Ping
from simulator.wire import CARRIER_HEADERS

RECORD_ID = "X-Telsim-Record-Id"


def request_headers(ping: Ping) -> dict[str, str]:
    """The headers that go with a ping: its carrier's, then its own.

    Where the path does not name the document, one of ours tells telsim's endpoint the record's id.
    """
    row = ping_types().get(ping.ping)
    headers = dict(CARRIER_HEADERS[row.carrier]) if row else {"Content-Type": "application/json"}
    if ping.id not in ping.path:
        headers[RECORD_ID] = ping.id
    given = {name.lower() for name in ping.headers}
    return {name: value for name, value in headers.items() if name.lower() not in given} | ping.headers
