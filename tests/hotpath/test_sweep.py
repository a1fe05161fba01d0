"""The sweep drives trials, keeps what they say apart, and draws the model from the right ones."""

import io
import subprocess
from importlib.resources import files
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console

from simulator.capacity import Search, find_capacity, judge_step
from simulator.corpus import open_corpus, write_corpus
from simulator.errors import CorpusError, EndpointError, InputError, UsageError
from simulator.hotpath import sweep as module
from simulator.hotpath import trial as trial_module
from simulator.hotpath.mix import EMPTIED, write_mix
from simulator.hotpath.scrape import growth, parse_counters, read_counters, stage_means_ms
from simulator.hotpath.sweep import HotPath, Plan, predicted_pings_per_s, read_hotpath, sweep
from simulator.hotpath.trial import (
    Endpoint,
    Measured,
    Trial,
    check_endpoint,
    command_line,
    rate_noise,
    run_trial,
)
from simulator.reconcile import Asker
from simulator.reconcile.accounting import Accounting
from simulator.reconcile.summary import summarise
from simulator.records import OUTCOME_DTYPE, Ping
from simulator.report.hotpath_page import capacity_page, hotpath_page
from simulator.report.hotpath_terminal import print_capacity, print_hotpath
from simulator.rundir import (
    Pacing,
    RunMeta,
    StageSum,
    TargetRef,
    WorkerHealth,
    write_outcomes,
    write_run_meta,
)
from simulator.thresholds import DEFAULTS, parse_thresholds

pytestmark = pytest.mark.slow

HERE = Endpoint(host="http://127.0.0.1:1", target="json-array", lanes=3)


def ping(number, *, wrong=False):
    name = f"{number:08x}-0000-4000-8000-000000000000"
    return Ping(
        id=name,
        due_ms=number,
        client=number % 7,
        ping="topsite_click",
        product="firefox",
        route="activity-stream/events/1",
        label="wrong_type" if wrong else "valid",
        expect="reject" if wrong else "accept",
        method="POST",
        path=f"/submit/activity-stream/events/1/{name}",
        body=msgspec.Raw(b'{"n":%d}' % number),
    )


@pytest.fixture
def corpus(tmp_path):
    write_corpus(tmp_path / "corpus", [ping(number, wrong=number % 10 == 0) for number in range(400)])
    return open_corpus(tmp_path / "corpus")


@pytest.mark.parametrize(("share", "emptied"), [(0.0, 0), (0.05, 0), (0.5, 140), (1.0, 320)])
def test_a_mix_has_the_share_it_was_asked_for(tmp_path, corpus, share, emptied):
    assert write_mix(corpus, tmp_path / "mix", invalid_share=share) == emptied
    mixed = list(open_corpus(tmp_path / "mix").pings())
    wrong = [one for one in mixed if one.expect == "reject"]
    assert len(mixed) == 360
    assert len(wrong) == round(360 * share)
    assert len({one.id for one in mixed}) == len(mixed)
    assert sum(one.label == EMPTIED for one in mixed) == emptied
    assert all(bytes(one.body) == b"{}" for one in mixed if one.label == EMPTIED)


def test_invalid_pings_are_spread_over_the_batches(tmp_path, corpus):
    write_mix(corpus, tmp_path / "mix", invalid_share=0.5)
    wrong = np.array([one.expect == "reject" for one in open_corpus(tmp_path / "mix").pings()])
    assert all(20 <= chunk.sum() <= 70 for chunk in np.array_split(wrong, 4))


def test_a_mix_needs_valid_pings(tmp_path):
    write_corpus(tmp_path / "bad", [ping(1, wrong=True)])
    with pytest.raises(CorpusError, match="no valid pings"):
        write_mix(open_corpus(tmp_path / "bad"), tmp_path / "mix", invalid_share=0.5)


