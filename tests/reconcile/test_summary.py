"""The verdict follows from the accounting, the objectives and the generator's health, and from nothing else."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import numpy as np
import pytest

from simulator.corpus import open_corpus, write_corpus
from simulator.errors import EndpointError, ExitCode, InputError
from simulator.histogram import Histogram
from simulator.reconcile import exit_code, read_summary, reconcile
from simulator.reconcile.accounting import account
from simulator.reconcile.summary import spoken, summarise
from simulator.records import Ping
from simulator.rundir import (
    CorpusRef,
    Distribution,
    Distributions,
    Pacing,
    RunMeta,
    StageSum,
    TargetRef,
    WorkerHealth,
    write_outcomes,
    write_run_meta,
)
from simulator.target import load_target
from simulator.thresholds import parse_thresholds

SECOND = 1_000_000_000


def packed(*ms):
    histogram = Histogram()
    histogram.record_many(np.array([int(one * 1e6) for one in ms]))
    return Distribution(total=histogram.pack())


def run_meta(**changes):
    base = {
        "measured_from_ns": 0,
        "measured_to_ns": 4 * SECOND,
        "requests": 8,
        "pings": 80,
        "bytes_sent": 4000,
        "histograms": Distributions(
            service=packed(1, 2, 3, 50), corrected=packed(1, 2, 3, 90), lateness=packed(40)
        ),
        "workers": [WorkerHealth(index=0, cpu_share=0.5)],
        "stages": {"parse": StageSum(sum_ms=6, count=4)},
    }
    return RunMeta(**(base | changes))


@pytest.fixture
def judge(make_truth, make_outcomes, make_ledger):
    def make(rows=((0, 0, "accepted"),), thresholds=(), stored=None, meta=None, **options):
        outcomes = make_outcomes(list(rows))
        ledger = make_ledger(stored) if stored is not None else None
        accounting = account(outcomes, make_truth(["accept"] * len(rows)), ledger)
        objectives = parse_thresholds(thresholds)
        return summarise(accounting, meta or run_meta(), outcomes, thresholds=objectives, **options)

    return make


def test_figures_come_from_the_measured_window(judge):
    found = judge()
    assert (found.window_s, found.requests_per_s, found.pings_per_s, found.bytes_per_s) == (4, 2, 20, 1000)
    assert found.latency_ms.max == 50
    assert found.latency_ms.p50 == pytest.approx(2, rel=0.01)
    assert found.stages["parse"].mean_ms == 1.5


def test_statistics_of_latency_are_called_what_they_are(judge):
    evenly = packed(*range(1, 1_001))
    found = judge(meta=run_meta(histograms=Distributions(service=evenly, corrected=evenly))).latency_ms
    assert (found.p50, found.p90, found.p99, found.p99_9) == pytest.approx((500, 900, 990, 999), rel=1e-3)
    assert (found.max, found.mean) == (1_000, 500.5)


def test_a_run_that_came_to_its_end_passes(judge):
    found = judge(meta=run_meta(ended_ns=5 * SECOND))
    assert (found.verdict, found.reasons) == ("pass", [])


def test_latency_counts_from_the_due_time_in_open_loops_only(judge):
    assert judge().corrected_latency_ms == judge().latency_ms
    opened = judge(meta=run_meta(pacing=Pacing(model="rate", open_loop=True)))
    assert (opened.latency_ms.max, opened.corrected_latency_ms.max) == (50, 90)


def test_a_run_that_died_is_measured_by_its_outcomes(judge):
    rows = [(number, number, "accepted") for number in range(3)]
    found = judge(rows, meta=RunMeta())
    assert (found.requests, found.window_s) == (1, 0.002)
    assert found.latency_ms.max == 2
    assert found.corrected_latency_ms.max == 3
    assert found.lateness_ms.max == 1


def test_a_request_without_a_due_time_was_due_when_it_left(judge, make_outcomes, make_truth):
    outcomes = make_outcomes([(0, 0, "accepted")])
    outcomes["due"] = 0
    found = summarise(account(outcomes, make_truth(["accept"]), None), RunMeta(), outcomes)
    assert (found.corrected_latency_ms.max, found.lateness_ms.max) == (2, 0)


def test_a_warm_up_longer_than_the_run_leaves_nothing_to_judge(judge):
    meta = RunMeta(ended_ns=3 * SECOND, measured_from_ns=10 * SECOND, measured_to_ns=3 * SECOND)
    found = judge(meta=meta, thresholds=["p99<500ms"])
    assert found.verdict == "fail"
    assert found.reasons[0] == "nothing was measured: no request was sent after the warm-up"
    assert "p99<500ms: not measured" in found.reasons
    assert (found.requests, found.latency_ms.max) == (0, 0)


@pytest.mark.parametrize(
    ("rows", "stored", "thresholds", "reason"),
    [
        ([(0, 0, "accepted")], {}, [], "lost==0: it is 1"),
        ([(0, 0, "accepted")], {0: 3}, [], "duplicated==0: it is 2"),
        ([(0, 0, "rejected")], {}, [], "wrongly_rejected==0: it is 1"),
        ([(0, 0, "accepted"), (1, 1, "failed")], {0: 1}, [], "errors==0: it is 50 %"),
        ([(0, 0, "failed")], {}, ["errors<=100%"], "no ping was answered"),
        ([(0, 0, "unsent")], {}, [], "no ping was answered"),
        ([(0, 0, "accepted")], {0: 1}, ["p99<10ms"], "p99<10ms: it is 49.9"),
        ([(0, 0, "accepted")], {0: 1}, ["pings_per_s>10k"], "pings_per_s>10k: it is 20"),
        ([(0, 0, "accepted")], {0: 1}, ["stage.gone<10ms"], "not measured"),
        ([(0, 0, "accepted")], None, ["lost==0"], "lost==0: not measured"),
        ([(0, 0, "accepted")], {0: 1}, ["metric:x<1"], "not measured"),
        ([(0, 0, "accepted")], {0: 3}, ["duplicated_by_retry==1", "duplicated<9"], "duplicated_by_retry==1"),
    ],
)
def test_what_is_broken_is_said(judge, rows, stored, thresholds, reason):
    found = judge(rows, thresholds, stored)
    assert (found.verdict, exit_code(found)) == ("fail", ExitCode.FAILED)
    assert any(reason in given for given in found.reasons), found.reasons


@pytest.mark.parametrize(("accepted", "rejected"), [(1, 0), (0, 1), (1, 1), (3, 3)])
def test_pings_that_were_rightly_judged_pass_however_many_were_refused(
    make_truth, make_outcomes, accepted, rejected
):
    states = ["accepted"] * accepted + ["rejected"] * rejected
    outcomes = make_outcomes([(row, row, state) for row, state in enumerate(states)])
    truth = make_truth(["accept"] * accepted + ["reject"] * rejected)
    found = summarise(account(outcomes, truth, None), run_meta(), outcomes)
    assert (found.verdict, found.reasons, found.errors) == ("pass", [], 0)


@pytest.mark.parametrize("trouble", ["failed", "unknown"])
def test_errors_are_a_share_of_what_was_sent(judge, trouble):
    rows = [(0, 0, trouble), (1, 1, "accepted"), (2, 2, "accepted"), (3, 3, "accepted"), (4, 4, "unsent")]
    assert judge(rows).errors == 0.25
    assert judge(rows[:1]).errors == 1
    assert judge([(0, 0, "unsent")]).errors == 0


@pytest.mark.parametrize(
    ("stored", "said"),
    [({7: 1, 8: 1}, True), ({7: 1, 0: 0}, False), ({}, False), ({0: 1, 7: 1}, False)],
)
def test_a_ledger_that_speaks_of_other_ids_only_is_named(judge, stored, said):
    found = judge([(0, 0, "accepted"), (1, 1, "accepted")], (), stored, ledger="ids.txt")
    assert found.lost
    assert ("none of this run's ids is among the 2 of the ledger (ids.txt)" in found.reasons[0]) == said


def test_older_ids_in_a_ledger_are_no_trouble_where_everything_was_rejected(judge):
    found = judge([(0, 0, "rejected")], ["wrongly_rejected<2"], {7: 1})
    assert (found.verdict, found.reasons) == ("pass", [])


def test_objectives_that_hold_pass(judge):
    objectives = ["p50<10ms", "errors<1%", "stage.parse<2ms", "metric:up==1", "service.mean<20ms", "max<1s"]
    found = judge(thresholds=objectives, stored={0: 1}, exposition="up 1\n")
    assert (found.verdict, found.reasons, exit_code(found)) == ("pass", [], ExitCode.PASS)
    assert all(result.ok for result in found.thresholds)


def test_without_a_ledger_the_defaults_about_the_store_stay_open(judge):
    found = judge()
    assert found.verdict == "pass"
    assert {result.metric for result in found.thresholds if result.ok is None} == {
        *("lost", "duplicated", "stored_though_rejected"),
    }


def busy(**changes):
    return run_meta(requests=4000, workers=[WorkerHealth(index=0, cpu_share=0.99)], **changes)


def test_a_run_at_the_generators_limit_does_not_pass(judge):
    found = judge(meta=busy())
    assert (found.bound, found.verdict, exit_code(found)) == (
        *("generator", "generator-bound"),
        ExitCode.GENERATOR_BOUND,
    )
    assert judge(meta=busy(), allow_generator_bound=True).verdict == "pass"
    assert judge([(0, 0, "failed")], meta=busy()).verdict == "fail"


def test_an_interrupted_run_says_so_first(judge):
    found = judge([(0, 0, "failed")], meta=run_meta(interrupted=True))
    assert (found.verdict, exit_code(found)) == ("interrupted", ExitCode.INTERRUPTED)
    assert len(found.reasons) > 1


def test_outcomes_left_on_another_machine_are_missed(judge):
    found = judge(meta=run_meta(workers=[WorkerHealth(index=0, pings=7)]))
    assert "outcomes of 6 pings" in found.reasons[0]


def ping(number):
    name = f"{number:08x}-0000-4000-8000-000000000000"
    return Ping(
        id=name,
        due_ms=number,
        client=0,
        ping="topsite_click",
        product="firefox",
        route="activity-stream/events/1",
        label="valid",
        expect="accept",
        method="POST",
        path=f"/submit/activity-stream/events/1/{name}",
        body=msgspec.Raw(b"{}"),
    )


@pytest.fixture
def corpus(tmp_path):
    write_corpus(tmp_path / "corpus", [ping(number) for number in range(3)])
    return open_corpus(tmp_path / "corpus")


@pytest.fixture
def run(tmp_path, corpus, make_outcomes):
    path = tmp_path / "run"
    path.mkdir()
    rows = make_outcomes([(number, number, "accepted") for number in range(3)])
    rows["id"] = [ping(number).id.encode() for number in range(3)]
    write_outcomes(path, 0, rows)
    write_run_meta(path, run_meta(corpus=CorpusRef(sha256=corpus.meta.sha256)))
    return path


def test_a_run_is_reconciled_from_its_files(tmp_path, run, corpus):
    stored = tmp_path / "stored.ndjson"
    stored.write_text("\n".join(ping(number).id for number in (0, 2)))
    found = reconcile(run, corpus, ledger=str(stored))
    assert (found.pings, found.lost, found.ledger, found.verdict) == (3, 1, "stored.ndjson", "fail")
    assert found.examples[0].id == ping(1).id
    assert read_summary(run) == found


def test_the_summary_has_the_keys_of_the_contract(run, corpus):
    reconcile(run, corpus, ledger="none")
    written = msgspec.json.decode((run / "summary.json").read_bytes())
    assert {
        *("requests", "pings", "accepted", "rejected", "failed", "unknown", "lost", "duplicated"),
        *("wrongly_accepted", "wrongly_rejected", "requests_per_s", "pings_per_s", "bytes_per_s"),
        *("latency_ms", "corrected_latency_ms", "lateness_ms", "stages", "bound", "thresholds", "verdict"),
    } <= written.keys()
    assert {"p50", "p90", "p99", "p99_9", "max"} <= written["latency_ms"].keys()


LENIENT = (
    'name = "t"\ntitle = "t"\n[[carrier]]\nprefix = "/"\ncontent_type = "a/b"\n[answers]\nvalidates = false\n'
)


def test_a_run_is_judged_by_what_it_was_given_itself(tmp_path, run, corpus, make_outcomes):
    write_corpus(tmp_path / "bad", [msgspec.structs.replace(ping(n), expect="reject") for n in range(3)])
    bad = open_corpus(tmp_path / "bad")
    (tmp_path / "lenient.toml").write_text(LENIENT)
    given = {"target": str(tmp_path / "lenient.toml"), "threshold": "p99<1us,accepted>2"}
    write_run_meta(run, run_meta(corpus=CorpusRef(sha256=bad.meta.sha256), options=given))
    own = reconcile(run, bad, ledger="none")
    assert own.wrongly_accepted == 0
    assert [result.text for result in own.thresholds if not result.default] == ["p99<1us", "accepted>2"]
    others = reconcile(run, bad, ledger="none", thresholds=(), target=load_target("structured"))
    assert (others.wrongly_accepted, others.thresholds) == (3, [])
    (tmp_path / "lenient.toml").unlink()
    with pytest.raises(InputError, match=r"lenient\.toml cannot be read; say with --target"):
        reconcile(run, bad, ledger="none")


def test_a_run_may_have_been_allowed_to_show_the_generators_limit(run, corpus):
    for allowed in (False, True):
        meta = busy(corpus=CorpusRef(sha256=corpus.meta.sha256), options={"allow_generator_bound": allowed})
        write_run_meta(run, meta)
        assert reconcile(run, corpus, ledger="none").verdict == ("pass" if allowed else "generator-bound")


def test_another_corpus_is_refused(run, corpus, make_outcomes):
    write_run_meta(run, run_meta(corpus=CorpusRef(sha256="ff" * 32, name="other")))
    with pytest.raises(InputError, match="another corpus"):
        reconcile(run, corpus, ledger="none")
    write_run_meta(run, run_meta())
    write_outcomes(run, 1, make_outcomes([(99, 0, "accepted")]))
    with pytest.raises(InputError, match="record 99"):
        reconcile(run, corpus, ledger="none")


def test_a_summary_that_is_not_there_is_explained(tmp_path):
    with pytest.raises(InputError, match="not reconciled"):
        read_summary(tmp_path)
    (tmp_path / "summary.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        read_summary(tmp_path)


def test_server_metrics_that_do_not_answer_are_an_error(run, corpus):
    with pytest.raises(EndpointError, match="no metrics"):
        reconcile(
            run,
            corpus,
            ledger="none",
            thresholds=parse_thresholds(["metric:up==1"]),
            metrics_url="http://127.0.0.1:1/metrics",
        )


class _Metrics(BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.path == "/metrics"
        self.send_response(200 if found else 503)
        self.end_headers()
        self.wfile.write(b"depth 3\n")

    def log_message(self, *args):
        pass


def test_server_metrics_are_asked_of_the_host_that_the_run_was_sent_to(run, corpus):
    objectives = parse_thresholds(["metric:depth==3"])
    with ThreadingHTTPServer(("127.0.0.1", 0), _Metrics) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        host = f"http://127.0.0.1:{server.server_port}"
        write_run_meta(run, run_meta(target=TargetRef(host=f"{host}/")))
        found = reconcile(run, corpus, ledger="none", thresholds=objectives)
        with pytest.raises(EndpointError, match="no metrics"):
            reconcile(run, corpus, ledger="none", thresholds=objectives, metrics_url=f"{host}/busy")
        server.shutdown()
    assert [(result.value, result.ok) for result in found.thresholds if not result.default] == [(3, True)]


@pytest.mark.parametrize(("value", "words"), [("NaN", "nan"), ("+Inf", "inf")])
def test_a_metric_that_is_no_number_breaks_an_objective_and_nothing_else(
    run, corpus, monkeypatch, value, words
):
    monkeypatch.setattr("simulator.reconcile.scrape", lambda *_: f"depth {value}\n")
    objectives = parse_thresholds(["metric:depth<5"])
    found = reconcile(run, corpus, ledger="none", thresholds=objectives)
    assert found.verdict == "fail"
    assert f"metric:depth<5: it is {words}" in found.reasons
    assert read_summary(run).verdict == "fail"


def test_the_outcomes_of_a_killed_run_are_reconciled(run, corpus):
    (run / "run.json").unlink()
    found = reconcile(run, corpus)
    assert (found.verdict, found.accepted, found.requests) == ("interrupted", 3, 1)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (21301.089, "", "21 301"),
        (15_156_696.5, "", "15 156 696"),
        (12345.6, "ms", "12 346 ms"),
        (999.96, "ms", "1 000 ms"),
        (49.912, "ms", "49.91 ms"),
        (3.78e-5, "share", "0.00378 %"),
    ],
)
def test_measured_values_are_said_without_an_exponent(value, unit, words):
    assert spoken(value, unit) == words
