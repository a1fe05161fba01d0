"""Requests in Locust's own statistics: in bulk where only Locust listens, one event a request where others do."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from locust.stats import StatsError, bucket_response_time


class LocustStats:
    """Logs requests into one Locust environment. In an open loop response times count from the due time.

    Args:
        environment: Locust's.
        method: of the requests, as Locust is to show it.
    """

    def __init__(self, environment: Any, *, method: str) -> None:
        self._environment = environment
        self._method = method
        self.received_bytes = 0

    def log(
        self,
        *,
        names: tuple[str, ...],
        numbers: Any,
        took_ns: Any,
        done_ns: Any,
        messages: list[tuple[int, str]],
    ) -> None:
        """Takes in requests that have ended.

        Args:
            names: request names.
            numbers: position of each request's name.
            took_ns: response times, nanoseconds.
            done_ns: when they ended, nanoseconds since the Unix epoch.
            messages: position and text of those that failed.
        """
        received, self.received_bytes = self.received_bytes, 0
        if self._others_listen():
            self._fire(names, numbers, took_ns, messages, received // max(len(numbers), 1))
            return
        failures: dict[int, Counter[str]] = {}
        for position, message in messages:
            failures.setdefault(int(numbers[position]), Counter())[message] += 1
        total = len(numbers)
        for number in np.unique(numbers).tolist():
            chosen = numbers == number
            share = received * int(chosen.sum()) // total
            self._add(names[number], took_ns[chosen], done_ns[chosen], share, failures.get(number, Counter()))

    def _others_listen(self) -> bool:
        handlers = self._environment.events.request._handlers  # noqa: SLF001 - there is no other way to ask
        return any(getattr(handler, "__module__", "") != "locust.runners" for handler in handlers)

    def _fire(
        self, names: tuple[str, ...], numbers: Any, took_ns: Any, messages: list[tuple[int, str]], size: int
    ) -> None:
        failed = dict(messages)
        fire = self._environment.events.request.fire
        for position, (number, ns) in enumerate(zip(numbers.tolist(), took_ns.tolist(), strict=True)):
            message = failed.get(position)
            fire(
                request_type=self._method,
                name=names[number],
                response_time=ns / 1e6,
                response_length=size,
                exception=None if message is None else RuntimeError(message),
                context={},
            )

    def _add(self, name: str, took_ns: Any, done_ns: Any, received: int, failures: Counter[str]) -> None:
        stats = self._environment.stats
        for entry in (stats.total, stats.get(name, self._method)):
            _add_to_entry(entry, took_ns, done_ns, received)
            failed = sum(failures.values())
            if failed:
                entry.num_failures += failed
                entry.num_fail_per_sec[int(done_ns[-1] // 1_000_000_000)] += failed
        for message, count in failures.items():
            key = StatsError.create_key(self._method, name, message)
            error = stats.errors.get(key)
            if error is None:
                error = stats.errors[key] = StatsError(self._method, name, message)
            error.occurred()
            error.occurrences += count - 1


def _add_to_entry(entry: Any, took_ns: Any, done_ns: Any, received: int) -> None:
    """What `StatsEntry.log` does for each request, for many at once."""
    last = float(done_ns.max()) / 1e9
    before = entry.last_request_timestamp
    if entry.use_response_times_cache and before and int(last) > int(before):
        entry._cache_response_times(int(last) - 1)  # noqa: SLF001 - the chart's percentiles need it
    entry.num_requests += len(took_ns)
    entry.last_request_timestamp = last
    seconds, counts = np.unique(done_ns // 1_000_000_000, return_counts=True)
    for second, count in zip(seconds.tolist(), counts.tolist(), strict=True):
        entry.num_reqs_per_sec[second] += count
    entry.total_response_time += float(took_ns.sum()) / 1e6
    shortest, longest = float(took_ns.min()) / 1e6, float(took_ns.max()) / 1e6
    entry.min_response_time = (
        shortest if entry.min_response_time is None else min(entry.min_response_time, shortest)
    )
    entry.max_response_time = max(entry.max_response_time, longest)
    # Times are first counted in steps of 0.01 ms, then put into Locust's buckets (which can be replaced).
    steps, counts = np.unique(took_ns // 10_000, return_counts=True)
    for step, count in zip(steps.tolist(), counts.tolist(), strict=True):
        entry.response_times[bucket_response_time(step / 100)] += count
    entry.total_content_length += received