def measured(*, requests_per_s, batch, stages=None, bound="target", wrong=0, **changes):
    """What a trial of 10 s would say."""
    requests = int(requests_per_s * 10)
    accounting = Accounting(
        **dict.fromkeys(Accounting.__struct_fields__, 0)
        | {"labels": [], "by_ping": [], "examples": []}
        | {"duplicates": None, "accepted": requests * batch, "wrongly_accepted": wrong}
    )
    meta = RunMeta(
        **{
            "target": TargetRef(name="json-array"),
            "requests": requests,
            "pings": requests * batch,
            "bytes_sent": requests * batch * 700,
            "measured_to_ns": 10**10,
            "workers": [WorkerHealth(index=0, cpu_share=0.99 if bound == "generator" else 0.2)],
            "stages": stages or {},
        }
        | changes
    )
    empty = np.zeros(0, dtype=OUTCOME_DTYPE)
    return Measured(
        summarise(accounting, meta, empty, thresholds=parse_thresholds(["errors<1%"])), meta, 0.01
    )


class Simulated:
    """An endpoint that spends 80 us a request and 3 us a ping; twice that with gzip or invalid pings, stages too."""

    def __init__(self, generator_below=0, stages=True):
        self.trials, self.generator_below, self.stages = [], generator_below, stages

    def __call__(self, trial, endpoint):
        self.trials.append(trial)
        times = 2 if trial.gzip or not trial.corpus.name.endswith("invalid-0") else 1
        cost_us = times * (80 + 3 * trial.batch)
        spoilt = trial.batch < self.generator_below
        stages = {}
        if self.stages:
            stages["parse"] = StageSum(sum_ms=times * (10 + 2 * trial.batch) / 10, count=100)
        if self.stages and trial.batch > 5:  # small batches do not pass through it
            stages["split"] = StageSum(sum_ms=times * (5 + trial.batch) / 10, count=100)
        return measured(
            requests_per_s=1e6 / cost_us / (3 if spoilt else 1),
            batch=trial.batch,
            stages=stages,
            bound="generator" if spoilt else "target",
        )


def test_the_sweep_finds_the_costs(corpus):
    run = Simulated()
    found = sweep(corpus, HERE, Plan(), run=run, counters=dict)
    assert found.fit.request_us.value == pytest.approx(80, rel=0.02)
    assert found.fit.ping_us.value == pytest.approx(3, rel=0.02)
    assert found.stage_fits["parse"].ping_us.value == pytest.approx(2, rel=0.01)
    assert found.stage_fits["split"].ping_us.value == pytest.approx(1, rel=0.01)
    assert [found.stage_fits[name].points for name in ("parse", "split")] == [9, 6]
    assert found.stages_source == "Server-Timing"
    assert [trial.batch for trial in run.trials[:9]] == [1, 500, 2, 200, 5, 100, 10, 50, 20]
    assert [point.kind for point in found.points[9:]] == ["validity"] * 4 + ["gzip"] * 2
    rates = {(p.kind, p.invalid_share, p.gzip): p.pings_per_s for p in found.points[9:]}
    assert rates["validity", 0.0, False] == pytest.approx(2 * rates["validity", 1.0, False], rel=0.01)
    assert rates["gzip", 0.0, False] == pytest.approx(2 * rates["gzip", 0.0, True], rel=0.01)
    assert predicted_pings_per_s(found.fit, [100])[0] == pytest.approx(100 / 380 * 1e6, rel=0.02)


def test_points_that_the_generator_spoilt_are_left_out_of_the_line(corpus):
    found = sweep(corpus, HERE, Plan(), run=Simulated(generator_below=6), counters=dict)
    assert sorted(found.fit_excludes) == [1, 2, 5]
    assert found.fit.ping_us.value == pytest.approx(3, rel=0.02)


def test_without_enough_good_points_all_are_used(corpus):
    found = sweep(corpus, HERE, Plan(), run=Simulated(generator_below=150), counters=dict)
    assert (found.fit.points, found.fit_excludes) == (9, [])


