"""Terminal, JUnit, Markdown and JSON say the same thing."""

import io
import json
from xml.etree import ElementTree

import msgspec
import pytest
from rich.console import Console
from typer.testing import CliRunner

from simulator.cli import build_app
from simulator.errors import InputError, UsageError
from simulator.reconcile.summary import Latency, broken
from simulator.report import write_reports
from simulator.report.junit import junit_xml
from simulator.report.markdown import escape, markdown
from simulator.report.run_page import run_page
from simulator.report.terminal import print_summary
from simulator.report.wording import (
    accounted,
    duration,
    milliseconds,
    rate,
    share,
    size,
    threshold_line,
)
from simulator.rundir import RunError, RunMeta, TargetRef
from simulator.thresholds import ThresholdResult


def parse(data):
    return ElementTree.fromstring(data)  # noqa: S314 - written by ourselves a moment ago


def printed(summary, meta, **options):
    out = io.StringIO()
    print_summary(summary, meta, Console(file=out, **options))
    return out.getvalue()


def test_the_terminal_ends_with_the_verdict(make_run):
    _, summary, meta = make_run("run")
    lines = printed(summary, meta).splitlines()
    assert lines[-1] == "PASS: 4 000 pings, every one accounted for; measured for 11 s"
    assert any(line.split()[:2] == ["accepted", "3"] for line in lines)


def test_pings_that_were_never_sent_are_not_passed_off_as_measured(without_pictures, make_run):
    _, summary, meta = make_run("run")
    short = msgspec.structs.replace(summary, sent=1600, unsent=2400, accepted=1200)
    assert accounted(short) == "1 600 of 4 000 pings sent, every one accounted for"
    assert printed(short, meta).splitlines()[-1].startswith(f"PASS: {accounted(short)}; measured for ")
    assert accounted(short) in run_page(short, meta)


def test_a_terminal_gets_colours_and_a_pipe_does_not(make_run):
    _, summary, meta = make_run("run", failed=3)
    assert "\x1b[" not in printed(summary, meta)
    assert "\x1b[" in printed(summary, meta, force_terminal=True)


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_cuts_no_figure_off(make_run, width):
    _, summary, meta = make_run("run")
    shown = printed(summary, meta, force_terminal=True, color_system=None, width=width)
    assert "…" not in shown
    head = next(line for line in shown.splitlines() if "label" in line)
    assert head.split() == [
        *("label", "expected", "accepted", "rejected"),
        "failed",
        "unknown",
        "unsent",
        "wrong",
    ]
    assert ["wrong_type", "reject", "0", "400", "0", "0", "0", "0"] in [
        line.split() for line in shown.splitlines()
    ]


def test_the_terminal_says_that_there_are_more_kinds_of_trouble(make_run):
    errors = [RunError(message=f"HTTP {status}", count=3, status=status) for status in range(500, 507)]
    _, summary, meta = make_run("run", errors=errors)
    lines = printed(summary, meta).splitlines()
    assert "3 x HTTP 504" in lines
    assert "6 x 2 other kinds of trouble; the page has them all" in lines
    few = msgspec.structs.replace(meta, errors=errors[:5])
    assert "other kinds" not in printed(summary, few)


def test_foreign_markup_is_printed_as_it_is(make_run):
    _, summary, meta = make_run("run", failed=3)
    assert "3 x status 500 <script>" in printed(summary, meta)


@pytest.mark.parametrize(
    ("options", "verdict", "red"),
    [
        ({}, "pass", []),
        ({"thresholds": ["p50<1ms"]}, "fail", ["p50<1ms"]),
        ({"failed": 3}, "fail", ["errors==0"]),
        ({"failed": 3, "thresholds": ["errors<5%"]}, "pass", []),
        ({"interrupted": True}, "interrupted", ["ended by itself"]),
    ],
)
def test_junit_is_red_exactly_where_the_run_is(make_run, options, verdict, red):
    _, summary, meta = make_run("run", **options)
    assert summary.verdict == verdict
    suite = parse(junit_xml(summary, meta)).find("testsuite")
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases if case.find("failure") is not None] == red
    assert (suite.get("tests"), suite.get("failures")) == (str(len(cases)), str(len(red)))
    assert suite.get("skipped") == "3"


def test_junit_survives_control_characters(make_run):
    _, summary, _ = make_run("run")
    meta = RunMeta(target=TargetRef(name="a\x00b\x1b[0m"))
    assert b"\x1b" not in junit_xml(summary, meta)
    assert parse(junit_xml(summary, meta)).tag == "testsuites"


def test_markdown_has_verdict_and_tables(make_run):
    _, summary, meta = make_run("run", failed=3, thresholds=["p99<1s"])
    text = markdown(summary, meta)
    assert text.startswith("## ❌ telsim: FAIL")
    assert "| failed | **3** |" in text
    assert "| p99&lt;1s |" in text
    assert "| wrong\\_type | reject | 0 | 400 |" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)


def test_markdown_shows_foreign_text_as_it_is():
    assert escape("<b> [x](y) a|b\n# c") == "&lt;b&gt; \\[x\\](y) a\\|b \\# c"
    assert escape("&lt;b&gt;") == "&amp;lt;b&amp;gt;"


