"""The replay's engine: one greenlet that owns every connection of its process.

A greenlet for each connection costs two switches and a hub pass for each answer. Here all sockets are watched by
one epoll of our own, and one pass over the ready ones reads, records, and writes the next requests. Between
passes the engine hands over to gevent's hub, so that Locust's heartbeat, reports and web page go on.
"""

from __future__ import annotations

import heapq
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gevent
import numpy as np
from gevent import monkey
from lane import BUSY, CLOSED, CONNECTING, IDLE, BadAnswerError, Lane
from recorder import Recorder
from rounds import FAILED, STATE_NUMBERS, UNKNOWN, UNSENT, Round
from tls import TlsPipe, tls_context

from simulator.guard import Destination
from simulator.pacing import NS_PER_S, Pace, PoissonArrivals, due_ns, schedule_ns
from simulator.tape import Tape
from simulator.target import Target
from simulator.target.results import decided, read_results

_epoll = monkey.get_original("select", "epoll")
_select = monkey.get_original("select", "select")
EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP = 0x1, 0x4, 0x8, 0x10, 0x2000
_READ = EPOLLIN | EPOLLRDHUP  # a farewell that has come along with an answer shows before the next request

_RECV_BYTES = 1 << 18
_SLICE_NS = 5_000_000  # the hub gets its turn at least this often
_SHORTEST_POLL_NS = 1_000_000  # epoll counts milliseconds; below that select() waits
_CHORES_NS = 100_000_000
_FLUSH_NS = 500_000_000
_FLUSH_PINGS = 10_000  # taken down at once: some milliseconds
_REWRITE_PINGS = 4096  # ids rewritten at once: a fraction of a millisecond
_REMEMBERED_ANSWERS = 512
_FIRST_TRIES = 5
_LONGEST_BACKOFF_NS = 1_000_000_000
_EPOCH_SKEW_READS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the engine is to do.

    Args:
        target: endpoint profile.
        destination: where to, checked and pinned.
        pace: this worker's part of the pace.
        rounds: how often the tape is sent; 0: until stopped.
        origin_ms: recorded time that counts as the start, for `schedule`.
        span_ms: recorded time from one repetition's start to the next one's, for `schedule`.
        seed: for Poisson arrivals and the jitter of retries.
        worker: number of this worker.
        patience_s: how long the endpoint may refuse connections before the run gives up.
    """

    target: Target
    destination: Destination
    pace: Pace
    rounds: int = 1
    origin_ms: int = 0
    span_ms: int = 0
    seed: int = 0
    worker: int = 0
    patience_s: float = 10.0


class Engine:
    """Sends a tape over the open lanes until it is sent, the run is stopped, or the endpoint is gone.

    Args:
        tape: requests.
        plan: how to send them.
        recorder: takes down what happened.
    """

    def __init__(self, tape: Tape, plan: Plan, recorder: Recorder) -> None:
        self.tape = tape
        self.plan = plan
        self.recorder = recorder
        self.clock: Callable[[], int] = time.monotonic_ns
        self.epoch_ns = recorder.epoch_ns
        self.given_up = ""
        self.exhausted = len(tape) == 0
        self.stopping = False
        self.ended = gevent.event.Event()
        self.started_ns = 0
        self.served = 0
        self.received: Any = None
        self._stop_at = 0
        self._lanes: dict[int, Lane] = {}
        self._all: set[Lane] = set()
        self._idle: list[Lane] = []
        self._waiting: list[tuple[int, int, int, Round, int]] = []  # when, tie, k, round, attempt
        self._ties = 0
        self._round: Round | None = None
        self._number = -1
        self._k = 0
        self._size = len(tape)
        self._rewritten = 0
        self._flush_at = max(1, _FLUSH_PINGS * self._size // max(tape.pings, 1))
        self._stretch = max(1, _REWRITE_PINGS * self._size // max(tape.pings, 1))
        self._busy = 0
        self._known: dict[bytes, int] = {}
        self._view = memoryview(tape.data)
        self._start = memoryview(tape.start)
        self._timeout_ns = int(plan.target.timeout_s * NS_PER_S)
        self._down_since = 0
        self._tries = 0
        self._poll = _epoll()
        self._arrivals = (
            PoissonArrivals(plan.pace.rate, seed=plan.seed, worker=plan.worker)
            if (plan.pace.model == "poisson")
            else None
        )
        self._open = plan.pace.is_open
        self._ids = [carrier.ids for carrier in plan.target.carrier] or [plan.target.ids]
        self._kinds = [carrier.results for carrier in plan.target.carrier] or [plan.target.answers.results]
        # Answers are remembered only where the status says everything.
        self._tls = tls_context(plan.target) if plan.destination.scheme == "https" else None
        self._remembers = plan.target.envelope is None or plan.target.answers.results == "status"

    # Lanes: opened and closed by Locust's users.

    def open_lane(self, on_closed: Callable[[], None]) -> Lane:
        """A new connection, begun; `on_closed` is called when it is closed for good."""
        lane = Lane()
        lane.on_closed = on_closed
        self._all.add(lane)
        if self.ended.is_set() or self.stopping:
            self._retire(lane)
        else:
            self._connect(lane)
        return lane

    def close_lane(self, lane: Lane) -> None:
        """Closes a lane once its request, if it has one, is answered."""
        lane.closing = True
        if lane.state != BUSY:
            self._retire(lane)

    def _retire(self, lane: Lane) -> None:
        self._drop(lane)
        if lane in self._idle:
            self._idle.remove(lane)
        if lane in self._all:
            self._all.discard(lane)
            lane.on_closed()

    def _drop(self, lane: Lane) -> None:
        """Closes a lane's socket, if it has one."""
        if lane.state != CLOSED:
            self._lanes.pop(lane.fd, None)
            lane.close()  # a closed socket leaves the epoll by itself

    def _connect(self, lane: Lane) -> None:
        destination = self.plan.destination
        error = lane.connect(destination.address, destination.port, ipv6=destination.ipv6)
        if error:
            self._refused(lane, _error_text(error))
            return
        self._lanes[lane.fd] = lane
        self._poll.register(lane.fd, _READ | EPOLLOUT)
        lane.deadline = self.clock() + self._timeout_ns

    def _connected(self, lane: Lane) -> None:
        if lane.pipe is None and (error := lane.connect_error()):
            self._refused(lane, _error_text(error))
            return
        if self._tls is not None and not self._encrypted(lane):
            return
        self._poll.modify(lane.fd, _READ)
        self._down_since = self._tries = 0
        lane.failures = 0
        lane.state = IDLE
        if lane.k >= 0:
            self._send(lane)
        else:
            self._offer(lane)

    def _encrypted(self, lane: Lane) -> bool:
        """Begins or goes on with a TLS handshake; true once it is done."""
        try:
            if lane.pipe is None:
                lane.encrypt(TlsPipe(lane.sock, self._tls, self.plan.destination.host))
                self._poll.modify(lane.fd, _READ)
            return bool(lane.pipe.handshake())
        except OSError as error:
            self._refused(lane, f"TLS: {error.args[-1] if error.args else error}")
            return False

    def _refused(self, lane: Lane, why: str) -> None:
        """A connection could not be made: put its request back, try again later or give up."""
        self._drop(lane)
        now = self.clock()
        self._tries += 1
        if not self._down_since:
            self._down_since = now
        if lane.k >= 0:
            k, round_, attempt = lane.k, lane.round, lane.attempt
            lane.k = -1
            self._busy -= 1
            self._push(now, k, round_, attempt)
        lane.failures += 1
        self.recorder.trouble(f"cannot connect: {why}")
        down_s = (now - self._down_since) / NS_PER_S
        never = self.served == 0
        if (never and lane.failures >= _FIRST_TRIES) or (not never and down_s > self.plan.patience_s):
            tries = f"{self._tries} tries in {down_s:.1f} s"
            self.given_up = f"no connection to {self.plan.destination.url}: {why} ({tries})"
            return
        lane.deadline = now + min(NS_PER_S // 10 << lane.failures, _LONGEST_BACKOFF_NS)

    # The loop.

    def run(self) -> None:
        """Sends until there is nothing left to send, then closes every lane."""
        while not (self._lanes or self._idle or self.stopping or self.given_up):
            gevent.sleep(0.001)  # the clock starts with the first connection
        self.started_ns = self.clock()
        self.recorder.begin(self.started_ns)
        try:
            self._loop()
        finally:
            self._end()

    def _loop(self) -> None:
        clock, poll = self.clock, self._poll.poll
        now = clock()
        slice_end = now + _SLICE_NS
        chores_at, flush_at = now + _CHORES_NS, now + _FLUSH_NS
        while not self._over():
            events = poll(0) or self._wait(now)
            if events:
                self._serve(events)
            if self._open or self._waiting or self._idle:
                self._dispatch()
            now = clock()
            if now < slice_end and events:
                continue
            if now >= chores_at:
                self._chores(now)
                chores_at = now + _CHORES_NS
            round_ = self._round
            if now >= flush_at or (round_ is not None and len(round_.finished) >= self._flush_at):
                self.recorder.flush()
                flush_at = now + _FLUSH_NS
            hand_over()
            now = clock()
            slice_end = now + _SLICE_NS

    def _over(self) -> bool:
        if self.given_up:
            return True
        if self._busy:
            return self.stopping and self.clock() > self._stop_at
        return self.stopping or (self.exhausted and not self._waiting)

    def _wait(self, now: int) -> Any:
        """Waits in the kernel for a socket or until the next request is due; never longer than a millisecond."""
        due = self._next_due()
        wait_ns = min(max(due - now, 0), _SHORTEST_POLL_NS) if due else _SHORTEST_POLL_NS
        if not self._idle and not self._busy and not self._all:
            gevent.sleep(0.005)  # no lane yet
            return ()
        if not self._busy and (not due or due - now > 20_000_000):
            gevent.sleep(0.005)  # nothing can arrive but a server's farewell
            return self._poll.poll(0)
        if wait_ns < _SHORTEST_POLL_NS:
            if self._idle and wait_ns > 0:
                _select([self._poll.fileno()], [], [], wait_ns / NS_PER_S)
            elif not self._idle:
                return self._poll.poll(0.001)
            return self._poll.poll(0)
        return self._poll.poll(0.001)

    def _next_due(self) -> int:
        """When the next request is due; 0: none is, or in a closed loop."""
        due = self._waiting[0][0] if self._waiting else 0
        round_ = self._round
        if self._open and round_ is not None and self._k < self._size:
            own = round_.due[self._k]
            due = min(due, own) if due else own
        return int(due)

    def _serve(self, events: Any) -> None:
        """Reads every ready socket, records what came, and sends the lane's next request."""
        lanes, known, clock = self._lanes, self._known, self.clock
        received = 0
        for fd, mask in events:
            lane = lanes.get(fd)
            if lane is None:
                continue
            if (lane.state != BUSY or mask != EPOLLIN) and not self._unusual(lane, mask):
                continue
            try:
                data = lane.recv(_RECV_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                self._lost(lane, _error_text(error.errno or 0))
                continue
            received += len(data)
            if mask == EPOLLIN and not lane.chunks and (status := known.get(data)) is not None:
                # The same bytes as an answer that the parser has read before: whole, accepted, kept alive.
                k, round_ = lane.k, lane.round
                round_.done[k] = clock()
                round_.status[k] = status
                round_.finished.append(k)
                lane.served += 1
                self._busy -= 1
                lane.k = -1
                lane.state = IDLE
                self._offer(lane)
                continue
            self._read(lane, data, farewell=bool(mask & EPOLLRDHUP))
        if received and self.received is not None:
            self.received.received_bytes += received

    def _read(self, lane: Lane, data: bytes, *, farewell: bool = False) -> None:
        if data:
            first = not lane.chunks
            try:
                status = lane.feed(data)
            except BadAnswerError as error:
                self._lost(lane, f"the answer is not HTTP: {error}", resend=False)
                return
            if status:
                if first and self._remembers and self._memorable(lane, status):
                    if len(self._known) >= _REMEMBERED_ANSWERS:
                        self._known.clear()
                    self._known[data] = status
                self._answered(lane, status, reusable=lane.keep_alive and not farewell)
        elif lane.chunks and (status := lane.feed_end()):
            self._answered(lane, status, reusable=False)
        else:
            self._lost(lane, "connection closed before the answer")

    def _memorable(self, lane: Lane, status: int) -> bool:
        return (
            status in self.plan.target.answers.accepted
            and self._kinds[self.tape.carrier[lane.k]] == "status"
            and not self.tape.closes[lane.k]
            and lane.keep_alive
            and not lane.server_timing()
            and lane.round.attempts.get(lane.k, 1) == 1
            and lane.rest is None
        )

    def _unusual(self, lane: Lane, mask: int) -> bool:
        """Everything but an answer on a busy lane. Returns whether the socket is to be read as one."""
        if lane.state == CONNECTING:
            self._connected(lane)
            return False
        if lane.state == IDLE:
            # The server said farewell (or something nobody asked for) while nothing was under way: no harm.
            self._drop(lane)
            return False
        if mask & EPOLLOUT and lane.rest is not None:
            self._send_rest(lane)
        return lane.state == BUSY and bool(mask & (_READ | EPOLLERR | EPOLLHUP))

    # Requests.

    def _offer(self, lane: Lane) -> None:
        """Gives a free lane its next request, or lets it wait for one."""
        if lane.closing or self.stopping:
            self._retire(lane)
            return
        if self._open or self._waiting:
            self._idle.append(lane)
            return
        k = self._k
        if k >= self._size or self._round is None:
            if not self._turn():
                self._idle.append(lane)
                return
            k = self._k
        self._k = k + 1
        if k >= self._rewritten:
            self._rewrite(k)
        lane.k, lane.round, lane.attempt = k, self._round, 1
        self._busy += 1
        self._send(lane)

    def _dispatch(self) -> None:
        """Hands what is due to lanes that are free, oldest first."""
        idle, waiting = self._idle, self._waiting
        now = self.clock()
        while idle:
            if waiting and waiting[0][0] <= now:
                _, _, k, round_, attempt = heapq.heappop(waiting)
            else:
                if self.stopping or self.exhausted:
                    return
                if (self._k >= self._size or self._round is None) and not self._turn():
                    return
                round_, k, attempt = self._round, self._k, 1
                if self._open and round_.due[k] > now:
                    return
                self._k = k + 1
                if k >= self._rewritten:
                    self._rewrite(k)
            lane = idle.pop()
            if lane.state == CLOSED and lane.deadline > now and lane.failures:
                # It could not connect a moment ago; the request waits for a lane that can.
                self._push(lane.deadline, k, round_, attempt)
                self._idle.insert(0, lane)
                return
            lane.k, lane.round, lane.attempt = k, round_, attempt
            self._busy += 1
            if lane.state == CLOSED:
                self._connect(lane)
            else:
                self._send(lane)

    def _turn(self) -> bool:
        """Begins the next repetition; False where there is none."""
        if self.exhausted or self.stopping:
            return False
        if self.plan.rounds and self._number + 1 >= self.plan.rounds:
            self.exhausted = True
            return False
        self._number += 1
        self._round = Round(self.tape, self._number, self._due_times())
        self.recorder.add(self._round)
        self._k = 0
        renders = self.tape.repeats_by_rendering
        self._rewritten = self._size if self._number == 0 or renders else 0
        return True

    def _due_times(self) -> Any:
        pace, number = self.plan.pace, self._number
        if pace.model == "max":
            return None
        if pace.model == "schedule":
            times = schedule_ns(self.tape.due_ms, origin_ms=self.plan.origin_ms, speed=pace.speed)
            times = times + int(number * self.plan.span_ms * 1e6 / pace.speed)
        elif self._arrivals is not None:
            times = self._arrivals.next_ns(self._size)
        else:
            times = due_ns(pace, number * self._size, self._size)
        return np.ascontiguousarray(times + self.started_ns)

    def _rewrite(self, k: int) -> None:
        """Gives the next stretch of the tape the ids of this repetition, just before it is sent."""
        last = min(k + self._stretch, self._size)
        self.tape.rewrite(k, last, self._number)
        self._rewritten = last

    def _send(self, lane: Lane) -> None:
        k, round_ = lane.k, lane.round
        if lane.attempt == 1 and not (self._number and self.tape.repeats_by_rendering):
            data: Any = self._view[self._start[k] : self._start[k + 1]]
        else:
            data = memoryview(self.tape.render(k, round_.number))
        now = self.clock()
        lane.state = BUSY
        lane.written = False
        lane.deadline = now + self._timeout_ns
        if lane.attempt > 1:
            self.recorder.sent_again(round_, k)
            round_.attempts[k] = lane.attempt
            round_.state[k] = UNSENT
        round_.sent[k] = now
        try:
            count = lane.send(data)
        except BlockingIOError:
            count = 0
        except OSError as error:
            self._lost(lane, _error_text(error.errno or 0))
            return
        lane.written = count > 0
        if count < len(data) or (lane.pipe is not None and lane.pipe.pending):
            # A copy, for the tape may be rewritten before the rest is gone.
            lane.rest = memoryview(bytes(data[count:]))
            self._poll.modify(lane.fd, _READ | EPOLLOUT)

    def _send_rest(self, lane: Lane) -> None:
        try:
            count = lane.send(lane.rest)
        except BlockingIOError:
            return
        except OSError as error:
            if not lane.chunks:
                # The answer may have come first (413 and its like): reading decides.
                lane.rest = None
                self._poll.modify(lane.fd, _READ)
                if not self._has_data(lane):
                    self._lost(lane, _error_text(error.errno or 0))
            return
        lane.written = True
        lane.rest = lane.rest[count:]
        if not lane.rest and (lane.pipe is None or not lane.pipe.pending):
            lane.rest = None
            self._poll.modify(lane.fd, _READ)

    def _has_data(self, lane: Lane) -> bool:
        try:
            data = lane.recv(_RECV_BYTES)
        except OSError:
            return False
        if data:
            self._read(lane, data)
        return bool(data)

    # Answers.

    def _answered(self, lane: Lane, status: int, *, reusable: bool) -> None:
        """A whole answer: decide about its pings or send them again, then free the lane."""
        now = self.clock()
        k, round_ = lane.k, lane.round
        round_.done[k] = now
        round_.status[k] = status
        self.served += 1
        self.recorder.server_timing(lane)
        overall = decided(self.plan.target, status)
        if overall == "failed" and self._will_retry_status(lane, status):
            self._later(lane, now, self._retry_after_ns(lane))
        else:
            self._decide(lane, status)
            round_.finished.append(k)
        half_sent = lane.rest is not None
        lane.rest = None
        lane.k = -1
        self._busy -= 1
        lane.done()
        lane.state = IDLE
        if not reusable or half_sent or self.tape.closes[k]:
            self._drop(lane)
        self._offer_or_wait(lane)

    def _offer_or_wait(self, lane: Lane) -> None:
        if lane.state == CLOSED and not (lane.closing or self.stopping):
            self._idle.append(lane)
        else:
            self._offer(lane)

    def _decide(self, lane: Lane, status: int) -> None:
        k, round_, target = lane.k, lane.round, self.plan.target
        pings = int(self.tape.first[k + 1] - self.tape.first[k])
        kind = self._kinds[self.tape.carrier[k]]
        states = read_results(target, kind, status=status, body=lane.payload(), pings=pings)
        numbers = [STATE_NUMBERS[state] for state in states]
        round_.state[k] = numbers[0]
        if pings > 1 and len(set(numbers)) > 1:
            round_.item_states[k] = numbers
            round_.mixed.add(k)
        self.recorder.answer(lane, round_, k, status, numbers)

    def _will_retry_status(self, lane: Lane, status: int) -> bool:
        retry = self.plan.target.retry
        return retry.policy != "none" and status in retry.statuses and lane.attempt < retry.attempts

    def _retry_after_ns(self, lane: Lane) -> int:
        if not self.plan.target.retry.honour_retry_after:
            return 0
        return self.recorder.retry_after_ns(lane.retry_after())

    def _later(self, lane: Lane, now: int, at_least_ns: int) -> None:
        retry = self.plan.target.retry
        wait_s = retry.wait_s
        if retry.policy == "exponential":
            wait_s = min(retry.wait_s * 2 ** (lane.attempt - 1), retry.longest_wait_s)
        wait_ns = max(int(wait_s * NS_PER_S), at_least_ns)
        lane.round.state[lane.k] = FAILED
        self._push(now + wait_ns, lane.k, lane.round, lane.attempt + 1)

    def _push(self, when: int, k: int, round_: Round, attempt: int) -> None:
        self._ties += 1
        heapq.heappush(self._waiting, (when, self._ties, k, round_, attempt))

    def _lost(self, lane: Lane, why: str, *, resend: bool = True) -> None:
        """The connection broke under a request."""
        now = self.clock()
        k, round_ = lane.k, lane.round
        reused = lane.served > 0 and not lane.chunks
        written, half = lane.written, lane.rest is not None
        self._drop(lane)
        lane.k = -1
        self._busy -= 1
        retry = self.plan.target.retry
        identified = self._ids[self.tape.carrier[k]]
        if resend and not written:
            if lane.attempt == 1:
                round_.sent[k] = 0
            self._on_fresh_connection(lane, k, round_, lane.attempt)
            return
        if resend and reused and identified and k not in round_.resent and not self.tape.closes[k]:
            # RFC 9110 9.2.2: a request on a kept-alive connection that ends without a byte of an answer may be
            # sent again where a second copy does no harm; ids make it so. Once only, and on a new connection.
            round_.resent.add(k)
            round_.state[k] = UNKNOWN
            self._on_fresh_connection(lane, k, round_, lane.attempt + 1)
            return
        again = retry.policy != "none" and retry.network and lane.attempt < retry.attempts
        if resend and identified and again:
            lane.k, lane.round = k, round_
            self._later(lane, now, 0)
            round_.state[k] = UNKNOWN
            lane.k = -1
        else:
            round_.done[k] = now
            round_.status[k] = 0
            round_.state[k] = UNKNOWN
            round_.finished.append(k)
            self.recorder.lost(round_, k, why if not half else f"{why} (request written in part)")
        if lane.closing or self.stopping:
            self._retire(lane)
        else:
            self._idle.append(lane)

    def _on_fresh_connection(self, lane: Lane, k: int, round_: Round, attempt: int) -> None:
        if lane.closing or self.stopping:
            self._push(self.clock(), k, round_, attempt)
            self._retire(lane)
            return
        lane.k, lane.round, lane.attempt = k, round_, attempt
        self._busy += 1
        self._connect(lane)

    def _chores(self, now: int) -> None:
        """What is due ten times a second: timeouts, and lanes that try to connect again."""
        for lane in list(self._all):
            if lane.state == BUSY and lane.deadline < now:
                self._lost(lane, f"no answer in {self.plan.target.timeout_s:g} s", resend=False)
            elif lane.state == CONNECTING and lane.deadline < now:
                self._refused(lane, f"no connection in {self.plan.target.timeout_s:g} s")
            elif lane.state == CLOSED and lane.failures and lane.deadline < now and lane.k < 0:
                if lane in self._idle:
                    self._idle.remove(lane)
                self._connect(lane)

    # The end.

    def stop(self, timeout_s: float = 10.0) -> None:
        """Sends no more and lets the requests under way finish, `timeout_s` seconds at most."""
        self.stopping = True
        self._stop_at = self.clock() + int(timeout_s * NS_PER_S)
        for lane in list(self._all):
            if lane.state != BUSY:
                self._retire(lane)

    def _end(self) -> None:
        now = self.clock()
        in_flight = sum(1 for lane in self._all if lane.k >= 0)
        for lane in list(self._all):
            if lane.k >= 0:
                if lane.written or lane.attempt > 1:
                    lane.round.state[lane.k] = UNKNOWN
                else:
                    lane.round.sent[lane.k] = 0
                lane.k = -1
            self._retire(lane)
        self._poll.close()
        self._view.release()
        self.recorder.end(now, in_flight=in_flight, never_started=self._never_started(now))
        self.ended.set()

    def _never_started(self, now: int) -> int:
        round_ = self._round
        if not self._open or round_ is None:
            return 0
        return int(np.count_nonzero(round_.due_array[self._k :] <= now))


def hand_over() -> None:
    """Gives everybody else in this process a turn.

    `gevent.sleep(0)` would not do: the hub runs up to fifty ready greenlets before it looks at timers and
    sockets, which with slices of 5 ms means a quarter of a second. An idle watcher fires after one whole pass
    of the hub.
    """
    hub = gevent.get_hub()
    hub.wait(hub.loop.idle())


def _error_text(number: int) -> str:
    return os.strerror(number) if number else "connection lost"
