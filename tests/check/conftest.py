from collections.abc import Callable
from pathlib import Path

import pytest

import simulator
from simulator.corpus import write_corpus
from simulator.records import Dialect, Ping

START_MS = 1_639_526_400_000


def made(type_: str, number: int, dialect: Dialect = "wire", **fields: object) -> Ping:
    return simulator.ping(
        type_, dialect=dialect, seed=number, client=number, due_ms=START_MS + number * 60_000, **fields
    )


@pytest.fixture
def make() -> Callable[..., Ping]:
    """A valid ping by type and number; other fields as `simulator.ping` takes them."""
    return made


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Both products, several carriers, a label, headers, and a body that is not JSON."""
    pings = [
        made("topsite_click", 0),
        made("newtab_session", 1),
        simulator.corrupt(made("topsite_click", 2), "missing_required"),
        simulator.corrupt(made("newtab_session", 3), "truncated_json"),
        made("event_ping", 4),
        made("sourcegraph_log_event", 5, headers={"X-Odd": "one"}),
        made("sentry_event", 6),
        simulator.corrupt(made("newtab_session", 7), "empty_body"),
    ]
    write_corpus(tmp_path / "corpus", pings, dialect="wire")
    return tmp_path / "corpus"
