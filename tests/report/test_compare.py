"""Noise is called noise, a slow-down is called a slow-down."""

import io
import json

import msgspec
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from simulator.cli import build_app
from simulator.errors import ExitCode, InputError, UsageError
from simulator.reconcile import read_summary, reconcile, write_summary
from simulator.records import OUTCOME_DTYPE, STATES
from simulator.report.compare import (
    Change,
    Comparison,
    _overall,
    compare_blocks,
    compare_runs,
    comparison_exit_code,
    cut,
    judge,
    parse_tolerance,
)
from simulator.report.compare_terminal import print_comparison, sentence
from simulator.rundir import Machine, Pacing, RunMeta, WorkerHealth, read_outcomes, read_run_meta


def judgements(comparison):
    return {change.metric: change.judgement for change in comparison.changes}


@pytest.mark.parametrize("seed", range(2, 12))
def test_two_runs_of_the_same_thing_are_equal(make_run, seed):
    base, new = make_run("base", seed=1)[0], make_run("new", seed=seed)[0]
    found = compare_runs(base, new)
    assert found.verdict == "same"
    assert comparison_exit_code(found) == ExitCode.PASS
    assert judgements(found)["p50"] == "same"


@pytest.mark.parametrize("seed", range(2, 7))
def test_a_slow_down_of_a_fifth_is_found(make_run, seed):
    base, new = make_run("base", seed=1)[0], make_run("new", seed=seed, slower=1.2)[0]
    found = compare_runs(base, new)
    assert (found.verdict, comparison_exit_code(found)) == ("worse", ExitCode.FAILED)
    assert judgements(found)["p50"] == judgements(found)["mean"] == "worse"
    back = compare_runs(new, base)
    assert (back.verdict, comparison_exit_code(back)) == ("better", ExitCode.PASS)


def test_a_slow_down_within_the_tolerance_is_none(make_run):
    base, new = make_run("base")[0], make_run("new", seed=2, slower=1.2)[0]
    assert compare_runs(base, new, tolerance=0.3).verdict == "same"


def test_the_interval_holds_the_true_ratio(make_run):
    base, new = make_run("base", seed=5)[0], make_run("new", seed=6, slower=1.1)[0]
    for change in compare_runs(base, new).changes:
        if change.unit == "ms" and change.metric != "p99":
            assert change.low <= 1.1 + 0.02
            assert change.high >= 1.1 - 0.02


def test_the_same_runs_give_the_same_intervals(make_run):
    base, new = make_run("base")[0], make_run("new", seed=2)[0]
    assert compare_runs(base, new) == compare_runs(base, new)
    blocks = [cut(read_outcomes(run), read_run_meta(run)) for run in (base, new)]
    one, other = (compare_blocks(*blocks, tolerance=0.05, seed=seed) for seed in (0, 1))
    assert [change.base for change in one] == [change.base for change in other]
    assert [change.low for change in one] != [change.low for change in other]


def test_new_errors_and_new_losses_are_regressions(make_run):
    base, new = make_run("base")[0], make_run("new", failed=40)[0]
    found = compare_runs(base, new)
    assert judgements(found)["errors"] == "worse"
    assert found.verdict == "worse"
    assert "errors" in sentence(found)


@pytest.mark.parametrize(
    ("name", "before", "after", "judgement", "verdict"),
    [
        *((name, 0, 1, "worse", "worse") for name in ("wrongly_accepted", "wrongly_rejected", "duplicated")),
        ("stored_though_rejected", 0, 1, "worse", "worse"),
        ("lost", 0, 1, "worse", "worse"),
        ("lost", 2, 3, "worse", "worse"),
        ("lost", 3, 2, "better", "better"),
        ("lost", 1, 1, "same", "same"),
        ("lost", 0, 0, None, "same"),
        ("lost", None, 1, None, "same"),
        ("lost", 1, None, None, "same"),
    ],
)
def test_one_lost_or_wrong_ping_more_is_a_regression(make_run, name, before, after, judgement, verdict):
    runs = []
    for run, count in (("base", before), ("new", after)):
        path, summary, _ = make_run(run)
        write_summary(path, msgspec.structs.replace(summary, **{name: count}))
        runs.append(path)
    found = compare_runs(*runs)
    assert (judgements(found).get(name), found.verdict) == (judgement, verdict)


