"""A switch that makes the endpoint fail on purpose, for outage drills. Only there when it was asked for."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Annotated, Any, Literal

import msgspec

from simulator.endpoint.message import Answer

Mode = Literal["none", "500", "503", "429", "hang", "slow", "reset", "disk_full"]

_STATUS = {"500": 500, "503": 503, "429": 429, "disk_full": 507}
_CODE = {"disk_full": "disk_full"}


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes wrong, for how long, and how often.

    Args:
        mode: which failure; `none` ends the one before.
        seconds: how long; 0 until further notice.
        share: of requests, 0 to 1.
        delay_ms: for `slow`.
    """

    mode: Mode
    seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 0.0
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    delay_ms: Annotated[float, msgspec.Meta(ge=0, le=600_000)] = 1000.0


class FaultSwitch:
    """The failure that is on now, if any.

    Args:
        clock: seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._fault = Fault("none")
        self._until = 0.0
        self._due = 0.0

    def set(self, fault: Fault) -> None:
        """Turn a failure on, or off with mode `none`."""
        self._fault = fault
        self._until = self._clock() + fault.seconds if fault.seconds else float("inf")
        self._due = 0.0

    @property
    def on(self) -> bool:
        """Whether a failure is on now, even if the next request may be spared."""
        return self._fault.mode != "none" and self._clock() < self._until

    def now(self) -> Fault | None:
        """The failure to play for the next request; None for none.

        A share of one third means every third request, not one in three by chance: drills repeat exactly.
        """
        if not self.on:
            return None
        self._due += self._fault.share
        if self._due < 1.0 - 1e-9:
            return None
        self._due -= 1.0
        return self._fault

    async def play(self, fault: Fault, scope: Mapping[str, Any]) -> Answer | None:
        """Fail: an answer to give, or None where the request goes on as if nothing were wrong."""
        if fault.mode == "slow":
            await asyncio.sleep(fault.delay_ms / 1000)
            return None
        if fault.mode == "hang":
            await self._hang(fault, scope["telsim.transport"])
        if fault.mode in ("hang", "reset"):
            _reset(scope["telsim.transport"])
            return Answer(500)
        status = _STATUS[fault.mode]
        headers = ((b"retry-after", b"1"),) if status in (429, 503) else ()
        code = _CODE.get(fault.mode, "fault")
        return Answer(status, msgspec.json.encode({"code": code, "message": "a drill"}), headers=headers)

    async def _hang(self, fault: Fault, transport: Any) -> None:
        """Say nothing while this failure is on, and then cut the connection: the client was never answered."""
        while self._fault is fault and self._clock() < self._until and not transport.is_closing():
            await asyncio.sleep(0.05)

    async def page(self, scope: Mapping[str, Any], body: bytes) -> Answer:
        """`/__fault__`: POST sets, GET tells."""
        if scope["method"] == "POST":
            try:
                fault = msgspec.json.decode(body, type=Fault)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                return Answer(400, msgspec.json.encode({"code": "bad_fault", "message": str(error)}))
            self.set(fault)
        elif scope["method"] not in ("GET", "HEAD"):
            return Answer(405, b'{"code":"method_not_allowed","message":"POST or GET"}')
        left = max(0.0, self._until - self._clock()) if self._fault.seconds else 0.0
        on = self._fault.mode if left or not self._fault.seconds else "none"
        return Answer(200, msgspec.json.encode({"mode": on, "seconds_left": round(left, 3)}))


def _reset(transport: Any) -> None:
    """Cut a connection with RST instead of a polite FIN (SO_LINGER with zero seconds)."""
    with contextlib.suppress(OSError, AttributeError):
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
