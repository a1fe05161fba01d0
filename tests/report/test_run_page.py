"""The HTML report: one file that fetches nothing, runs nothing, and shows foreign text as text."""

import re
from html.parser import HTMLParser

import msgspec
import numpy as np
import pytest

from simulator.histogram import Histogram
from simulator.report import plots
from simulator.report.html import Html, element, page, table
from simulator.report.run_page import run_page
from simulator.rundir import RunError, RunMeta, TimeSeries, WorkerHealth

START = 1_760_000_000 * 10**9  # of the runs of `make_run`
VOID = {"meta", "br", "hr", "col", "link", "img", "input"}


class Outline(HTMLParser):
    """Checks that tags are closed in order, and collects what a reader sees and what a browser would do."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.seen = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style"} & set(self.open):
            self.seen.append(data)


@pytest.fixture(scope="module")
def failed_page(failed_run):
    _, summary, meta = failed_run
    return run_page(summary, meta)


def test_the_page_stands_alone(failed_page):
    text, outline = failed_page, Outline(failed_page)
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(outline.tags)
    assert not [name for name, _ in outline.attributes if name.startswith("on")]
    links = [value for name, value in outline.attributes if name in ("href", "xlink:href", "src")]
    assert all(link.startswith("#") for link in links)
    assert "@import" not in text
    assert not re.findall(r"url\((?!#)", text)


def test_every_picture_has_a_name_for_those_who_do_not_see_it(failed_page):
    pictures = re.findall(r"<svg[^>]*>", failed_page)
    names = [re.search(r'role="img" aria-label="([a-z ]+)"', picture)[1] for picture in pictures]
    assert {"throughput", "latency", "percentiles", "lateness", "stages"} == set(names)


@pytest.mark.slow
def test_paper_shows_what_the_screen_folds_away_or_scrolls(failed_page):
    for_paper = failed_page[failed_page.index("@media print") : failed_page.index("</style>")]
    for rule in ("pre { max-height: none; }", "details::details-content { content-visibility: visible; }"):
        assert rule in for_paper
    assert re.search(r"\.bar i, \.legend i[^}]*print-color-adjust: exact", failed_page)


def test_a_narrow_screen_breaks_an_objective_and_not_its_verdict(failed_page):
    narrow = failed_page[failed_page.index("@media (max-width: 520px)") : failed_page.index("@media print")]
    assert "table.tight td code { white-space: normal; overflow-wrap: anywhere; }" in narrow


def test_foreign_text_is_shown_and_not_run(failed_page):
    assert "<script>" not in failed_page
    assert "alert('x')" in "".join(Outline(failed_page).seen)


def test_a_status_is_told_once(make_run, without_pictures):
    errors = [
        RunError(message="HTTP 401", count=7, status=401),
        RunError(message="an unreadable answer", count=1, status=200),
    ]
    _, summary, meta = make_run("run", errors=errors)
    seen = Outline(run_page(summary, meta)).seen
    assert "7 times: HTTP 401" in seen
    assert "1 times: an unreadable answer (status 200)" in seen


@pytest.mark.parametrize(("share", "requests", "shown"), [(0.3, 9, "30%"), (70.3, 0, "-"), (1.8, 9, "100%")])
def test_no_worker_uses_more_than_its_core(make_run, without_pictures, share, requests, shown):
    workers = [WorkerHealth(index=0, cpu_share=share, requests=requests)]
    _, summary, meta = make_run("run", workers=workers)
    text = run_page(summary, meta)
    assert f"<td>0</td><td>{shown}</td>" in text[text.index("The generator") :]


def test_rules_of_every_run_are_not_said_to_hold(make_run, without_pictures):
    _, summary, meta = make_run("run", failed=5)
    assert "These every run has to hold." in run_page(summary, meta)
    _, summary, meta = make_run("other", failed=5, thresholds=["p99<1s"])
    assert "The first was asked for; the others every run has to hold." in run_page(summary, meta)


def test_the_verdict_stands_before_everything_else(make_run, without_pictures):
    _, summary, meta = make_run("run", thresholds=["p50<1ms"])
    seen = [piece.strip() for piece in Outline(run_page(summary, meta)).seen if piece.strip()]
    assert seen[2] == "FAIL"
    assert seen[3].startswith("p50<1ms: it is ")


@pytest.mark.slow
@pytest.mark.parametrize("open_loop", [True, False])
def test_the_page_tells_what_the_issue_is(make_run, open_loop):
    _, summary, meta = make_run("run", failed=5, open_loop=open_loop)
    seen = "".join(Outline(run_page(summary, meta)).seen)
    for words in (
        *("What became of every ping", "Labels by outcome", "wrong_type", "Objectives", "errors==0"),
        *("Throughput over time", "Latency over time", "Latency by percentile", "How to reproduce"),
        *("telsim replay small --rate 400", "5 times: status 500", "The generator"),
    ):
        assert words in seen
    assert ("Lateness" in seen) is open_loop


def test_how_to_reproduce_names_no_directory_that_holds_this_run(without_pictures, make_run):
    _, summary, meta = make_run("run")
    for words in (["--run-dir", "runs/one"], ["--run-dir=runs/one"]):
        again = msgspec.structs.replace(meta, command=["telsim", "replay", "small", *words, "--rate", "9"])
        seen = "".join(Outline(run_page(summary, again)).seen)
        assert "telsim replay small --rate 9" in seen


def test_an_interrupted_run_without_any_measurement_still_has_a_page(make_run):
    _, summary, _ = make_run("run")
    text = run_page(summary, RunMeta())
    assert "What became of every ping" in text
    Outline(text)


def test_ids_are_unique_on_the_page(failed_page):
    ids = [value for name, value in Outline(failed_page).attributes if name == "id"]
    assert len(ids) == len(set(ids))


@pytest.mark.slow
def test_the_same_run_gives_the_same_page(failed_run, failed_page):
    _, summary, meta = failed_run
    assert run_page(summary, meta) == failed_page


def test_elements_escape_text_and_attributes():
    made = element("p", "<b>", Html("<i></i>"), 3, None, title='"<', cls="x")
    assert made == '<p title="&quot;&lt;" class="x">&lt;b&gt;<i></i>3</p>'


def test_control_characters_of_servers_do_not_reach_the_page():
    made = element("pre", "a\x00\x1b[31mb\tc\n\x7f\ud800é")
    assert made == "<pre>a\ufffd\ufffd[31mb\tc\n\ufffd\ufffdé</pre>"
    made.encode()


def test_a_table_without_titles_has_no_head():
    assert "<thead>" not in table(("", ""), [("a", "b")])
    assert "<thead>" in table(("x", ""), [("a", "b")])


def test_a_page_has_a_doctype_and_a_policy():
    text = page("<t>", "x")
    assert text.startswith("<!doctype html>")
    assert "default-src 'none'" in text
    assert "<title>&lt;t&gt;</title>" in text


def test_pictures_take_their_colours_from_the_page():
    series = TimeSeries(
        first_s=0, requests=[1, 0, 2], pings=[1, 0, 2], failures=[0, 1, 0], p50_ms=[1, 0, 2], p99_ms=[1, 0, 9]
    )
    for picture in (plots.throughput_over_time(series), plots.latency_over_time(series)):
        assert "#0102" not in picture
        assert "currentColor" in picture
        assert "var(--s1)" in picture


def test_a_day_of_seconds_fits_into_a_picture():
    day = 86_400
    series = TimeSeries(
        requests=[1] * day, pings=[1] * day, failures=[0] * day, p50_ms=[1.0] * day, p99_ms=[2.0] * day
    )
    assert len(plots.throughput_over_time(series)) < 60_000
    assert len(plots.latency_over_time(series)) < 60_000


def test_a_curve_ends_at_the_maximum():
    histogram = Histogram()
    histogram.record_many(np.arange(1, 10_001) * 100_000)
    x, y = plots._curve(histogram)
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) >= 0).all()
    assert y[-1] == pytest.approx(1000, rel=0.01)
    assert y[np.searchsorted(x, 2)] == pytest.approx(500, rel=0.03)


def test_seconds_without_an_answer_at_either_end_are_drawn():
    series = TimeSeries(
        first_s=12, requests=[1, 2], pings=[5, 6], failures=[0, 1], p50_ms=[2.0, 3.0], p99_ms=[4.0, 5.0]
    )
    whole = plots.over_the_whole_run(series, started_ns=int(10.5e9), ended_ns=int(16.5e9))
    assert whole.first_s == 10
    assert whole.pings == [0, 0, 5, 6, 0, 0, 0]
    assert whole.p99_ms == [0, 0, 4.0, 5.0, 0, 0, 0]
    assert plots.over_the_whole_run(series, started_ns=0, ended_ns=0) == series
    assert plots.over_the_whole_run(series, started_ns=int(12.5e9), ended_ns=int(14e9)) == series


def test_the_page_draws_the_whole_run(make_run, monkeypatch, without_pictures):
    _, summary, meta = make_run("run", ended_ns=START + 15 * 10**9)
    drawn = []
    for picture in ("throughput_over_time", "latency_over_time"):
        monkeypatch.setattr(plots, picture, lambda series, **_: drawn.append(series) or Html("<svg></svg>"))
    run_page(summary, meta)
    assert [series.pings[10:] for series in drawn] == [[0] * 5] * 2


def test_a_run_of_a_moment_has_no_course_to_draw(make_run, without_pictures):
    _, summary, meta = make_run("run", started_ns=START + 900_000_000, ended_ns=START + 1_300_000_000)
    seen = "".join(Outline(run_page(summary, meta)).seen)
    assert "over time" not in seen
    assert "Latency by percentile" in seen


def test_no_curve_runs_through_the_legend():
    def plot(axes):
        axes.plot([0, 1], [1, 1], label="one")
        axes.plot([0, 1], [0, 1], label="other")
        plots.legend_above(axes)
        axes.figure.draw_without_rendering()
        assert axes.get_legend().get_window_extent().y0 >= axes.get_window_extent().y1

    assert "other" in plots.draw("legend", plot)


def test_points_of_several_seconds_say_that_they_are_the_highest(make_run, without_pictures):
    hour = 3600
    series = TimeSeries(
        first_s=START // 10**9,
        requests=[1] * hour,
        pings=[1] * hour,
        failures=[0] * hour,
        p50_ms=[1.0] * hour,
        p99_ms=[2.0] * hour,
    )
    _, summary, meta = make_run("run", time_series=series, ended_ns=START + hour * 10**9)
    assert "the highest of every 9" in run_page(summary, meta)


def test_the_first_and_last_second_count_for_what_they_were():
    series = TimeSeries(first_s=10, pings=[50, 100, 10, 1], requests=[1] * 4, failures=[0, 0, 1, 0])
    covered = plots._covered(series, int(10.5e9), int(12.25e9))
    assert covered[:3].tolist() == [0.5, 1.0, 0.25]
    assert np.isnan(covered[3])
    assert "<svg" in plots.throughput_over_time(series, started_ns=int(10.5e9), ended_ns=int(12.25e9))


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "telsim generate smoke --seed 7 --dialect wire --out small"),
        (
            {"clients": 60, "duration_ms": 90 * 60_000},
            "telsim generate smoke --seed 7 --dialect wire --clients 60 --duration 5400s --out small",
        ),
        ({"duration_ms": 86_400_000}, "--duration 1d"),
        ({"scenario": "mine"}, "telsim generate mine.toml "),
        ({"name": "a b; rm c"}, "--out &#x27;a b; rm c&#x27;"),
    ],
)
def test_the_command_makes_the_same_corpus_again(make_run, without_pictures, changes, shown):
    _, summary, meta = make_run("run")
    corpus = msgspec.structs.replace(meta.corpus, seed=7, **changes)
    assert shown in run_page(summary, msgspec.structs.replace(meta, corpus=corpus))


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["/a/b/locust/__main__.py", "-f", "x y"], "locust -f &#x27;x y&#x27;"),
        (["/a/bin/telsim", "replay"], "telsim replay"),
    ],
)
def test_the_command_is_shown_as_one_types_it(make_run, without_pictures, command, shown):
    _, summary, meta = make_run("run", command=command)
    text = run_page(summary, meta)
    assert shown in text
    assert "/a/b" not in text