def test_a_target_without_batches_has_no_line(corpus):
    plan = Plan(batches=(1,), invalid_shares=(), gzip=False)
    found = sweep(corpus, HERE, plan, run=Simulated(), counters=dict)
    assert (found.fit, found.stage_fits, len(found.points)) == (None, {}, 1)


def test_stages_come_from_the_servers_histogram_where_answers_do_not_tell(corpus):
    calls = iter(range(1000))

    def counters():
        n = next(calls)
        return {
            'app_seconds_sum{stage="parse"}': n * 0.002,
            'app_seconds_count{stage="parse"}': n * 4.0,
            'other_seconds_sum{stage="x"}': n * 1.0,
        }

    plan = Plan(batches=(1, 10, 100), invalid_shares=(), gzip=False)
    found = sweep(corpus, HERE, plan, run=Simulated(stages=False), counters=counters)
    assert found.stages_source == "metrics"
    assert found.points[0].stages_ms == {"parse": pytest.approx(0.5)}


def test_progress_is_told(corpus):
    told = []
    plan = Plan(batches=(1, 10), invalid_shares=(0.5,), gzip=True)
    sweep(corpus, HERE, plan, run=Simulated(), counters=dict, progress=lambda *words: told.append(words))
    assert told == [
        *[("batch 1", 0, 5), ("batch 10", 1, 5), ("50% invalid, batch 100", 2, 5)],
        *[("gzip off, batch 100", 3, 5), ("gzip on, batch 100", 4, 5)],
    ]


def test_the_sweep_is_written_read_and_shown(corpus, tmp_path):
    found = sweep(corpus, HERE, Plan(), run=Simulated(generator_below=2), counters=dict)
    (tmp_path / module.HOTPATH_FILE).write_bytes(msgspec.json.encode(found))
    assert read_hotpath(tmp_path) == found
    text = hotpath_page(found)
    for words in ("a request", "Throughput by batch size", "Where the time goes", "gzip on", "emptied body"):
        assert words in text
    assert "At batch size 1 the generator was the limit" in text
    out = io.StringIO()
    print_hotpath(found, Console(file=out))
    assert "80 µs ± " in out.getvalue()


def test_a_sweep_without_a_line_is_shown_too(corpus):
    plan = Plan(batches=(1,), invalid_shares=(), gzip=False)
    found = sweep(corpus, HERE, plan, run=Simulated(stages=False), counters=dict)
    assert "No cost model" in hotpath_page(found)
    out = io.StringIO()
    print_hotpath(found, Console(file=out))
    assert "No cost model" in out.getvalue()


def test_a_missing_sweep_is_explained(tmp_path):
    with pytest.raises(InputError, match=r"hotpath\.json"):
        read_hotpath(tmp_path)


def test_counters_are_told_from_gauges():
    text = 'a_total 3\nb_sum{x="1"} 2.5\nc_count 7 1700000000000\nd 9\n# TYPE a counter\nd_bucket{le="1"} 4\n'
    assert parse_counters(text) == {"a_total": 3, 'b_sum{x="1"}': 2.5, "c_count": 7}
    text = 'a_total{x="}"} 3\nb_total 4 # {trace_id="t"} 0.5\nc_total what\n'
    assert parse_counters(text) == {'a_total{x="}"}': 3, "b_total": 4}
    assert growth({"a": 5, "b": 5}, {"a": 7, "b": 1, "c": 2}) == {"a": 2, "c": 2}
    assert stage_means_ms({'x_seconds_sum{stage="p"}': 1.0}) == {}


def test_a_server_without_metrics_has_no_counters_unless_somebody_says_where_they_are():
    assert read_counters(Asker("http://127.0.0.1:1")) == {}
    with pytest.raises(EndpointError, match=r"127\.0\.0\.1:1/of/the/queue"):
        read_counters(Asker("http://127.0.0.1:1"), "http://127.0.0.1:1/of/the/queue")


