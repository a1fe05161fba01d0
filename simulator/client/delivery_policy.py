"""How each product's clients deliver: rate limits, what an answer means, when they try again.

Policies are data, and the queue that follows one is pure: time goes in as an argument, nothing is sent here.
Sources: PingCentre; TelemetrySend.sys.mjs; glean-core's upload (facts on transport, with what running 52.2.0 showed).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from simulator.clock import MS_PER_MINUTE, MS_PER_SECOND

Fate = Literal["delivered", "dropped", "retried"]


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """What a sender does about delivery. None means no limit.

    Args:
        name: what to select it by.
        retries: whether failures other than 4xx are tried again; otherwise every answer is the last word.
        most_in_window: sends in one window.
        window_ms: its length; it begins with its first send.
        most_waits: how often in a row a full window is waited for before giving up until the next submission.
        most_failures: failures after which it gives up until the next submission.
        first_backoff_ms: pause after a failure, doubling with each further one; 0 tries again at once.
        longest_backoff_ms: what the pause grows to.
        newest_first: which of the waiting pings goes first; a retried one goes to the end of the line.
        most_pending: waiting pings; beyond them the oldest is dropped.
        largest_body_bytes: compressed; a larger one is never sent.
        timeout_ms: after which a request has failed.
    """

    name: str
    retries: bool
    most_in_window: int | None = None
    window_ms: int = MS_PER_MINUTE
    most_waits: int | None = None
    most_failures: int | None = None
    first_backoff_ms: int = 0
    longest_backoff_ms: int = 0
    newest_first: bool = False
    most_pending: int | None = None
    largest_body_bytes: int | None = None
    timeout_ms: int = 30 * MS_PER_SECOND


#: Structured pings of Firefox (PingCentre): sent at once, and forgotten whatever comes back.
NEW_TAB: Final = DeliveryPolicy("newtab", retries=False)
#: Legacy pings (TelemetrySend): ten a minute, newest first; failures wait a minute, then two, up to two hours.
LEGACY: Final = DeliveryPolicy(
    "legacy",
    retries=True,
    most_in_window=10,
    first_backoff_ms=MS_PER_MINUTE,
    longest_backoff_ms=120 * MS_PER_MINUTE,
    newest_first=True,
    largest_body_bytes=1 << 20,
    timeout_ms=90 * MS_PER_SECOND,
)
#: Glean: fifteen a minute, three waits, three failures without any pause between them.
GLEAN: Final = DeliveryPolicy(
    "glean",
    retries=True,
    most_in_window=15,
    most_waits=3,
    most_failures=3,
    most_pending=500,
    largest_body_bytes=1 << 20,
)

POLICIES: Final[Mapping[str, DeliveryPolicy]] = MappingProxyType(
    {policy.name: policy for policy in (NEW_TAB, LEGACY, GLEAN)}
)

#: The policy of each carrier's sender. Sourcegraph's clients retry nothing either.
OF_CARRIER: Final[Mapping[str, DeliveryPolicy]] = MappingProxyType(
    {"structured": NEW_TAB, "telemetry": LEGACY, "glean": GLEAN, "graphql": NEW_TAB, "sentry": NEW_TAB}
)


def fate(policy: DeliveryPolicy, status: int | None) -> Fate:
    """What a ping's sender makes of an answer.

    Args:
        policy: the sender's.
        status: HTTP status; None for none at all (connection refused, reset, timed out).
    """
    if status is not None and 200 <= status < 300:
        return "delivered"
    if not policy.retries or (status is not None and 400 <= status < 500):
        return "dropped"
    return "retried"


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing may be sent before `until_ms`."""

    until_ms: int


class DeliveryQueue:
    """One client's pings on their way out.

    Args:
        policy: what it follows.
    """

    def __init__(self, policy: DeliveryPolicy) -> None:
        self.policy = policy
        self.pending: deque[str] = deque()
        self.dropped: list[str] = []
        self._window_start_ms: int | None = None
        self._in_window = 0
        self._waits = 0
        self._failures = 0
        self._not_before_ms = 0
        self._gave_up = False

    def submit(self, document_id: str, *, body_bytes: int = 0) -> None:
        """A new ping: it may be refused for its size, may push the oldest out, and starts delivery afresh.

        Args:
            document_id: names it; a retry keeps it, so that a receiver can notice.
            body_bytes: its compressed size.
        """
        policy = self.policy
        if policy.largest_body_bytes is not None and body_bytes > policy.largest_body_bytes:
            self.dropped.append(document_id)
            return
        self.pending.append(document_id)
        if policy.most_pending is not None and len(self.pending) > policy.most_pending:
            self.dropped.append(self.pending.popleft())
        self._waits = self._failures = self._not_before_ms = 0
        self._gave_up = False

    def take(self, now_ms: int) -> str | Wait | None:
        """What to do now: a document id to send, a wait, or nothing until the next submission.

        Args:
            now_ms: now, never earlier than before.
        """
        if not self.pending or self._gave_up:
            return None
        if now_ms < self._not_before_ms:
            return Wait(self._not_before_ms)
        policy = self.policy
        if self._window_start_ms is None or now_ms - self._window_start_ms >= policy.window_ms:
            self._window_start_ms, self._in_window = now_ms, 0
        if policy.most_in_window is not None and self._in_window >= policy.most_in_window:
            self._waits += 1
            if policy.most_waits is not None and self._waits > policy.most_waits:
                self._gave_up = True
                return None
            return Wait(self._window_start_ms + policy.window_ms)
        self._in_window += 1
        self._waits = 0
        return self.pending.pop() if policy.newest_first else self.pending.popleft()

    def answered(self, document_id: str, status: int | None, *, now_ms: int) -> Fate:
        """An answer came, or none did.

        Args:
            document_id: of the ping that was sent.
            status: HTTP status; None for none at all.
            now_ms: when.
        """
        policy, result = self.policy, fate(self.policy, status)
        if result == "dropped":
            self.dropped.append(document_id)
        elif result == "retried":
            if policy.newest_first:
                self.pending.appendleft(document_id)
            else:
                self.pending.append(document_id)
            if policy.first_backoff_ms:
                pause = min(policy.first_backoff_ms << min(self._failures, 30), policy.longest_backoff_ms)
                self._not_before_ms = now_ms + pause
            self._failures += 1
            self._gave_up = policy.most_failures is not None and self._failures >= policy.most_failures
        return result
