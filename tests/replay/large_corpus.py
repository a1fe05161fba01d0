"""Corpora of millions of rows without gigabytes of records, and a greenlet that notices when its loop is held."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
from replay_rig import pings_for

from simulator.records import INDEX_DTYPE

#: "Workers never block the loop longer than 0.5 s."
LONGEST_GAP_S = 0.5
START_MS = 1_700_000_000_000
DAY_MS = 86_400_000


def large_corpus(rows: int, parts: int, *, seed: int = 5) -> Any:
    """A day in `parts` parts that all span the whole of it. Every index row points at the same record."""
    line = msgspec.json.encode(pings_for(1)[0]) + b"\n"
    random = np.random.default_rng(seed)
    made, first_row = [], 0
    for number in range(parts):
        size = rows // parts
        index = np.zeros(size, dtype=INDEX_DTYPE)
        index["length"] = len(line)
        index["due_ms"] = START_MS + np.sort(random.integers(0, DAY_MS, size))
        index["client"] = random.integers(128 * number, 128 * number + 128, size)
        made.append(SimpleNamespace(index=index, lines=memoryview(line), first_row=first_row, path="large"))
        first_row += size
    meta = SimpleNamespace(first_due_ms=START_MS, last_due_ms=START_MS + DAY_MS, seed=seed, records=first_row)
    return SimpleNamespace(parts=made, ping_names=["topsite_click"], label_names=["valid"], meta=meta)


class Heartbeat:
    """Wakes up every millisecond; `gaps` holds, for each stage, the longest time that it could not."""

    def __init__(self) -> None:
        import gevent

        self.gaps: dict[str, float] = {}
        self._stage, self._sleep = "", gevent.sleep
        self._greenlet = gevent.spawn(self._beat)

    def stage(self, name: str) -> None:
        """What happens from now on."""
        self._sleep(0.005)  # the gap of the stage before ends here
        self._stage = name
        self.gaps[name] = 0.0

    def _beat(self) -> None:
        while True:
            before = time.monotonic()
            self._sleep(0.001)
            if self._stage:
                gap = time.monotonic() - before
                self.gaps[self._stage] = max(self.gaps[self._stage], gap)

    def stop(self) -> dict[str, float]:
        """The longest gaps, seconds."""
        self._sleep(0.005)
        self._greenlet.kill()
        return self.gaps


def load_and_send(
    corpus: Any, spec: Any, url: str, directory: Any, *, pace: str, rounds: int, send_s: float
) -> dict[str, float]:
    """What a worker does with a corpus, from the first look at it to the last outcome; the longest gaps on the way."""
    import gevent
    from engine import Engine, hand_over
    from plan import Plan
    from recorder import Recorder

    from simulator.guard import admit
    from simulator.pacing import parse_pace
    from simulator.rundir import OutcomeWriter
    from simulator.tape import TapeBuilder

    heart = Heartbeat()
    heart.stage("tape")
    builder = TapeBuilder(corpus, spec, directory=directory)
    for _ in builder.steps():
        hand_over()
    heart.stage("start")
    with OutcomeWriter(directory, 0) as writer:
        recorder = Recorder(builder.tape, spec.target, writer=writer, locust=None)
        plan = Plan(
            target=spec.target,
            destination=admit(url),
            pace=parse_pace(pace),
            rounds=rounds,
            origin_ms=corpus.meta.first_due_ms,
            span_ms=DAY_MS,
        )
        engine = Engine(builder.tape, plan, recorder)
        for _ in range(4):
            engine.open_lane(lambda: None)
        gevent.spawn_later(0.2, heart.stage, "run")
        gevent.spawn_later(send_s, _stop, engine, heart)
        engine.run()
    gaps = heart.stop()
    assert writer.rows >= builder.tape.pings  # every ping has its outcome, sent or not
    return gaps


def _stop(engine: Any, heart: Heartbeat) -> None:
    heart.stage("end")
    engine.stop(1.0)