def test_the_command_line_of_a_trial_can_be_run_by_hand():
    trial = Trial(corpus=Path("/c"), seconds=2.5, warmup_s=1, pace="rate 50", batch=7, gzip=True)
    endpoint = Endpoint(host="http://h", target="t", allow_hosts=["h", "i"], any_dialect=True, lanes=4)
    words = " ".join(command_line(trial, endpoint, Path("/r")))
    for expected in (
        *("-m locust -f", "--headless", "--corpus /c", "--host http://h", "--target t", "--pace rate 50"),
        *("--batch 7", "--gzip on", "-u 4", "--run-dir /r", "--warmup 1s", "-t 4s", "--any-dialect"),
        *("--allow-host h --allow-host i", "--repeat 0"),
    ):
        assert expected in words


def test_a_refused_trial_says_why(corpus):
    elsewhere = Endpoint(host="http://192.0.2.1", target="json-array")
    with pytest.raises(UsageError, match="allow-host"):
        run_trial(Trial(corpus=corpus.path, seconds=1), elsewhere)


def test_a_trial_against_nothing_is_an_endpoint_error(corpus):
    with pytest.raises(EndpointError, match="127"):
        run_trial(Trial(corpus=corpus.path, seconds=1, warmup_s=0), HERE)


def test_noise_is_small_where_the_rate_is_steady():
    rows = np.zeros(1000, dtype=OUTCOME_DTYPE)
    rows["state"], rows["done"] = 1, np.arange(1, 1001) * 10**6
    assert rate_noise(rows, RunMeta()) < 0.001
    rows["done"][500:] = rows["done"][499]
    assert rate_noise(rows, RunMeta()) > 0.1
    assert rate_noise(rows[:3], RunMeta()) == 1.0


@pytest.mark.parametrize(
    ("rate", "changes", "ok", "generator", "why"),
    [
        (100, {}, True, False, ""),
        (120, {}, False, False, "100 of 120 requests/s"),
        # In ten seconds a twentieth of the requests may be missing, and a hundredth may not have been started.
        (105, {}, True, False, ""),
        (106, {}, False, False, "100 of 106 requests/s"),
        (100, {"workers": [WorkerHealth(index=0, never_started=10, cpu_share=0.3)]}, True, False, ""),
        (
            100,
            {"workers": [WorkerHealth(index=0, never_started=11, cpu_share=0.3)]},
            *(False, False, "11 requests were due and never started"),
        ),
        (
            100,
            {"workers": [WorkerHealth(index=0, never_started=50, cpu_share=0.3)]},
            False,
            False,
            "never started",
        ),
        (
            100,
            {"workers": [WorkerHealth(index=0, never_started=50, cpu_share=0.99)]},
            *(False, True, "never started"),
        ),
    ],
)
def test_a_step_holds_only_if_the_rate_was_kept(rate, changes, ok, generator, why):
    pacing = Pacing(model="rate", text=f"rate {rate}", open_loop=True)
    found = judge_step(
        measured(requests_per_s=100, batch=1, pacing=pacing, **changes), rate=rate, purpose="bracket"
    )
    assert (found.ok, found.generator) == (ok, generator)
    assert why in "; ".join(found.reasons)


def test_a_search_is_shown():
    def attempt(rate, seconds, purpose):
        return judge_step(measured(requests_per_s=min(rate, 1000), batch=5), rate=rate, purpose=purpose)

    found = find_capacity(attempt, Search(), slo=["p99<1s"])
    text = capacity_page(found, what="<a> to b")
    assert "All trials" in text
    assert "&lt;a&gt; to b" in text
    out = io.StringIO()
    print_capacity(found, Console(file=out))
    assert out.getvalue().startswith("1 0")
    assert "p99<1s" in out.getvalue()


def test_hotpath_json_is_plain(corpus):
    found = sweep(corpus, HERE, Plan(batches=(1, 2, 3), invalid_shares=()), run=Simulated(), counters=dict)
    assert msgspec.json.decode(msgspec.json.encode(found), type=HotPath) == found


