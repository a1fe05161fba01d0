"""Run directories made by hand: a good one, a bad one, a slow one."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from simulator.corpus import open_corpus, write_corpus
from simulator.histogram import Histogram
from simulator.randomness import client_keys, uniforms
from simulator.reconcile import reconcile
from simulator.records import OUTCOME_DTYPE, Ping
from simulator.report import plots
from simulator.report.html import Html
from simulator.rundir import (
    CorpusRef,
    Distribution,
    Distributions,
    Lag,
    Machine,
    Pacing,
    RunError,
    RunMeta,
    StageSum,
    TargetRef,
    TimeSeries,
    Versions,
    WorkerHealth,
    write_outcomes,
    write_run_meta,
)
from simulator.thresholds import parse_thresholds

START = 1_760_000_000 * 10**9
PINGS = 4000
HOSTILE = "<script>alert('x')</script>"


def record(number):
    name = f"{number:08x}-0000-4000-8000-000000000000"
    wrong = number % 10 == 9
    return Ping(
        id=name,
        due_ms=number,
        client=0,
        ping=("topsite_click", "newtab_session")[number % 2],
        product="firefox",
        route="activity-stream/events/1",
        label="wrong_type" if wrong else "valid",
        expect="reject" if wrong else "accept",
        method="POST",
        path=f"/submit/activity-stream/events/1/{name}",
        body=msgspec.Raw(b"{}"),
    )


IDS = np.array([record(number).id.encode() for number in range(PINGS)])


def latencies(seed, slower):
    """Skewed, in nanoseconds: about 2 ms, now and then ten times as much."""
    u = uniforms(client_keys(seed, "test/latency", [0]), np.arange(PINGS, dtype=np.uint64))
    return (slower * (1.5e6 + 5e5 / np.maximum(1 - u, 0.01))).astype(np.int64)


@pytest.fixture(scope="session")
def corpus_directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "corpus"
    write_corpus(path, [record(number) for number in range(PINGS)])
    return path


@pytest.fixture(scope="session")
def small_corpus(corpus_directory):
    return open_corpus(corpus_directory)


@pytest.fixture
def without_pictures(monkeypatch):
    """Pages are made at once: for tests that look at what stands around the pictures, which take most of the time."""
    monkeypatch.setattr(plots, "draw", lambda *_, **__: Html("<svg></svg>"))


@pytest.fixture
def make_run(tmp_path, small_corpus):
    return run_maker(tmp_path, small_corpus)


@pytest.fixture(scope="session")
def failed_run(tmp_path_factory, small_corpus):
    """A run with five failures, its summary and its record, for all who only look at it."""
    return run_maker(tmp_path_factory.mktemp("failed"), small_corpus)("run", failed=5)


def run_maker(directory, small_corpus):
    """What makes and reconciles runs of 4000 pings at 400 a second."""

    def make(name, *, seed=1, slower=1.0, failed=0, open_loop=True, thresholds=(), **changes):
        run = directory / name
        run.mkdir()
        took = latencies(seed, slower)
        due = START + np.arange(PINGS) * 2_500_000
        rows = np.zeros(PINGS, dtype=OUTCOME_DTYPE)
        rows["row"], rows["attempt"], rows["status"], rows["bytes"] = np.arange(PINGS), 1, 200, 300
        rows["id"] = IDS
        rows["due"], rows["sent"], rows["done"] = due, due + 100_000, due + 100_000 + took
        rows["state"] = np.where(np.arange(PINGS) % 10 == 9, 2, 1)
        rows["state"][:failed] = 3
        write_outcomes(run, 0, rows)

        def distribution(values):
            histogram = Histogram()
            histogram.record_many(values)
            packed = histogram.pack()
            return Distribution(total=packed, by_name={"topsite_click": packed, "newtab_session": packed})

        meta = RunMeta(
            **{
                "versions": Versions(telsim="0.1.0", locust="2.47.0", python="3.11.7"),
                "machine": Machine(cpus=2, platform="Linux"),
                "corpus": CorpusRef(
                    name="small",
                    sha256=small_corpus.meta.sha256,
                    records=PINGS,
                    dialect="wire",
                    scenario="smoke",
                ),
                "target": TargetRef(name="structured", host="http://127.0.0.1:1"),
                "command": ["telsim", "replay", "small", "--rate", "400"],
                "options": {"note": HOSTILE},
                "pacing": Pacing(model="rate", text="rate 400", open_loop=open_loop, requests_per_s=400),
                "started_ns": START,
                "ended_ns": START + 10**10,
                "measured_from_ns": START,
                "measured_to_ns": START + 10**10 + 10**9,
                "requests": PINGS,
                "pings": PINGS,
                "bytes_sent": PINGS * 300,
                "workers": [
                    WorkerHealth(
                        index=0, cpu_share=0.3, loop_lag_ms=Lag(p99=1.5), requests=PINGS, pings=PINGS - failed
                    )
                ],
                "histograms": Distributions(
                    service=distribution(took),
                    corrected=distribution(took + 100_000),
                    lateness=distribution(np.full(PINGS, 100_000)),
                ),
                "time_series": TimeSeries(
                    first_s=START // 10**9,
                    requests=[400] * 10,
                    pings=[400] * 10,
                    failures=[failed, *[0] * 9],
                    p50_ms=[2.0] * 10,
                    p99_ms=[9.0] * 10,
                ),
                "errors": [
                    RunError(message=f"status 500 {HOSTILE}", count=failed, status=500, example=HOSTILE)
                ]
                if failed
                else [],
                "stages": {"parse": StageSum(sum_ms=40, count=4000), HOSTILE: StageSum(sum_ms=8, count=4000)},
            }
            | changes
        )
        write_run_meta(run, meta)
        summary = reconcile(run, small_corpus, ledger="none", thresholds=parse_thresholds(thresholds))
        return run, summary, meta

    return make
