"""The thin ASGI layer: read a request within limits, have the intake take it, answer.

A request that arrives whole in one read need not come this way: `simulator.endpoint.direct` has the same intake take it
without a task and messages.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter_ns
from typing import Any

from simulator.endpoint.codes import OK
from simulator.endpoint.faultswitch import FaultSwitch
from simulator.endpoint.intake import Arrival, Intake
from simulator.endpoint.message import Answer, Request
from simulator.endpoint.metrics import Metrics
from simulator.endpoint.pages import Page
from simulator.endpoint.receive import refusal_of_head
from simulator.endpoint.settings import Settings

#: How much of a refused body is read away before the connection is cut instead.
_DROP_BYTES = 64 * 1024 * 1024

#: A Content-Length of fewer digits is never worth a look before the body.
_LONG_DIGITS = 3

#: Key in the scope of a request whose body is late or broken: the code, set by its connection.
TROUBLE = "telsim.trouble"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ClientGoneError(Exception):
    """The client closed the connection before its request was whole."""


class BrokenBodyError(Exception):
    """The body will never be whole. Its text is the short code."""


class App:
    """An ASGI application that takes pings.

    Args:
        intake: takes whole requests.
        settings: limits of the server.
        metrics: where to count.
        faults: fails on purpose; None where that is not allowed.
        pages: path to handler of everything that is not a ping.
    """

    def __init__(
        self,
        intake: Intake,
        settings: Settings,
        *,
        metrics: Metrics,
        pages: Mapping[str, Page],
        faults: FaultSwitch | None = None,
    ) -> None:
        self.intake = intake
        self._settings = settings
        self._metrics = metrics
        self._pages = pages
        self._faults = faults
        self._reading_bytes = 0

    async def __call__(self, scope: Scope, receive_message: Receive, send: Send) -> None:
        """Handle one HTTP request (ASGI 3)."""
        started = perf_counter_ns()
        request = Request(
            scope["method"],
            scope["raw_path"].decode("ascii"),
            scope["query_string"].decode("latin-1"),
            dict(scope["headers"]),
            b"",
        )
        try:
            body, refused = await self._read(request, scope, receive_message)
        except BrokenBodyError as trouble:
            body, refused = b"", str(trouble)
        except ClientGoneError:
            self._metrics.counts["clients_gone"] += 1
            return
        page = self._pages.get(request.path)
        if page is not None:
            told = await page(scope, body)
            await _send(send, told, b"total;dur=%.3f" % ((perf_counter_ns() - started) / 1e6))
            return
        request = Request(request.method, request.path, request.query, request.headers, body)
        arrived = perf_counter_ns()
        if self._faults is not None and (fault := self._faults.now()) is not None:
            self._metrics.counts["faults"] += 1
            failed = await self._faults.play(fault, scope)
            if failed is not None:
                await _send(send, failed, b"fault")
                return
        await _send(send, *await self._take(request, refused, arrived - started))

    def takes_at_once(self, request: Request) -> bool:
        """Whether a whole request may go straight to the intake: no page, within limits, no drill, no 100 awaited."""
        return (
            len(request.body) <= self._settings.limits.body_bytes
            and request.path not in self._pages
            and b"expect" not in request.headers
            and (self._faults is None or not self._faults.on)
        )

    async def _take(self, request: Request, refused: str, read_ns: int) -> tuple[Answer, bytes]:
        """The answer and its stage times, once the store has the request."""
        future: asyncio.Future[tuple[Answer, bytes]] = asyncio.get_running_loop().create_future()

        def tell(told: Answer, timing: bytes) -> None:
            if not future.done():  # its client may have gone
                future.set_result((told, timing))

        self.intake.take(Arrival(request, tell, read_ns, refused))
        return await future

    async def _read(self, request: Request, scope: Scope, receive_message: Receive) -> tuple[bytes, str]:
        """The body, and the code by which the request is refused because of its head, size or pace."""
        limits = self._settings.limits
        length = request.headers.get(b"content-length", b"")
        if len(length) >= _LONG_DIGITS and int(length) > limits.body_bytes:
            return b"", await self._drop_body(request, "body_too_large", scope, receive_message)
        message = await _next(scope, receive_message)
        if not message["more_body"]:
            body: bytes = message["body"]
            return (body, OK) if len(body) <= limits.body_bytes else (b"", "body_too_large")
        code = OK if request.path in self._pages else refusal_of_head(request, self.intake.rules)
        if code != OK:
            return b"", await self._drop_body(request, code, scope, receive_message)
        return await self._collect(request, message, scope, receive_message)

    async def _collect(
        self, request: Request, message: dict[str, Any], scope: Scope, receive_message: Receive
    ) -> tuple[bytes, str]:
        """The body of a request that comes in several parts, within the budgets of one request and of all."""
        settings = self._settings
        parts: list[bytes] = []
        held = 0
        try:
            while True:
                part = message["body"]
                parts.append(part)
                held += len(part)
                self._reading_bytes += len(part)
                if held > settings.limits.body_bytes:
                    parts.clear()
                    return b"", await self._drop_body(request, "body_too_large", scope, receive_message)
                if self._reading_bytes > settings.reading_bytes:
                    return b"", "overloaded"
                if not message["more_body"]:
                    return b"".join(parts), OK
                message = await _next(scope, receive_message)
        finally:
            self._reading_bytes -= held

    async def _drop_body(self, request: Request, code: str, scope: Scope, receive_message: Receive) -> str:
        """Read and forget a refused body, so that the client, still sending, gets to see the answer."""
        length = int(request.headers.get(b"content-length", b"0"))
        if length > _DROP_BYTES or b"expect" in request.headers:
            return code
        dropped, more = 0, True
        with contextlib.suppress(BrokenBodyError):
            while more and dropped <= _DROP_BYTES:
                message = await _next(scope, receive_message)
                dropped += len(message["body"])
                more = message["more_body"]
        return code


async def _next(scope: Scope, receive_message: Receive) -> dict[str, Any]:
    message = await receive_message()
    if message["type"] != "http.request":
        raise ClientGoneError
    if message["more_body"] and (trouble := scope.get(TROUBLE)):
        raise BrokenBodyError(trouble)
    return message


def head_of(
    length: int, content_type: bytes, headers: tuple[tuple[bytes, bytes], ...]
) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of an answer whose body has so many bytes, but for its Server-Timing."""
    told = ((b"content-length", b"%d" % length), *headers)
    return (*told, (b"content-type", content_type)) if length else told


async def _send(send: Send, told: Answer, timing: bytes) -> None:
    headers = [*head_of(len(told.body), told.content_type, told.headers), (b"server-timing", timing)]
    await send({"type": "http.response.start", "status": told.status, "headers": headers})
    await send({"type": "http.response.body", "body": told.body})