def test_drift_over_time_is_no_drift_over_size(corpus):
    clock = iter(range(1000))
    steady = Simulated()

    def tires(trial, endpoint):
        found = steady(trial, endpoint)
        slower = 1 + 0.05 * next(clock)
        summary = msgspec.structs.replace(
            found.summary, requests_per_s=found.summary.requests_per_s / slower, pings_per_s=0
        )
        summary = msgspec.structs.replace(summary, pings_per_s=summary.requests_per_s * trial.batch)
        return Measured(summary, found.meta, found.noise)

    plan = Plan(invalid_shares=(), gzip=False, passes=2)
    found = sweep(corpus, HERE, plan, run=tires, counters=dict)
    assert [trial.batch for trial in steady.trials[9:]] == [trial.batch for trial in steady.trials[:9]][::-1]
    # Every batch size was slowed down by 1.425 on average, so the model is that of the average server.
    assert found.fit.request_us.low <= 80 * 1.425 <= found.fit.request_us.high
    assert found.fit.ping_us.value == pytest.approx(3 * 1.425, rel=0.1)


def test_a_trial_without_a_request_is_no_result(corpus, monkeypatch):
    monkeypatch.setattr(trial_module, "_replay", lambda trial, endpoint, run: RunMeta())
    with pytest.raises(EndpointError, match="no request was answered"):
        run_trial(Trial(corpus=corpus.path, seconds=3), HERE)


@pytest.fixture
def replayed(monkeypatch, corpus):
    """What the replay's process was told, and a run directory as it would leave one: ten pings, one of them wrong."""
    told = []

    def leave(trial, endpoint, run):
        told.append((trial, endpoint))
        run.mkdir()
        rows = np.zeros(10, dtype=OUTCOME_DTYPE)
        rows["id"] = [one.id.encode() for one in islice(corpus.pings(), 10)]
        rows["row"], rows["attempt"], rows["state"] = np.arange(10), 1, 1
        write_outcomes(run, 0, rows)
        meta = RunMeta(requests=10, pings=10, measured_to_ns=10**9, ended_ns=10**9)
        write_run_meta(run, meta)
        return meta

    monkeypatch.setattr(trial_module, "_replay", leave)
    return told


def test_a_trial_is_judged_by_the_objectives_that_it_is_given(corpus, replayed):
    trial = Trial(corpus=corpus.path, seconds=3)
    strict = run_trial(
        trial, HERE, thresholds=parse_thresholds(["requests>10", "wrongly_accepted<9"])
    ).summary
    assert [result.text for result in strict.thresholds if result.ok is False] == ["requests>10"]
    usual = run_trial(trial, HERE).summary
    assert [result.text for result in usual.thresholds] == list(DEFAULTS)
    assert [result.text for result in usual.thresholds if result.ok is False] == ["wrongly_accepted==0"]


def test_each_trial_sends_ids_of_its_own(corpus, replayed):
    for _ in range(5):
        run_trial(Trial(corpus=corpus.path, seconds=3), HERE)
    salts = {trial.id_salt for trial, _ in replayed}
    assert len(salts) == 5
    assert all(0 < salt < 2**32 for salt in salts)


@pytest.mark.parametrize("target", ["json-array", "mine.toml"])
def test_a_trial_finds_its_target_from_the_directory_that_it_runs_in(tmp_path, corpus, monkeypatch, target):
    shipped = files("simulator.target").joinpath("json-array.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(shipped, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    told = []

    def run(words, **_):
        told.append(words[words.index("--target") + 1])
        return subprocess.CompletedProcess(words, 1, "", "why it ended")

    monkeypatch.setattr(subprocess, "run", run)
    here = Endpoint(host="http://127.0.0.1:1", target=target)
    with pytest.raises(EndpointError, match="without a result: why it ended"):
        run_trial(Trial(corpus=corpus.path, seconds=3), here)
    assert told == [str(tmp_path / target) if target.endswith(".toml") else target]
    assert check_endpoint(here).envelope is not None
