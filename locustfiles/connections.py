"""The lanes' connections: opened, encrypted, tried again when refused, given up when the endpoint is gone."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Callable, Iterable
from typing import Any

from gevent import monkey
from lane import BUSY, CLOSED, CONNECTING, IDLE, Lane
from plan import Plan
from tls import TlsPipe

from simulator.pacing import NS_PER_S
from simulator.target import tls_context

try:
    _epoll = monkey.get_original("select", "epoll")
except AttributeError:
    sys.exit(
        "the replay watches its connections with epoll, which only Linux has; run it in a container there"
    )
EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP = 0x1, 0x4, 0x8, 0x10, 0x2000
READ = EPOLLIN | EPOLLRDHUP  # a farewell that comes along with an answer shows before the next request

_MOST_ALERTS = 5
_LONGEST_BACKOFF_NS = 1_000_000_000


class Connections:
    """All lanes of one engine and the epoll that watches them.

    Args:
        plan: destination, timeout and patience.
        clock: monotonic nanoseconds.
        trouble: hears why a connection could not be made.
        give_back: called for a lane that cannot send the request that it holds.
    """

    def __init__(
        self,
        plan: Plan,
        clock: Callable[[], int],
        *,
        trouble: Callable[[str], None],
        give_back: Callable[[Lane], None],
    ) -> None:
        self._plan, self._clock, self._trouble, self._give_back = plan, clock, trouble, give_back
        self._timeout_ns = int(plan.target.timeout_s * NS_PER_S)
        self._tls = tls_context(plan.target) if plan.destination.scheme == "https" else None
        # Where a refusal counts as a client's try, the lanes must not notice the end of an outage late.
        self._longest_backoff_ns = NS_PER_S // 10 if plan.target.retry.refused else _LONGEST_BACKOFF_NS
        self._down_since = self._tries = self._alerts = 0
        self._addresses = [plan.destination.address, *plan.destination.others]
        self.epoll = _epoll()
        self.by_fd: dict[int, Lane] = {}
        self.all: set[Lane] = set()
        self.idle: list[Lane] = []
        self._anybody_answered = False
        self.given_up = ""

    @property
    def down(self) -> bool:
        """Whether the last try to connect failed."""
        return self._down_since > 0

    def connect(self, lane: Lane) -> None:
        """Begins to connect."""
        address = self._addresses[lane.failures % len(self._addresses)]
        error = lane.connect(address, self._plan.destination.port, ipv6=":" in address)
        if error:
            self.refused(lane, error_text(error))
            return
        self.by_fd[lane.fd] = lane
        self.epoll.register(lane.fd, READ | EPOLLOUT)
        lane.deadline = self._clock() + self._timeout_ns

    def progress(self, lane: Lane) -> bool:
        """Something happened on a lane that connects: true once it can send."""
        if lane.pipe is None and (error := lane.connect_error()):
            self.refused(lane, error_text(error))
            return False
        if len(self._addresses) > 1:
            self._addresses = [lane.sock.getpeername()[0]]  # somebody listens there: all others go there too
        if self._tls is not None and not self._encrypted(lane):
            return False
        self.epoll.modify(lane.fd, READ)
        self._down_since = self._tries = 0
        lane.failures = 0
        lane.state = IDLE
        return True

    def _encrypted(self, lane: Lane) -> bool:
        try:
            if lane.pipe is None:
                lane.encrypt(TlsPipe(lane.sock, self._tls, self._plan.destination.host))
                self.epoll.modify(lane.fd, READ)
            return bool(lane.pipe.handshake())
        except OSError as error:
            self.refused(lane, f"TLS: {error.args[-1] if error.args else error}")
            return False

    def refused(self, lane: Lane, why: str) -> None:
        """A connection could not be made: tries again later, or gives up."""
        self.drop(lane)
        now = self._clock()
        self._tries += 1
        self._down_since = self._down_since or now
        self._give_back(lane)
        lane.failures += 1
        self._trouble(f"cannot connect: {why}")
        down_s = (now - self._down_since) / NS_PER_S
        if down_s > (self._plan.patience_s if self._anybody_answered else self._plan.first_patience_s):
            self._give_up(f"{why} ({self._tries} tries in {down_s:.1f} s)")
        lane.deadline = now + min(NS_PER_S // 10 << lane.failures, self._longest_backoff_ns)

    def alerted(self, lane: Lane, error: OSError) -> None:
        """The server ended a new connection with an alert, as one does that misses a client's certificate.

        Where TLS 1.3 is spoken that comes after the handshake, so connecting again would go on for ever.
        """
        self._alerts += 1
        why = f"TLS: {error_text(error)}"
        self.refused(lane, why)
        if not self._anybody_answered and self._alerts >= _MOST_ALERTS:
            self._give_up(f"{why} ({self._alerts} connections ended so)")

    def answered(self) -> None:
        """Some lane got an answer: the endpoint is there, whatever becomes of new connections."""
        self._anybody_answered = True
        self._down_since = self._tries = 0

    def _give_up(self, why: str) -> None:
        self.given_up = f"no connection to {self._plan.destination.url}: {why}"

    def drop(self, lane: Lane) -> None:
        """Closes a lane's socket, if it has one."""
        if lane.state != CLOSED:
            self.by_fd.pop(lane.fd, None)
            lane.close()  # a closed socket leaves the epoll by itself

    def retire(self, lane: Lane) -> None:
        """Closes a lane for good."""
        self.drop(lane)
        self._give_back(lane)
        if lane in self.idle:
            self.idle.remove(lane)
        if lane in self.all:
            self.all.discard(lane)
            lane.on_closed()

    def overdue(self, now: int) -> Iterable[Lane]:
        """Busy lanes whose answer is overdue; connects those again that may try once more."""
        for lane in list(self.all):
            if lane.state == BUSY and lane.deadline < now:
                yield lane
            elif lane.state == CONNECTING and lane.deadline < now:
                self.refused(lane, f"no connection in {self._plan.target.timeout_s:g} s")
            elif lane.state == CLOSED and lane.failures and lane.deadline < now and lane.job is None:
                if lane in self.idle:
                    self.idle.remove(lane)
                self.connect(lane)

    def wait_to_write(self, lane: Lane, *, waits: bool) -> None:
        """Asks to be told when the socket takes more, or no longer."""
        self.epoll.modify(lane.fd, READ | EPOLLOUT if waits else READ)

    def close(self) -> None:
        """Retires every lane and lets go of the epoll."""
        for lane in list(self.all):
            self.retire(lane)
        self.epoll.close()


def error_text(error: OSError | int | Any) -> str:
    """The words for an error of a socket."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    number = error.errno if isinstance(error, OSError) else error
    return os.strerror(number) if number else "connection lost"