def test_fewer_errors_are_better_and_the_interval_is_of_the_difference(make_run):
    base, new = make_run("base", failed=400)[0], make_run("new", failed=40)[0]
    [errors] = [change for change in compare_runs(base, new).changes if change.metric == "errors"]
    assert (errors.base, errors.new, errors.judgement) == (0.1, 0.01, "better")
    assert errors.low < -0.09 < errors.high < 0
    assert errors.high - errors.low == pytest.approx(2 * 1.96 * np.sqrt((0.09 + 0.0099) / 4000), rel=0.05)


def test_one_error_in_a_hundred_thousand_is_not_rounded_away():
    found = Comparison(
        verdict="same",
        tolerance=0.05,
        differences=[],
        changes=[
            Change(
                metric="errors",
                unit="share",
                base=0,
                new=1e-5,
                ratio=None,
                low=-1e-5,
                high=4e-5,
                judgement="same",
            )
        ],
    )
    out = io.StringIO()
    print_comparison(found, Console(file=out))
    assert "+0.001%" in out.getvalue()
    assert "0.00%" not in out.getvalue()


def test_a_handful_of_errors_more_is_noise(make_run):
    base, new = make_run("base", failed=10)[0], make_run("new", failed=12)[0]
    assert judgements(compare_runs(base, new))["errors"] == "same"


def test_runs_that_differ_in_more_say_so(make_run):
    base = make_run("base")[0]
    new = make_run("new", machine=Machine(cpus=64, platform="Linux"), batch_size=7)[0]
    assert compare_runs(base, new).differences == ["batch size: 1 and 7", "CPUs: 2 and 64"]


def test_what_makes_latencies_differ_by_itself_is_said(make_run):
    base = make_run("base", options={"num_users": 4, "gzip": "off"})[0]
    new = make_run("new", open_loop=False, options={"num_users": 64, "gzip": "on"})[0]
    assert compare_runs(base, new).differences == [
        "latency counts from: due time and real send",
        "connections: 4 and 64",
        "gzip: off and on",
    ]


def test_a_run_that_proves_little_is_no_silent_base(make_run, small_corpus):
    base = make_run("base", interrupted=True, workers=[WorkerHealth(index=0, cpu_share=0.99)])[0]
    new = make_run("new", open_loop=False, workers=[WorkerHealth(index=0, cpu_share=0.99)])[0]
    stored = new / "ids"
    stored.write_text("\n".join(ping.id for ping in small_corpus.pings() if ping.label == "valid"))
    reconcile(new, small_corpus, ledger=str(stored))
    assert compare_runs(base, new).doubts == [
        "BASE was interrupted",
        "BASE had no ledger, so what was lost or duplicated is not compared",
        "in NEW the generator was the limit, so it says nothing about the target",
    ]


def change(metric, judgement, ratio=1.0):
    return Change(
        metric=metric, unit="", base=1, new=1, ratio=ratio, low=None, high=None, judgement=judgement
    )


@pytest.mark.parametrize(
    ("verdict", "changes", "words"),
    [
        (
            "worse",
            [change("p50", "worse"), change("p99", "undecided"), change("lost", "worse", None)],
            "REGRESSION: p50 got worse by more than 2.5%; more lost; too noisy to tell: p99",
        ),
        ("better", [change("p50", "better")], "BETTER: p50 improved by more than 2.5%; nothing got worse"),
        (
            "better",
            [change("errors", "better", None), change("p99", "undecided")],
            "BETTER: fewer errors; too noisy to tell: p99",
        ),
        (
            "same",
            [change("p50", "same"), change("p99", "undecided")],
            "EQUAL: no change beyond 2.5% that is more than noise; too noisy to tell: p99",
        ),
        (
            "undecided",
            [change("p99", "undecided")],
            "UNDECIDED: the runs are too short or too noisy to tell a change of 2.5%",
        ),
    ],
)
def test_the_verdict_claims_no_more_than_was_told(verdict, changes, words):
    found = Comparison(verdict=verdict, tolerance=0.025, changes=changes, differences=[])
    assert sentence(found) == words


