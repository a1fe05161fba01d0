"""Fixtures of the replay's tests; what they are made of stands in replay_rig.py."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from replay_rig import OddServer, Ran, Seen, pings_for

from simulator.corpus import Corpus, open_corpus, write_corpus
from simulator.guard import admit
from simulator.pacing import parse_pace
from simulator.records import Ping
from simulator.rundir import OutcomeWriter, read_outcomes
from simulator.tape import TapeBuilder, TapeSpec
from simulator.target import Target, load_target


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., Corpus]:
    def make(count: int = 50, pings: list[Ping] | None = None, **kwargs: object) -> Corpus:
        path = tmp_path / f"corpus-{len(list(tmp_path.iterdir()))}"
        write_corpus(path, pings_for(count, **kwargs) if pings is None else pings, dialect="wire")  # type: ignore[arg-type]
        return open_corpus(path)

    return make


@pytest.fixture
def odd_server() -> Iterator[Callable[..., OddServer]]:
    with contextlib.ExitStack() as stack:

        def start(behave: Callable[[socket.socket, Seen], bool | None], **kwargs: object) -> OddServer:
            return stack.enter_context(OddServer(behave, **kwargs))  # type: ignore[arg-type]

        yield start


@pytest.fixture
def run_engine(tmp_path: Path) -> Callable[..., Ran]:
    """Runs the engine in this process, without Locust: the server under it runs in threads."""
    from engine import Engine
    from plan import Plan
    from recorder import Recorder

    def run(
        corpus: Corpus,
        url: str,
        *,
        target: Target | str = "structured",
        pace: str = "max",
        speed: float = 1.0,
        lanes: int = 4,
        rounds: int = 1,
        batch: int = 1,
        gzip: bool = False,
        window_ms: int | None = None,
        patience_s: float = 3.0,
        first_patience_s: float = 2.0,
        id_salt: int = 0,
        other_addresses: tuple[str, ...] = (),
        stop_timeout_s: float = 1.0,
        stop_after_s: float = 0.0,
    ) -> Ran:
        import gevent

        chosen = load_target(target) if isinstance(target, str) else target
        destination = replace(admit(url), others=other_addresses)
        spec = TapeSpec(
            target=chosen,
            netloc=destination.netloc,
            batch=batch,
            gzip=gzip,
            window_ms=window_ms,
            repeats=rounds != 1 or id_salt != 0,
        )
        tape = replace(TapeBuilder(corpus, spec).build(), salt=id_salt)
        directory = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        directory.mkdir()
        with OutcomeWriter(directory, 0) as writer:
            recorder = Recorder(tape, chosen, writer=writer, locust=None)
            plan = Plan(
                target=chosen,
                destination=destination,
                pace=parse_pace(pace, speed=speed),
                rounds=rounds,
                origin_ms=corpus.meta.first_due_ms,
                span_ms=corpus.meta.last_due_ms - corpus.meta.first_due_ms + 1,
                patience_s=patience_s,
                first_patience_s=first_patience_s,
            )
            engine = Engine(tape, plan, recorder)
            for _ in range(lanes):
                engine.open_lane(lambda: None)
            if stop_after_s:
                gevent.spawn_later(stop_after_s, engine.stop, stop_timeout_s)
            engine.run()
        return Ran(read_outcomes(directory), recorder, engine)

    return run
