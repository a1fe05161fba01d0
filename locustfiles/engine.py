"""The replay's engine: one greenlet that owns every connection of its process.

A greenlet for each connection costs two switches and a hub pass for each answer. Here all sockets are watched by
one epoll of our own, and one pass over the ready ones reads, records, and writes the next requests. Between
passes the engine hands over to gevent's hub, so that Locust's heartbeat, reports and web page go on.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import Any

import gevent
from connections import EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP, READ, Connections, error_text
from cursor import Cursor, Job
from fates import Fates
from gevent import monkey
from gevent.event import Event
from lane import BUSY, CLOSED, CONNECTING, IDLE, BadAnswerError, Lane
from plan import Plan
from recorder import Recorder

from simulator.pacing import NS_PER_S
from simulator.tape import Tape

_select = monkey.get_original("select", "select")

_RECV_BYTES = 1 << 18
_SLICE_NS = 5_000_000  # the hub gets its turn at least this often
_SHORTEST_POLL_NS = 1_000_000  # epoll counts milliseconds; below that select() waits
_QUIET_NS = 20_000_000
_CHORES_NS = 100_000_000
_FLUSH_NS = 500_000_000
_REMEMBERED_ANSWERS = 512
_CLOSED_EARLY = "connection closed before the answer"
_REFUSALS = 1_000  # at once: some milliseconds


class Engine:
    """Sends a tape over the open lanes until it is sent, the run is stopped, or the endpoint is gone.

    Args:
        tape: requests.
        plan: how to send them.
        recorder: takes down what happened.
    """

    def __init__(self, tape: Tape, plan: Plan, recorder: Recorder) -> None:
        self.stopping = False
        self.ended = Event()
        self.received: Any = None
        self._tape, self._plan, self._recorder = tape, plan, recorder
        self._clock: Callable[[], int] = time.monotonic_ns
        self._cursor = Cursor(tape, plan, recorder)
        self._fates = Fates(tape, plan, self._cursor, recorder)
        self._connections = Connections(
            plan, self._clock, trouble=recorder.trouble, give_back=self._give_back
        )
        self._idle = self._connections.idle
        self._busy = 0
        self._known: dict[bytes, int] = {}
        self._timeout_ns = int(plan.target.timeout_s * NS_PER_S)
        self._open = plan.pace.is_open
        self._refusals_count = plan.target.retry.refused
        self._stopped_ns = self._stop_at = 0

    @property
    def given_up(self) -> str:
        """Why the run ended before its time; empty where it did not."""
        return self._connections.given_up

    # Lanes: opened and closed by Locust's users.

    def open_lane(self, on_closed: Callable[[], None]) -> Lane:
        """A new connection, begun; `on_closed` is called when it is closed for good."""
        lane = Lane(on_closed)
        self._connections.all.add(lane)
        if self.ended.is_set() or self.stopping:
            self._connections.retire(lane)
        else:
            self._connections.connect(lane)
        return lane

    def close_lane(self, lane: Lane) -> None:
        """Closes a lane once its request, if it has one, is answered."""
        lane.closing = True
        if lane.state != BUSY:
            self._connections.retire(lane)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Sends no more and lets the requests under way finish, `timeout_s` seconds at most."""
        self.stopping = True
        now = self._clock()
        self._stopped_ns = self._stopped_ns or now  # Locust may stop a run that is stopping
        self._stop_at = now + int(timeout_s * NS_PER_S)
        self._idle.clear()
        for lane in list(self._connections.all):
            if lane.state != BUSY:
                self._connections.retire(lane)

    # The loop.

    def run(self) -> None:
        """Sends until there is nothing left to send, then closes every lane."""
        while not (self._connections.by_fd or self._idle or self.stopping or self.given_up):
            gevent.sleep(0.001)  # the clock starts with the first connection
        started = self._clock()
        self._cursor.start(started)
        self._recorder.begin(started)
        try:
            self._loop()
        finally:
            self._end()

    def _loop(self) -> None:
        clock, poll, recorder = self._clock, self._connections.epoll.poll, self._recorder
        now = clock()
        slice_end, chores_at, flush_at = now + _SLICE_NS, now + _CHORES_NS, now + _FLUSH_NS
        while not self._over():
            events = poll(0) or self._wait(now)
            if events:
                self._serve(events)
            if self._idle or self._connections.down:
                self._dispatch()
            now = clock()
            if now < slice_end and events:
                continue
            if now >= chores_at:
                for lane in self._connections.overdue(now):
                    self._lost(lane, f"no answer in {self._plan.target.timeout_s:g} s", timed_out=True)
                chores_at = now + _CHORES_NS
            if now >= flush_at or recorder.is_behind:
                recorder.flush()
                flush_at = now + _FLUSH_NS
            hand_over()
            now = clock()
            slice_end = now + _SLICE_NS

    def _over(self) -> bool:
        if self.given_up and not self.stopping:
            self.stop()  # what is under way may still be answered
        if self._busy:
            return self.stopping and self._clock() > self._stop_at
        return self.stopping or (self._cursor.exhausted and not self._cursor.waiting)

    def _wait(self, now: int) -> Any:
        """Waits in the kernel for a socket or until the next request is due; never longer than a millisecond."""
        epoll, due = self._connections.epoll, self._cursor.next_due()
        if not self._busy and (not due or due - now > _QUIET_NS or not self._connections.all):
            # Nothing can come but a new lane or a server's farewell: leave the time to the others.
            gevent.sleep(0.0005 if self._cursor.round is None else 0.005)
            return epoll.poll(0)
        if self._idle and due and due - now < _SHORTEST_POLL_NS:
            if due > now:
                _select([epoll.fileno()], [], [], (due - now) / NS_PER_S)
            return epoll.poll(0)
        return epoll.poll(_SHORTEST_POLL_NS / NS_PER_S)

    def _serve(self, events: Any) -> None:
        """Reads every ready socket and records what came. Lanes that are free then wait for `_dispatch`."""
        lanes, known, idle, clock = self._connections.by_fd, self._known, self._idle, self._clock
        received = by_heart = status = 0
        last = round_ = None
        for fd, mask in events:
            lane = lanes.get(fd)
            if lane is None or ((lane.state != BUSY or mask != EPOLLIN) and not self._unusual(lane, mask)):
                continue
            try:
                data = lane.recv(_RECV_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                self._broken(lane, error)
                continue
            received += len(data)
            if data != last:  # most answers of one pass are alike, and a comparison costs less than a look-up
                last, status = data, known.get(data, 0)
            if not status or not lane.by_heart or mask != EPOLLIN:
                self._read(lane, data, farewell=bool(mask & EPOLLRDHUP))
                last = None
                continue
            # The same bytes as an answer that the parser has read before: whole, accepted, kept alive.
            job = lane.job
            if job.round is not round_:
                round_ = job.round
                done, statuses, finish = round_.done, round_.status, round_.finished.append
            k = job.k
            done[k] = clock()
            statuses[k] = status
            finish(k)
            by_heart += 1
            lane.job = None
            lane.reused = True
            lane.state = IDLE
            if lane.closing or self.stopping:
                self._connections.retire(lane)
            else:
                idle.append(lane)
        if by_heart:
            self._busy -= by_heart
            self._connections.answered()
        if received and self.received is not None:
            self.received.received_bytes += received

    def _unusual(self, lane: Lane, mask: int) -> bool:
        """Everything but an answer on a busy lane. Returns whether the socket is to be read as one."""
        if lane.state == CONNECTING:
            if self._connections.progress(lane):
                self._offer(lane) if lane.job is None else self._send(lane)
            return False
        if lane.state == IDLE:
            # The server said farewell (or something nobody asked for) while nothing was under way: no harm.
            if lane.pipe is None or mask != EPOLLIN or not _says_nothing(lane):
                self._connections.drop(lane)
            return False
        if mask & EPOLLOUT and lane.rest is not None:
            self._send_rest(lane)
        return lane.state == BUSY and bool(mask & (READ | EPOLLERR | EPOLLHUP))

    # Requests.

    def _offer(self, lane: Lane) -> None:
        """Lets a free lane wait for its next request."""
        if lane.closing or self.stopping:
            self._connections.retire(lane)
        else:
            self._idle.append(lane)

    def _dispatch(self) -> None:
        """Hands what is due to lanes that are free, oldest first."""
        idle, cursor = self._idle, self._cursor
        now = self._clock()
        while idle and not self.stopping:
            self._burst(now)
            if not idle or (job := cursor.take(now)) is None:
                break
            self._begin(idle.pop(), job)
        if self._refusals_count and self._open and self._connections.down:
            # The endpoint is gone, so nobody waits for a lane: each client tries now, and fails on its own.
            for _ in range(_REFUSALS):
                if self.stopping or (job := cursor.take(now)) is None:
                    break
                self._fates.refused(job, now)

    def _burst(self, now: int) -> None:
        """Sends what comes next on the tape over lanes that are connected, as long as nothing is out of the ordinary.

        Does what `take` and `_begin` do, for many requests at a time: keep them in step. Sent one right after the
        other they also cost the kernel less.
        """
        idle, stock, waiting, clock = self._idle, self._cursor.stock, self._cursor.waiting, self._clock
        if not stock or (waiting and waiting[0][0] <= now):
            return
        sent, deadline = stock[-1].round.sent, now + self._timeout_ns
        begun = 0
        next_lane, next_job = idle.pop, stock.pop
        while idle and stock:
            lane, job = next_lane(), next_job()
            if job.due > now or lane.state != IDLE:
                idle.append(lane)
                stock.append(job)
                break
            begun += 1
            lane.job = job
            lane.state = BUSY
            lane.written = True
            lane.deadline = deadline
            data = job.data
            sent[job.k] = clock()
            try:
                count = lane.send(data)
            except OSError as error:
                self._not_sent(lane, data, error)
                continue
            if count == len(data) and lane.pipe is None:
                lane.by_heart = job.plain
            else:
                self._sent(lane, data, count)
        self._busy += begun

    def _begin(self, lane: Lane, job: Job) -> None:
        lane.job = job
        self._busy += 1
        if lane.state == CLOSED:
            self._connections.connect(lane)
        else:
            self._send(lane)

    def _give_back(self, lane: Lane) -> None:
        """A lane cannot send its request: somebody else will, or that was a try."""
        if lane.job is not None:
            if self._refusals_count and not (lane.closing or self.stopping):
                self._fates.refused(lane.job, self._clock())
            else:
                self._cursor.give_back(lane.job, self._clock())
            lane.job = None
            self._busy -= 1

    def _send(self, lane: Lane) -> None:
        job = lane.job
        k, round_ = job.k, job.round
        if job.attempt == 1 and round_ is self._cursor.round:
            data: Any = job.data
        elif job.items is None:
            data = memoryview(self._tape.render(k, round_.number))
        else:
            data = memoryview(self._tape.render_part(k, round_.number, job.items))
        now = self._clock()
        lane.state = BUSY
        lane.deadline = now + self._timeout_ns
        if job.attempt > 1:
            self._fates.sends_again(lane, now)
        round_.sent[k] = now
        try:
            count = lane.send(data)
        except OSError as error:
            self._not_sent(lane, data, error)
        else:
            self._sent(lane, data, count)

    def _not_sent(self, lane: Lane, data: Any, error: OSError) -> None:
        """The socket took nothing."""
        if isinstance(error, BlockingIOError):
            self._sent(lane, data, 0)
            return
        lane.written = False
        if lane.pipe is not None and not lane.reused:
            try:
                lane.recv(_RECV_BYTES)
            except OSError as reason:
                if isinstance(reason, ssl.SSLError):  # the server's own word says more
                    error = reason
        self._broken(lane, error)

    def _sent(self, lane: Lane, data: Any, count: int) -> None:
        """The socket took `count` bytes of a request."""
        lane.written = count > 0
        if count < len(data) or (lane.pipe is not None and lane.pipe.pending):
            # A copy, for the tape may be rewritten before the rest is gone.
            lane.rest = memoryview(bytes(data[count:]))
            lane.by_heart = False
            self._connections.wait_to_write(lane, waits=True)
        else:
            lane.by_heart = lane.job.plain

    def _send_rest(self, lane: Lane) -> None:
        try:
            count = lane.send(lane.rest)
        except BlockingIOError:
            return
        except OSError as error:
            # The answer may have come first (413 and its like): what can be read decides.
            try:
                data = lane.recv(_RECV_BYTES)
            except OSError:
                data = b""
            if data:
                self._read(lane, data, farewell=True)
            else:
                self._lost(lane, error_text(error))
            return
        lane.written = True
        lane.rest = lane.rest[count:]
        if not lane.rest and (lane.pipe is None or not lane.pipe.pending):
            lane.rest = None
            self._connections.wait_to_write(lane, waits=False)

    # Answers.

    def _read(self, lane: Lane, data: bytes, *, farewell: bool) -> None:
        if data:
            plain = lane.by_heart
            try:
                status = lane.feed(data)
            except BadAnswerError as error:
                self._lost(lane, f"the answer is not HTTP: {error}", repeatable=False)
                return
            if lane.has_farewell:
                farewell = True
                status = status or lane.feed_end()
            if status:
                if plain and self._fates.memorable(lane, status):
                    if len(self._known) >= _REMEMBERED_ANSWERS:
                        self._known.clear()
                    self._known[data] = status
                self._answered(lane, status, reusable=lane.keep_alive and not farewell)
            elif lane.has_farewell:
                self._lost(lane, _CLOSED_EARLY)
        elif lane.chunks and (status := lane.feed_end()):
            self._answered(lane, status, reusable=False)
        else:
            self._lost(lane, _CLOSED_EARLY)

    def _answered(self, lane: Lane, status: int, *, reusable: bool) -> None:
        self._connections.answered()
        self._fates.answered(lane, status, self._clock())
        if not reusable or lane.rest is not None or self._tape.closes[lane.job.k]:
            self._connections.drop(lane)
        else:
            lane.state = IDLE
        lane.job = None
        self._busy -= 1
        lane.done()
        self._offer(lane)

    def _broken(self, lane: Lane, error: OSError) -> None:
        """Reading the answer failed."""
        if isinstance(error, ssl.SSLError) and not lane.reused and not lane.chunks:
            self._fates.takes_back(lane)  # whoever alerts in place of the first answer has read no request
            self._connections.alerted(lane, error)
            self._offer(lane)
        else:
            self._lost(lane, error_text(error))

    def _lost(self, lane: Lane, why: str, *, repeatable: bool = True, timed_out: bool = False) -> None:
        """The connection ended under a request."""
        again = self._fates.broke_off(lane, self._clock(), why, repeatable=repeatable, timed_out=timed_out)
        self._connections.drop(lane)
        lane.job = None
        self._busy -= 1
        if again is not None and not (lane.closing or self.stopping):
            self._begin(lane, again)
            return
        if again is not None:
            self._cursor.give_back(again, self._clock())
        self._offer(lane)

    def _end(self) -> None:
        now = self._clock()
        in_flight = 0
        for lane in self._connections.all:
            if lane.state == BUSY:
                in_flight += 1
                self._fates.abandoned(lane)
        self._connections.close()
        # What was due while the last answers were waited for was not meant to be sent, nor is that time the target's.
        sent_until = self._stopped_ns or now
        never_started = self._cursor.never_started(sent_until, hand_over)
        self._cursor.close()
        self._recorder.end(
            now,
            sent_until=sent_until,
            in_flight=in_flight,
            never_started=never_started,
            breathe=hand_over,
        )
        self.ended.set()


def _says_nothing(lane: Lane) -> bool:
    """Whether what came over an encrypted connection was TLS's own, such as the tickets that follow a handshake."""
    try:
        lane.recv(_RECV_BYTES)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def hand_over() -> None:
    """Gives everybody else in this process a turn.

    `gevent.sleep(0)` would not do: the hub runs up to fifty ready greenlets before it looks at timers and
    sockets, which with slices of 5 ms means a quarter of a second. An idle watcher fires after one whole pass
    of the hub.
    """
    hub = gevent.get_hub()
    hub.wait(hub.loop.idle())