@pytest.mark.parametrize(
    ("low", "high", "higher_is_better", "judgement"),
    [
        (0.98, 1.03, False, "same"),
        (1.06, 1.2, False, "worse"),
        (1.02, 1.2, False, "undecided"),
        (0.8, 0.9, False, "better"),
        (0.9, 1.2, False, "undecided"),
        (0.8, 0.9, True, "worse"),
        (1.1, 1.2, True, "better"),
        (0.0, 1.0, True, "undecided"),
    ],
)
def test_an_interval_is_judged(low, high, higher_is_better, judgement):
    assert judge(low, high, 0.05, higher_is_better=higher_is_better) == judgement


@pytest.mark.parametrize(("text", "value"), [("5%", 0.05), ("0.1", 0.1), (" 12.5 % ", 0.125), ("0", 0)])
def test_a_tolerance_is_read(text, value):
    assert parse_tolerance(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "five", "-1%", "100%", "7"])
def test_a_tolerance_that_makes_no_sense_is_refused(text):
    with pytest.raises(UsageError, match="tolerance"):
        parse_tolerance(text)


def test_a_run_without_answers_cannot_be_compared(make_run):
    base = make_run("base")[0]
    silent = make_run("silent", failed=4000)[0]
    with pytest.raises(InputError, match=r"silent: too few answered pings"):
        compare_runs(base, silent)


def test_blocks_hold_every_answered_ping(make_run):
    run, _, meta = make_run("run", failed=7)
    blocks = cut(read_outcomes(run), meta)
    assert blocks.pings.sum() == blocks.counts.sum() == 3993
    assert np.all(np.diff(blocks.buckets) > 0)


def outcomes_of(pings):
    """Outcome rows from (due, sent, done) in milliseconds and the state."""
    rows = np.zeros(len(pings), dtype=OUTCOME_DTYPE)
    for row, (due, sent, done, state) in zip(rows, pings, strict=True):
        row["due"], row["sent"], row["done"] = (ms * 1_000_000 for ms in (due, sent, done))
        row["state"] = STATES.index(state)
    return rows


def every_tenth(first, last, took, state="accepted"):
    return [(ms - 5, ms, ms + took, state) for ms in range(first, last, 10)]


@pytest.mark.parametrize("is_open", [False, True])
def test_only_answers_to_what_was_measured_count_from_the_due_time_or_the_real_one(is_open):
    inside = every_tenth(1_010, 3_000, took=7) + every_tenth(1_010, 3_000, took=7, state="rejected")
    outside = [
        *every_tenth(100, 1_000, took=900),  # sent before the warm-up was over
        *every_tenth(2_900, 3_000, took=500),  # answered after the end
        *every_tenth(1_000, 3_000, took=90, state="failed"),
        *every_tenth(1_000, 3_000, took=90, state="unknown"),
    ]
    meta = RunMeta(
        measured_from_ns=1_000_000_000, measured_to_ns=3_100_000_000, pacing=Pacing(open_loop=is_open)
    )
    blocks = cut(outcomes_of(inside + outside), meta)
    assert blocks.pings.sum() == len(inside)
    took = 12 if is_open else 7
    assert blocks.sums_ms.sum() == pytest.approx(took * len(inside))
    assert blocks.seconds == pytest.approx(2.1 / 20, rel=1e-3)  # the whole window
    rate, mean, *percentiles = compare_blocks(blocks, blocks, tolerance=0.05)
    assert rate.base == rate.new == pytest.approx(len(inside) / 2.1, rel=1e-3)
    assert mean.base == pytest.approx(took)
    assert [change.metric for change in percentiles] == ["p50", "p90", "p99"]
    assert [change.base for change in percentiles] == pytest.approx([took] * 3, rel=0.01)


@pytest.mark.parametrize(("due", "sent"), [(0, 1), (0, 1_000)])
def test_a_ping_without_a_due_time_counts_from_when_it_left(due, sent):
    rows = outcomes_of([(due, sent + ms, sent + ms + 3, "accepted") for ms in range(0, 1000, 10)])
    blocks = cut(rows, RunMeta(pacing=Pacing(open_loop=True)))
    assert blocks.sums_ms.sum() == pytest.approx(3 * len(rows))


