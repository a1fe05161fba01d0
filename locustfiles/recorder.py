"""Takes down what happened: outcome rows, histograms, counts, and Locust's own statistics, in bulk."""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC
from typing import Any

import msgspec
import numpy as np
import numpy.ma  # np.unique would import it in the middle of the run, which costs 40 ms
from rounds import ACCEPTED, FAILED, I64, REJECTED, UNKNOWN, Ended, Parts, Round

from simulator.clock import wall_clock_ns
from simulator.histogram import Histogram
from simulator.pacing import NS_PER_S
from simulator.records import EXPECTATIONS, OUTCOME_DTYPE, STATES
from simulator.rundir import OutcomeWriter
from simulator.tape import Tape
from simulator.target import Target

_EXPECT_ACCEPT, _EXPECT_REJECT = EXPECTATIONS.index("accept"), EXPECTATIONS.index("reject")
_METRIC = re.compile(rb"([A-Za-z0-9_-]+)[^,]*?;\s*dur\s*=\s*\"?(\d+(?:\.\d*)?|\.\d+)", re.IGNORECASE)
_STATE_STEP = len(STATES)
_SAMPLED = 8  # every eighth answer's Server-Timing is read
_EXAMPLE_BYTES = 300
_FLUSH_PINGS = 10_000  # taken down at once: some milliseconds
_FLUSH_ROUNDS = 64  # likewise, where repetitions are short: each costs some calls of its own
_REST_PINGS = 20_000  # taken down at once at the end: some ten milliseconds
_MESSAGES = 64
_KEPT_BYTES = 16 << 20
LATE_NS = 2_000_000  # a start later than this after its due time counts as late


