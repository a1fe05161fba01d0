"""How a fleet of clients came out of an outage, from the outcomes of its pings. Pure functions over columns."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from simulator.records import STATES
from simulator.rundir import Outcomes

NS_PER_S = 1_000_000_000

_DECIDED = tuple(STATES.index(name) for name in ("accepted", "rejected"))
_FAILED = tuple(STATES.index(name) for name in ("failed", "unknown"))
#: A ping is behind when it is answered later after its due time than this and than five times the usual.
_LEAST_BEHIND_NS = NS_PER_S // 4
_TIMES_USUAL = 5


class Wave(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in each second, from the first due ping on; all lists have one element a second."""

    due: list[int]
    decided: list[int]
    given_up: list[int]
    behind: list[int]


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """The outage and what followed.

    Args:
        outage_s: from the moment the endpoint failed until it took requests again.
        began_s, ended_s: the same moments, counted from the first due ping.
        recovery_s: from the end of the outage until no ping was behind any more.
        behind_ms: later than this after its due time, a ping counts as behind.
        delayed: pings that were decided, but behind.
        given_up: pings whose client forgot them.
        tried_again: pings that took more than one try.
        most_behind: the longest queue of pings behind, at the end of a second.
        usual_per_s: pings decided each second before the outage.
        peak_per_s: the most that were decided in one second after it: the height of the wave.
    """

    outage_s: float
    began_s: float
    ended_s: float
    recovery_s: float
    behind_ms: float
    delayed: int
    given_up: int
    tried_again: int
    most_behind: int
    usual_per_s: float
    peak_per_s: int
    wave: Wave


def measure(outcomes: Outcomes, *, began_ns: int, ended_ns: int) -> Recovery:
    """Look at a run around an outage.

    Args:
        outcomes: rows of `records.OUTCOME_DTYPE`; pings that never became due are left aside.
        began_ns: when the endpoint failed, nanoseconds since the Unix epoch.
        ended_ns: when it took requests again.
    """
    rows = outcomes[(outcomes["due"] > 0) & (outcomes["sent"] > 0)]
    rows = rows[np.argsort(rows["due"], kind="stable")]
    due, done = rows["due"], rows["done"]
    decided = np.isin(rows["state"], _DECIDED) & (done > 0)
    given_up = np.isin(rows["state"], _FAILED)
    limit = _behind_after(due[decided], done[decided], began_ns)
    # What never got an answer stays open until the run ended.
    last = int(max(done.max(initial=0), due.max(initial=0), ended_ns))
    closed = np.where(done > 0, done, last)
    recovered = _recovered(due, closed, ended_ns, limit)
    first = int(due[0]) if len(due) else began_ns
    wave = _wave(due, closed, decided, given_up, first=first, last=last, limit=limit)
    began_s, ended_s = (began_ns - first) / NS_PER_S, (ended_ns - first) / NS_PER_S
    before = wave.decided[1 : max(int(began_s), 2)]
    return Recovery(
        outage_s=round((ended_ns - began_ns) / NS_PER_S, 3),
        began_s=round(began_s, 3),
        ended_s=round(ended_s, 3),
        recovery_s=round((recovered - ended_ns) / NS_PER_S, 3),
        behind_ms=round(limit / 1e6, 3),
        delayed=int((decided & (done - due > limit)).sum()),
        given_up=int(given_up.sum()),
        tried_again=int((rows["attempt"] > 1).sum()),
        most_behind=max(wave.behind, default=0),
        usual_per_s=round(sum(before) / len(before), 1) if before else 0.0,
        peak_per_s=max(wave.decided[max(int(ended_s), 0) :], default=0),
        wave=wave,
    )


def _behind_after(due: npt.NDArray[np.int64], done: npt.NDArray[np.int64], began_ns: int) -> int:
    """Nanoseconds after which an answer is later than usual, judged by the time before the outage."""
    usual = (done - due)[done <= began_ns]
    p99 = int(np.percentile(usual, 99)) if len(usual) else 0
    return max(_LEAST_BEHIND_NS, _TIMES_USUAL * p99)


def _recovered(due: npt.NDArray[np.int64], closed: npt.NDArray[np.int64], ended_ns: int, limit: int) -> int:
    """The first moment after the outage at which every ping that was due `limit` before it was done with.

    Args:
        due: ascending.
        closed: when each was done with.
        ended_ns: the end of the outage.
        limit: nanoseconds.
    """
    if not len(due):
        return ended_ns
    latest = np.maximum.accumulate(closed)
    moment = ended_ns
    while True:
        count = int(np.searchsorted(due, moment - limit, side="right"))
        following = int(latest[count - 1]) if count else moment
        if following <= moment:
            return moment
        moment = following


def _wave(
    due: npt.NDArray[np.int64],
    closed: npt.NDArray[np.int64],
    decided: npt.NDArray[np.bool_],
    given_up: npt.NDArray[np.bool_],
    *,
    first: int,
    last: int,
    limit: int,
) -> Wave:
    seconds = max(1, -(-(last - first) // NS_PER_S))

    def counted(times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        place = np.clip((times - first) // NS_PER_S, 0, seconds - 1)
        return np.bincount(place, minlength=seconds)

    ends = first + np.arange(1, seconds + 1, dtype=np.int64) * NS_PER_S
    owed = np.searchsorted(due, ends - limit, side="right")
    late = np.maximum(closed, due + limit)
    settled = np.searchsorted(np.sort(late), ends, side="right")
    return Wave(
        due=counted(due).tolist(),
        decided=counted(closed[decided]).tolist(),
        given_up=counted(closed[given_up]).tolist(),
        behind=np.maximum(owed - settled, 0).tolist(),
    )