def test_percentiles_of_blocks_are_those_of_all_pings(make_run):
    run, _, meta = make_run("run")
    rows = read_outcomes(run)
    blocks = cut(rows, meta)
    ms = np.sort((rows["done"] - rows["due"]) / 1e6)
    for change in compare_blocks(blocks, blocks, tolerance=0.05)[2:]:
        exact = ms[int(np.ceil(float(change.metric[1:]) / 100 * len(ms))) - 1]
        assert change.base == change.new == pytest.approx(exact, rel=1 / 128)
        assert change.ratio == 1
        assert change.low < 1 < change.high


def test_an_endpoint_that_died_midway_is_not_as_fast_as_one_that_lived(make_run):
    base, _, meta = make_run("base")
    dead = make_run("dead", measured_to_ns=meta.measured_to_ns + 20 * 10**9)[0]
    found = compare_runs(base, dead)
    assert judgements(found)["pings_per_s"] == "worse"
    rates = {run: read_summary(run).pings_per_s for run in (base, dead)}
    change = found.changes[0]
    assert (change.base, change.new) == pytest.approx((rates[base], rates[dead]), rel=0.01)


def test_a_run_that_was_killed_is_cut_from_its_first_request_on(make_run):
    run, _, meta = make_run("run")
    killed = msgspec.structs.replace(meta, measured_from_ns=0, measured_to_ns=0)
    blocks = cut(read_outcomes(run), killed)
    assert blocks.seconds * len(blocks.pings) == pytest.approx(10, abs=0.2)


def test_a_warm_up_leaves_out_what_was_due_in_it(make_run):
    """As in the run's own figures: what a stalling target was sent late is of the warm-up still."""
    run, _, meta = make_run("run")
    rows = read_outcomes(run)
    warm = msgspec.structs.replace(meta, measured_from_ns=int(rows["due"][1000]))
    rows["sent"][:1000] = np.maximum(rows["sent"][:1000], warm.measured_from_ns + 1)
    rows["done"] = np.maximum(rows["done"], rows["sent"] + 1)
    assert int(cut(rows, warm).pings.sum()) == len(rows) - 1000


def test_equal_errors_make_no_equal_runs():
    measured = [change("pings_per_s", "undecided"), change("p50", "undecided")]
    assert _overall([*measured, change("errors", "same", None)]) == "undecided"
    assert _overall([*measured, change("p90", "same"), change("errors", "same", None)]) == "same"
    assert _overall([*measured, change("errors", "worse", None)]) == "worse"


def test_compare_on_the_command_line(make_run):
    base, new = make_run("base")[0], make_run("new", slower=1.2)[0]
    run = CliRunner().invoke
    answered = run(build_app(["compare"]), ["compare", str(base), str(new), "--json"])
    assert (answered.exit_code, json.loads(answered.stdout)["verdict"]) == (1, "worse")
    answered = run(build_app(["compare"]), ["compare", str(base), str(new), "--tolerance", "50%"])
    assert answered.exit_code == 0
    assert answered.stdout.splitlines()[-1].startswith("EQUAL")


def test_the_terminal_shows_interval_and_verdict(make_run):
    base, new = make_run("base")[0], make_run("new", slower=1.2)[0]
    out = io.StringIO()
    print_comparison(compare_runs(base, new), Console(file=out))
    lines = out.getvalue().splitlines()
    assert lines[-1].startswith("REGRESSION: mean, p50")
    p50 = next(line for line in lines if line.startswith("p50"))
    assert p50.split()[-1] == "worse"
    assert ".." in p50


def test_a_narrow_terminal_cuts_no_figure_off(make_run):
    found = compare_runs(make_run("base")[0], make_run("new", slower=1.2)[0])
    out = io.StringIO()
    print_comparison(found, Console(file=out, force_terminal=True, color_system=None, width=40))
    assert "…" not in out.getvalue()
    p50 = next(line for line in out.getvalue().splitlines() if line.split()[:1] == ["p50"])
    assert p50.split()[-1] == "worse"
    assert ".." in p50
