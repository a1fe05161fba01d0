"""One repetition of the tape while it is being sent: a few numbers for each request, in flat arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.records import OUTCOME_DTYPE, STATES
from simulator.tape import Tape

UNSENT, ACCEPTED, REJECTED, FAILED, UNKNOWN = range(len(STATES))
STATE_NUMBERS = {name: number for number, name in enumerate(STATES)}

I64 = npt.NDArray[np.int64]


class Parted:
    """The pings of a request that do not share one fate: some of them were sent again without the others.

    Args:
        states: what the first answer says of each ping.
        attempt: for which time they had been sent.
        sent: when, in nanoseconds of the monotonic clock.
        done: when the answer came.
        status: of the answer.
    """

    def __init__(self, states: list[int], *, attempt: int, sent: int, done: int, status: int) -> None:
        size = len(states)
        self.states = states
        self.attempts, self.sent = [attempt] * size, [sent] * size
        self.done, self.status = [done] * size, [status] * size

    def sends(self, items: tuple[int, ...], *, attempt: int, now: int) -> None:
        """Some go out again; until an answer comes nobody knows what becomes of them."""
        for item in items:
            self.states[item], self.attempts[item], self.sent[item] = UNKNOWN, attempt, now

    def takes_back(self, items: tuple[int, ...], state: int, *, sent: int) -> None:
        """Not a byte of them went out: what was known of the time before is all there is to know again."""
        for item in items:
            self.states[item], self.sent[item] = state, sent
            self.attempts[item] -= 1

    def ends(self, items: tuple[int, ...], states: list[int], *, done: int, status: int) -> None:
        """Some have an answer (status 0: will not get one; done 0: none had come when the run ended)."""
        for item, state in zip(items, states, strict=True):
            self.states[item], self.done[item], self.status[item] = state, done, status

    def fill(self, rows: npt.NDArray[np.void], epoch_ns: int) -> None:
        """Puts everything into the outcome rows of the request."""
        rows["state"], rows["attempt"], rows["status"] = self.states, self.attempts, self.status
        for name, times in (("sent", self.sent), ("done", self.done)):
            chosen = np.array(times, dtype=np.int64)
            rows[name] = np.where(chosen > 0, chosen + epoch_ns, 0)


class Round:
    """What happened to each request of one repetition.

    Times are nanoseconds of the monotonic clock. The memory views share the arrays' memory: writing one number
    through a view costs a third of what it costs through NumPy.

    Args:
        tape: the requests.
        number: of the repetition, from 0.
        due: due times, or None in a closed loop, where a request is due when it is sent.
    """

    def __init__(self, tape: Tape, number: int, due: I64 | None) -> None:
        size = len(tape)
        self.tape = tape
        self.number = number
        self.due_array = due
        self.due: Any = None if due is None else memoryview(due)
        self.sent_array = np.zeros(size, dtype=np.int64)
        self.done_array = np.zeros(size, dtype=np.int64)
        self.status_array = np.zeros(size, dtype=np.uint16)
        self.state_array = np.zeros(size, dtype=np.uint8)
        self.written_down = np.zeros(size, dtype=np.bool_)
        self.unwritten = size
        self.sent = memoryview(self.sent_array)
        self.done = memoryview(self.done_array)
        self.status = memoryview(self.status_array)
        self.state = memoryview(self.state_array)
        self.finished: list[int] = []
        self.attempts: dict[int, int] = {}
        self.resent: set[int] = set()
        self.item_states: dict[int, list[int]] = {}
        self.parted: dict[int, Parted] = {}

    def rows(self, requests: I64, *, epoch_ns: int) -> tuple[npt.NDArray[np.void], I64]:
        """Outcome rows of the pings in the given requests, and which pings of the tape they are.

        Args:
            requests: positions on the tape.
            epoch_ns: what to add to the monotonic clock to get nanoseconds since the Unix epoch.
        """
        tape = self.tape
        counts = (tape.first[requests + 1] - tape.first[requests]).astype(np.int64)
        pings = expand(tape.first[requests], counts)
        rows = np.zeros(len(pings), dtype=OUTCOME_DTYPE)
        if not len(rows):
            return rows, pings
        rows["id"] = tape.ids_in_round(self.number, pings)
        rows["row"] = tape.rows[pings]
        rows["round"] = self.number
        rows["bytes"] = np.repeat((tape.start[requests + 1] - tape.start[requests]) // counts, counts)
        for name, times in (("sent", self.sent_array), ("done", self.done_array), ("due", self.due_array)):
            chosen = self.sent_array[requests] if times is None else times[requests]
            rows[name] = np.repeat(np.where(chosen > 0, chosen + epoch_ns, 0), counts)
        rows["status"] = np.repeat(self.status_array[requests], counts)
        rows["state"] = np.repeat(self.state_array[requests], counts)
        attempt = (self.sent_array[requests] > 0).astype(np.uint16)
        if self.attempts:
            for position, k in enumerate(requests.tolist()):
                attempt[position] = self.attempts.pop(k, attempt[position])
        rows["attempt"] = np.repeat(attempt, counts)
        if self.item_states or self.parted:
            starts = np.cumsum(counts) - counts
            for position, k in enumerate(requests.tolist()):
                own = rows[starts[position] : starts[position] + counts[position]]
                if (states := self.item_states.pop(k, None)) is not None:
                    own["state"] = states
                if (parted := self.parted.pop(k, None)) is not None:
                    parted.fill(own, epoch_ns)
                    if self.due_array is None:
                        own["due"] = own["sent"]
        return rows, pings


#: Requests of some repetitions.
Parts = Sequence[tuple[Round, I64]]


class Ended(NamedTuple):
    """Requests that have ended, of one or more repetitions, one after the other in flat arrays.

    Args:
        requests: positions on the tape.
        number: the repetition of each.
        sent: when, in nanoseconds of the monotonic clock.
        done: when its answer came, or was given up.
        due: when it was due; None in a closed loop.
        status: of the answer; 0 without one.
        states: what became of it.
    """

    requests: I64
    number: I64
    sent: I64
    done: I64
    due: I64 | None
    status: npt.NDArray[np.uint16]
    states: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, parts: Parts) -> Ended:
        """Gathers what the repetitions know of some requests, and marks them as written down."""
        for round_, requests in parts:
            states = round_.state_array[requests]
            states[states == UNSENT] = ACCEPTED  # answers known by heart leave no state behind
            round_.state_array[requests] = states
            round_.written_down[requests] = True
            round_.unwritten -= len(requests)

        def gathered(name: str) -> Any:
            return np.concatenate([getattr(round_, name)[requests] for round_, requests in parts])

        return cls(
            requests=np.concatenate([requests for _, requests in parts]),
            number=np.repeat([round_.number for round_, _ in parts], [len(each) for _, each in parts]),
            sent=gathered("sent_array"),
            done=gathered("done_array"),
            due=None if parts[0][0].due_array is None else gathered("due_array"),
            status=gathered("status_array"),
            states=gathered("state_array"),
        )

    def keys(self) -> Iterator[tuple[int, int]]:
        """Repetition and position on the tape of each."""
        return zip(self.number.tolist(), self.requests.tolist(), strict=True)


def expand(firsts: I64, counts: I64) -> I64:
    """The numbers `first` to `first + count - 1` for each pair, one after the other."""
    total = int(counts.sum())
    ends = np.cumsum(counts)
    return np.arange(total, dtype=np.int64) + np.repeat(firsts - (ends - counts), counts)
