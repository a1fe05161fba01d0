from pathlib import Path

import pytest

import simulator
from simulator.corpus import Corpus, open_corpus, write_corpus
from simulator.records import Ping

START_MS = 1_639_526_400_000


def made(type_: str, number: int, **fields: object) -> Ping:
    return simulator.ping(type_, seed=number, client=number, due_ms=START_MS + number * 60_000, **fields)


@pytest.fixture(scope="session")
def pings() -> list[Ping]:
    """Two products, three carriers, valid and broken ones, one body that is not JSON."""
    clicks = [made("topsite_click", number) for number in range(6)]
    return [
        *clicks[:4],
        simulator.corrupt(clicks[4], "missing_required"),
        simulator.corrupt(clicks[5], "truncated_json"),
        made("event_ping", 6),
        made("sentry_event", 7),
        made("sourcegraph_log_event", 8, headers={"X-Odd": 'it\'s "quoted" $HOME `id`'}),
        simulator.corrupt(made("newtab_session", 9), "empty_body"),
        simulator.corrupt(made("newtab_session", 10), "not_gzip"),
    ]


@pytest.fixture(scope="session")
def corpus(pings: list[Ping], tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    path: Path = tmp_path_factory.mktemp("export") / "corpus"
    write_corpus(path, pings, dialect="documented")
    return open_corpus(path)
