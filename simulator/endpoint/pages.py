"""Everything that is not a ping: heartbeats, version, metrics, ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qs

import msgspec
import orjson

from simulator.endpoint.codes import OK
from simulator.endpoint.ledger import entries
from simulator.endpoint.message import Answer
from simulator.endpoint.metrics import Metrics
from simulator.endpoint.queue import WriteQueue

Page = Callable[[Mapping[str, Any], bytes], Awaitable[Answer]]

_ENTRIES_AT_ONCE = 10_000
_ENTRIES_AT_MOST = 100_000
_NOT_ALLOWED = Answer(
    405, b'{"code":"method_not_allowed","message":"GET"}', headers=((b"allow", b"GET, HEAD"),)
)


class Pages:
    """The pages about the endpoint itself.

    Args:
        queue: the way to the store.
        metrics: what was counted.
        connections: tells how many are open.
    """

    def __init__(self, queue: WriteQueue, metrics: Metrics, *, connections: Callable[[], int]) -> None:
        self._queue = queue
        self._metrics = metrics
        self._connections = connections

    def table(self) -> dict[str, Page]:
        """Path to handler."""
        pages: dict[str, Page] = {
            "/__heartbeat__": self._heartbeat,
            "/__lbheartbeat__": self._alive,
            "/__version__": self._version,
            "/metrics": self._metrics_page,
            "/ledger": self._ledger,
            "/ledger/entries": self._entries,
        }
        return {path: _reading(page) for path, page in pages.items()}

    async def _alive(self, _scope: Mapping[str, Any], _body: bytes) -> Answer:
        return Answer(200)

    async def _heartbeat(self, _scope: Mapping[str, Any], _body: bytes) -> Answer:
        store = self._queue.store.trouble
        told = {
            "status": "ok" if store == OK else "error",
            "store": store,
            "waiting_pings": self._queue.pings,
        }
        return Answer(200 if store == OK else 503, orjson.dumps(told))

    async def _version(self, _scope: Mapping[str, Any], _body: bytes) -> Answer:
        return Answer(200, orjson.dumps({"name": "telsim", "version": version("telsim")}))

    async def _metrics_page(self, _scope: Mapping[str, Any], _body: bytes) -> Answer:
        gauges = {
            "waiting_pings": self._queue.pings,
            "waiting_bytes": self._queue.bytes,
            "store_bytes": self._queue.store.size_bytes(),
            "store_batches": self._queue.store.batches,
            "connections": self._connections(),
        }
        return Answer(
            200,
            self._metrics.text(self._queue.store.counts.copy(), gauges).encode(),
            b"text/plain; version=0.0.4; charset=utf-8",
        )

    async def _ledger(self, _scope: Mapping[str, Any], _body: bytes) -> Answer:
        return Answer(200, msgspec.json.encode(self._queue.store.totals()))

    async def _entries(self, scope: Mapping[str, Any], _body: bytes) -> Answer:
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        try:
            after = int(asked.get("after", ["0"])[0])
            limit = int(asked.get("limit", [str(_ENTRIES_AT_ONCE)])[0])
        except ValueError:
            return Answer(400, b'{"code":"bad_query","message":"after and limit are whole numbers"}')
        limit = max(0, min(limit, _ENTRIES_AT_MOST))
        after = max(0, min(after, 2**63 - 1))
        path = self._queue.store.path
        body = await asyncio.to_thread(lambda: b"".join(entries(path, after=after, limit=limit)))
        return Answer(200, body, b"application/x-ndjson")


def _reading(page: Page) -> Page:
    async def guarded(scope: Mapping[str, Any], body: bytes) -> Answer:
        return await page(scope, body) if scope["method"] in ("GET", "HEAD") else _NOT_ALLOWED

    return guarded