class Recorder:
    """One worker's account of a run.

    `flush` moves everything that has ended since the last call into the outcome file, the histograms and
    Locust's statistics; nothing of that happens for each request in the engine's loop.

    Args:
        tape: the requests.
        target: endpoint profile.
        writer: outcome file; None keeps no outcomes (calibration).
        locust: takes request counts and times for Locust's statistics; None for calibration.
        warmup_ns: requests due (or, in a closed loop, sent) this long after the start or earlier are left out of
            the histograms. They stay in outcomes and in Locust's statistics.
        secrets: texts that must not be kept, wherever an answer quotes them.
    """

    def __init__(
        self,
        tape: Tape,
        target: Target,
        *,
        writer: OutcomeWriter | None,
        locust: Any,
        warmup_ns: int = 0,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self.tape = tape
        self.target = target
        self.epoch_ns = _epoch_offset()
        self._writer = writer
        self._locust = locust
        self._warmup_ns = warmup_ns
        self._secrets = secrets
        self._rounds: list[Round] = []
        self.measured_from_ns = 0
        self._why: dict[tuple[int, int], str] = {}
        self._mixed: dict[tuple[int, int], bool] = {}
        self._skip_lateness: dict[tuple[int, int], int] = {}
        self._answers = 0
        self.started_ns = self.ended_ns = self.measured_to_ns = 0
        self.in_flight = self.never_started = 0
        self.finished_requests = 0
        self.finished_pings = 0
        _keep_freed_memory()
        self._flush_at = max(1, _FLUSH_PINGS * len(tape) // max(tape.pings, 1))
        self._fresh()

    def _fresh(self) -> None:
        self.requests = self.pings = self.bytes_sent = self.late_starts = 0
        self.service: dict[int, Histogram] = {}
        self.corrected: dict[int, Histogram] = {}
        self.lateness: dict[int, Histogram] = {}
        self.errors: Counter[tuple[str, int]] = Counter()
        self.stages: dict[str, list[float]] = {}
        self.seconds: dict[int, list[Any]] = {}
        self.by_label: Counter[tuple[int, int]] = Counter()
        self.examples: dict[int, str] = {}

    def begin(self, now: int) -> None:
        """The run begins (monotonic nanoseconds)."""
        self.started_ns = now
        self.measured_from_ns = now + self._warmup_ns

    def add(self, round_: Round) -> None:
        """A repetition begins."""
        self._rounds.append(round_)

    # Called by the engine where something out of the ordinary happened.

    def trouble(self, message: str) -> None:
        """Something went wrong that belongs to no request."""
        self._count_error(message, 0, 1)

    def lost(self, round_: Round, k: int, why: str) -> None:
        """A request ended without an answer."""
        self._why[round_.number, k] = why

    def sent_again(self, round_: Round, k: int) -> None:
        """A request is about to be sent again; its lateness is that of the first time."""
        if round_.due is not None and (round_.number, k) not in self._skip_lateness:
            self._skip_lateness[round_.number, k] = round_.sent[k] - round_.due[k]

    def wants_example(self, status: int) -> bool:
        """Whether the words of an answer would tell something new about what went wrong."""
        return status >= 300 and status not in self.examples and len(self.examples) < _MESSAGES

    def example(self, body: bytes, status: int) -> None:
        """Keeps the words of an answer."""
        text = body.decode("utf-8", "replace")
        for secret in self._secrets:  # an endpoint may quote what it was sent
            for spelling in _spellings(secret):
                text = text.replace(spelling, "[secret]")
        self.examples[status] = text[:_EXAMPLE_BYTES]  # not before: half a secret would not be known

    def mixed(self, round_: Round, k: int, states: list[int]) -> None:
        """The pings of a request ended in different states."""
        tape = self.tape
        expects = tape.expect[int(tape.first[k]) : int(tape.first[k + 1])].tolist()
        right = all(self._is_right(*pair) for pair in zip(states, expects, strict=True))
        self._mixed[round_.number, k] = not right

    def _is_right(self, state: int, expect: int) -> bool:
        if state == ACCEPTED:
            return expect != _EXPECT_REJECT or not self.target.answers.validates
        return state == REJECTED and expect != _EXPECT_ACCEPT

    def server_timing(self, lane: Any) -> None:
        """Reads the stage times of some answers (facts: W3C Server Timing, `name;dur=milliseconds`)."""
        self._answers += 1
        if self._answers % _SAMPLED != 1 or not (value := lane.server_timing()):
            return
        for name, dur in _METRIC.findall(value)[:16]:
            if len(self.stages) >= _MESSAGES and name.decode() not in self.stages:
                continue  # a server that writes a number of its own into each name
            stage = self.stages.setdefault(name.decode(), [0.0, 0])
            stage[0] += float(dur)
            stage[1] += 1

    def retry_after_ns(self, value: bytes) -> int:
        """Nanoseconds that a Retry-After header asks to wait (RFC 9110 10.2.3: seconds or a date)."""
        if not value:
            return 0
        try:
            if value.isdigit():
                return min(int(value), 86_400) * NS_PER_S
            date = email.utils.parsedate_to_datetime(value.decode("latin1"))
        except (ValueError, TypeError, OverflowError):
            return 0
        # Dates of HTTP are in GMT even where, as in asctime's format, they do not say so (RFC 9110 5.6.7).
        moment = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        return int(min(max(moment - wall_clock_ns() / NS_PER_S, 0.0), 86_400.0) * NS_PER_S)

    # In bulk.

    @property
    def is_behind(self) -> bool:
        """Whether so much has ended that it should be taken in at once."""
        rounds = self._rounds
        return len(rounds) > _FLUSH_ROUNDS or bool(rounds and len(rounds[-1].finished) >= self._flush_at)

    def flush(self) -> None:
        """Takes in requests that have ended since the last call, some milliseconds' worth at most."""
        left, parts = self._flush_at, []
        for round_ in self._rounds:
            if count := min(len(round_.finished), left):
                parts.append((round_, np.array(round_.finished[:count], dtype=np.int64)))
                del round_.finished[:count]
                left -= count
                if not left or len(parts) == _FLUSH_ROUNDS:
                    break
        if not parts:
            return
        self._take_in(Ended.of(parts), parts)
        now_sent = self._rounds[-1]
        self._rounds = [round_ for round_ in self._rounds if round_.unwritten or round_ is now_sent]

    def _take_in(self, ended: Ended, parts: Parts) -> None:
        self._write_down(parts)
        self.finished_requests += len(ended.requests)
        self.finished_pings += int(self._pings(ended.requests).sum())
        wrong = self._wrong(ended)
        self._measure(ended, wrong)
        messages = self._explain(ended, wrong)
        if self._locust is not None:
            self._tell_locust(ended, messages)

    def _wrong(self, ended: Ended) -> Any:
        states, requests = ended.states, ended.requests
        wrong = (states == REJECTED) & self._expects(requests, _EXPECT_ACCEPT)
        if self.target.answers.validates:
            wrong |= (states == ACCEPTED) & self._expects(requests, _EXPECT_REJECT)
        wrong |= (states == FAILED) | (states == UNKNOWN)
        if self._mixed:
            for position, key in enumerate(ended.keys()):
                wrong[position] = self._mixed.pop(key, wrong[position])
        return wrong

    def _expects(self, requests: I64, expect: int) -> Any:
        """For each request, whether one of its pings is expected to be treated so."""
        return (self.tape.expects[requests] >> expect) & 1 > 0

    def _pings(self, requests: I64) -> I64:
        return self.tape.first[requests + 1] - self.tape.first[requests]

    def _measure(self, ended: Ended, wrong: Any) -> None:
        requests, sent, done = ended.requests, ended.sent, ended.done
        due = sent if ended.due is None else ended.due
        inside = due >= self.measured_from_ns
        answered = inside & (ended.status > 0)
        service = done - sent
        pings = self._pings(requests)
        size = self.tape.start[requests + 1] - self.tape.start[requests]
        self.requests += int(inside.sum())
        self.pings += int(pings[inside].sum())
        self.bytes_sent += int(size[inside].sum())
        names = self.tape.name[requests]
        _record(self.service, names[answered], service[answered])
        if ended.due is not None:
            lateness = sent - due
            if self._skip_lateness:
                for position, key in enumerate(ended.keys()):
                    lateness[position] = self._skip_lateness.pop(key, lateness[position])
            _record(self.corrected, names[answered], (done - due)[answered])
            _record(self.lateness, names[inside], lateness[inside])
            self.late_starts += int((lateness[inside] > LATE_NS).sum())
        self._per_second(done, pings, wrong, service, ended.status > 0)

    def _per_second(self, done: I64, pings: I64, wrong: Any, service: I64, answered: Any) -> None:
        second = (done + self.epoch_ns) // NS_PER_S
        for value in np.unique(second).tolist():
            chosen = second == value
            entry = self.seconds.setdefault(value, [0, 0, 0, Histogram()])
            entry[0] += int(chosen.sum())
            entry[1] += int(pings[chosen].sum())
            entry[2] += int(wrong[chosen].sum())
            entry[3].record_many(service[chosen & answered])

    def _explain(self, ended: Ended, wrong: Any) -> list[tuple[int, str]]:
        """A message for each request that did not go as its label says: its place in `ended`, the words."""
        messages = []
        for position in np.flatnonzero(wrong).tolist():
            key = int(ended.number[position]), int(ended.requests[position])
            status = int(ended.status[position])
            message = self._why.pop(key, None) or _message(int(ended.states[position]), status)
            self._count_error(message, status, 1)
            messages.append((position, message))
        return messages

    def _count_error(self, message: str, status: int, count: int) -> None:
        key = (message, status)
        if key not in self.errors and len(self.errors) >= _MESSAGES:
            key = ("other trouble", 0)
        self.errors[key] += count

    def _tell_locust(self, ended: Ended, messages: list[tuple[int, str]]) -> None:
        since = ended.sent if ended.due is None else ended.due
        self._locust.log(
            names=self.tape.names,
            numbers=self.tape.name[ended.requests],
            took_ns=ended.done - since,
            done_ns=ended.done + self.epoch_ns,
            messages=messages,
        )

    def end(
        self,
        now: int,
        *,
        sent_until: int,
        in_flight: int,
        never_started: int,
        breathe: Callable[[], None],
    ) -> None:
        """The run is over: what was not finished is taken down as it stands.

        Args:
            now: monotonic nanoseconds.
            sent_until: when requests ceased to be sent; what came after was waiting for answers.
            in_flight: requests without an answer.
            never_started: requests that were due and never left.
            breathe: called now and then, so that a large rest does not hold up the process.
        """
        while any(round_.finished for round_ in self._rounds):
            self.flush()
            breathe()
        self.ended_ns = now
        self.measured_to_ns = sent_until
        self.in_flight = in_flight
        self.never_started = never_started
        for round_ in self._rounds:
            self._write_rest(round_, breathe)
        if not self._rounds:  # not even the first repetition began
            self._write_rest(Round(self.tape, 0, None), breathe)
        self._rounds.clear()
        self._write_left_out(breathe)

    def _write_rest(self, round_: Round, breathe: Callable[[], None]) -> None:
        step = max(1, _REST_PINGS * len(self.tape) // max(self.tape.pings, 1))
        for start in range(0, len(self.tape), step):
            rest = start + np.flatnonzero(~round_.written_down[start : start + step])
            # A repetition after the first is taken down only as far as it got.
            if round_.number:
                rest = rest[round_.sent_array[rest] > 0]
            self._write_down([(round_, rest)])
            breathe()

    def _write_left_out(self, breathe: Callable[[], None]) -> None:
        tape = self.tape
        if self._writer is None:
            return
        for start in range(0, len(tape.left_out), _REST_PINGS):
            part = slice(start, start + _REST_PINGS)
            rows = np.zeros(len(tape.left_out[part]), dtype=OUTCOME_DTYPE)
            rows["id"], rows["row"] = tape.left_out_ids[part], tape.left_out[part]
            self._writer.append(rows)
            breathe()

    def _write_down(self, parts: Parts) -> None:
        if self._writer is None:
            return
        written = [round_.rows(requests, epoch_ns=self.epoch_ns) for round_, requests in parts]
        rows, pings = (np.concatenate(each) for each in zip(*written, strict=True))
        if not len(rows):
            return
        self._writer.append(rows)
        key = self.tape.label[pings].astype(np.int64) * _STATE_STEP + rows["state"]
        counted = np.bincount(key)
        for value in np.flatnonzero(counted).tolist():
            self.by_label[divmod(value, _STATE_STEP)] += int(counted[value])

    def take(self) -> dict[str, Any]:
        """What was recorded since the last call, as plain values to send to Locust's master or to the collector."""
        names = self.tape.names
        report: dict[str, Any] = {
            "requests": self.requests,
            "pings": self.pings,
            "bytes_sent": self.bytes_sent,
            "late_starts": self.late_starts,
            "errors": [[message, status, count] for (message, status), count in self.errors.items()],
            "examples": [[status, text] for status, text in self.examples.items()],
            "stages": {name: list(values) for name, values in self.stages.items()},
            "seconds": [[second, *v[:3], _packed(v[3])] for second, v in self.seconds.items()],
            "labels": [[label, state, count] for (label, state), count in self.by_label.items()],
        }
        for kind in ("service", "corrected", "lateness"):
            histograms: dict[int, Histogram] = getattr(self, kind)
            report[kind] = {names[number]: _packed(histogram) for number, histogram in histograms.items()}
        self._fresh()
        return report


def _keep_freed_memory() -> None:
    """Has the C library keep the memory that a flush frees for the next one.

    glibc gives blocks of a flush's size back to the system at once, which then has to find and clear every page
    anew, unless a larger block was freed before (mallopt(3), M_MMAP_THRESHOLD). Half a flush's time goes there.
    """
    np.empty(_KEPT_BYTES, dtype=np.uint8)


def _packed(histogram: Histogram) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(histogram.pack())
    return plain


def _spellings(secret: str) -> tuple[str, ...]:
    """A secret as it is, and as it stands in JSON, where some servers escape slashes too."""
    in_json = json.dumps(secret)[1:-1]
    return secret, in_json, in_json.replace("/", "\\/")


def _record(histograms: dict[int, Histogram], names: Any, values: I64) -> None:
    if not len(values):
        return
    for name in np.unique(names).tolist():
        histogram = histograms.get(name)
        if histogram is None:
            histogram = histograms[name] = Histogram()
        histogram.record_many(values[names == name])


def _message(state: int, status: int) -> str:
    if state == ACCEPTED:
        return f"HTTP {status}: a ping that must be rejected was accepted"
    if state == REJECTED:
        return f"HTTP {status}: a ping that must be accepted was rejected"
    if state == UNKNOWN:
        return f"HTTP {status}: the answer does not say what became of each ping"
    return f"HTTP {status}"


def _epoch_offset() -> int:
    """Nanoseconds from the monotonic clock's zero to the Unix epoch's, read where the two lie closest."""
    best = None
    for _ in range(5):
        before, wall, after = time.monotonic_ns(), wall_clock_ns(), time.monotonic_ns()
        if best is None or after - before < best[0]:
            best = (after - before, wall - (before + after) // 2)
    return best[1] if best else 0