def test_files_go_into_the_run_unless_told_otherwise(without_pictures, make_run, tmp_path, monkeypatch):
    run, summary, meta = make_run("run")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert write_reports(run, summary, meta) == [run / "report.html", run / "junit.xml"]
    other = tmp_path / "new" / "r.html"
    assert write_reports(run, summary, meta, html_file=other)[0] == other
    assert other.read_text().startswith("<!doctype html>")


def test_the_summary_page_of_a_ci_job_is_added_to(without_pictures, make_run, tmp_path, monkeypatch):
    run, summary, meta = make_run("run")
    page = tmp_path / "step.md"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    write_reports(run, summary, meta)
    assert page.read_text().startswith("before\n## ✅ telsim: PASS")
    write_reports(run, summary, meta, markdown_file=tmp_path / "own.md")
    assert page.read_text().count("PASS") == 1
    assert "PASS" in (tmp_path / "own.md").read_text()


def test_a_file_that_cannot_be_written_is_explained(without_pictures, make_run, tmp_path):
    run, summary, meta = make_run("run")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write"):
        write_reports(run, summary, meta, html_file=tmp_path / "file" / "r.html")


@pytest.fixture
def telsim(without_pictures, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)

    def run(*words):
        return CliRunner().invoke(build_app([words[0]]), [str(word) for word in words])

    return run


def test_report_answers_with_the_verdict(telsim, make_run):
    good, *_ = make_run("good")
    bad, *_ = make_run("bad", failed=4)
    assert telsim("report", good).exit_code == 0
    answered = telsim("report", bad, "--json")
    assert answered.exit_code == 1
    assert json.loads(answered.stdout)["failed"] == 4
    assert (bad / "report.html").exists()


def test_report_can_reconcile_anew(telsim, make_run, small_corpus, corpus_directory, tmp_path):
    run, *_ = make_run("run")
    stored = tmp_path / "ids.ndjson"
    stored.write_text("\n".join(ping.id for ping in small_corpus.pings() if ping.label == "valid"))
    options = ("--corpus", corpus_directory, "--ledger", stored, "--threshold", "p99<1s", "--json")
    answered = telsim("report", run, *options)
    found = json.loads(answered.stdout)
    assert (answered.exit_code, found["lost"], found["ledger"]) == (0, 0, "ids.ndjson")
    assert found["thresholds"][0]["text"] == "p99<1s"


def test_report_says_what_it_needs(telsim, make_run, tmp_path):
    run, *_ = make_run("run")
    assert isinstance(telsim("report", run, "--threshold", "p99<1s").exception, UsageError)
    assert isinstance(telsim("report", tmp_path).exception, InputError)
    (run / "summary.json").unlink()
    assert "which telsim report does with --corpus" in str(telsim("report", run).exception)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123, "12.3 µs"),
        (0.000_000_1, "0.000 µs"),
        (0, "0 ms"),
        (12.34, "12.3 ms"),
        (1234, "1 234 ms"),
        (12345, "12.3 s"),
    ],
)
def test_milliseconds_stay_readable(value, text):
    assert milliseconds(value) == text


@pytest.mark.parametrize(
    ("part", "text"), [(0, "0"), (0.6005, "60.05%"), (0.0001, "0.01%"), (3.78e-5, "0.004%"), (1, "100.00%")]
)
def test_one_error_among_many_pings_is_not_rounded_away(part, text):
    assert share(part) == text


def test_what_was_tried_again_is_told(make_run):
    _, summary, meta = make_run("run")
    assert "tried again" not in printed(summary, meta)
    refused_first = msgspec.structs.replace(summary, tried_again=734)
    lines = [line.split() for line in printed(refused_first, meta).splitlines()]
    assert ["tried", "again", "734"] in [line[:3] for line in lines]


def test_nothing_measured_is_not_a_latency_of_zero(without_pictures, make_run):
    _, summary, meta = make_run("run")
    silent = msgspec.structs.replace(
        summary, latency_ms=Latency(), corrected_latency_ms=Latency(), lateness_ms=Latency()
    )
    lines = [line.split()[:2] for line in printed(silent, meta).splitlines()]
    assert all([name, "-"] in lines for name in ("latency", "corrected", "lateness"))
    assert "0 ms" not in run_page(silent, meta).split("<section>")[0]


def test_rates_and_sizes_stay_readable():
    assert (rate(1234567), rate(12.345), rate(0)) == ("1 234 567", "12.3", "0")
    assert (size(999), size(12_345), size(5e14)) == ("999 B", "12.3 kB", "500 TB")
    assert (duration(0.661), duration(3600.4)) == ("0.661 s", "3 600 s")


@pytest.mark.parametrize(
    ("text", "limit", "value", "unit", "said"),
    [
        ("p99<50ms", 50, 50.00004, "ms", "50.00004 ms"),
        ("errors<0.1%", 0.001, 0.0010003, "share", "0.10003 %"),
        ("pings_per_s>1M", 1e6, 999_999.8, "", "999999.8"),
        ("p99<50ms", 50, 50.0, "ms", "50 ms"),
        ("p99<50ms", 50, 61.23456, "ms", "61.23 ms"),
    ],
)
def test_a_broken_objective_is_told_in_as_many_digits_as_it_takes(text, limit, value, unit, said):
    result = ThresholdResult(
        text=text, metric="p99", limit=limit, unit=unit, value=value, ok=False, default=False
    )
    assert broken(result) == f"{text}: it is {said}"
    assert threshold_line(result).value == said
