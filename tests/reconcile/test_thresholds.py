"""Objectives mean what they say, and nonsense is answered with what is known."""

import pytest

from simulator.errors import UsageError
from simulator.thresholds import DEFAULTS, evaluate, parse_threshold, parse_thresholds, read_metric


@pytest.mark.parametrize(
    ("text", "metric", "operator", "limit"),
    [
        ("p99<50ms", "corrected.p99", "<", 50),
        ("p99.9 < 1s", "corrected.p99.9", "<", 1000),
        ("p99_9<1s", "corrected.p99.9", "<", 1000),
        ("corrected.p99<=20ms", "corrected.p99", "<=", 20),
        ("corrected.p99.9<=20ms", "corrected.p99.9", "<=", 20),
        ("latency.p50<500us", "service.p50", "<", 0.5),
        ("corrected_latency_ms.max<1s", "corrected.max", "<", 1000),
        ("service.max<2s", "service.max", "<", 2000),
        ("lateness.mean<2ms", "lateness.mean", "<", 2),
        ("errors<0.1%", "errors", "<", 0.001),
        ("errors==0", "errors", "==", 0),
        ("lost==0", "lost", "==", 0),
        ("pings_per_s>10k", "pings_per_s", ">", 10_000),
        ("pings_per_s>=1e4", "pings_per_s", ">=", 10_000),
        ("stage.parse<1ms", "stage.parse", "<", 1),
        ("unsent!=3", "unsent", "!=", 3),
        ('metric:queue_depth{queue="a,b"}<7', 'metric:queue_depth{queue="a,b"}', "<", 7),
        ("metric:process_resident_memory_bytes<2G", "metric:process_resident_memory_bytes", "<", 2e9),
    ],
)
def test_an_objective_is_read(text, metric, operator, limit):
    found = parse_threshold(text)
    assert (found.metric, found.operator, found.limit) == (metric, operator, pytest.approx(limit))


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("p99", ["1.5s", "1500ms", "1500 ms", "1500000us", "1.5e9ns", "+1.5 s"]),
        ("stage.parse", [".25ms", "0.00025s", "250us", "250000ns"]),
        ("errors", ["2.5%", "0.025", "2.5e-2"]),
        ("requests_per_s", ["2500", "2.5k", "0.0025M", "2.5e-6G"]),
        ("metric:size", ["2500", "2.5k", "0.0025M", "2.5e-6G"]),
        ("metric:seconds", ["0.025", "0.025s", "25ms", "25000us", "25000000ns", "2.5%"]),
    ],
)
def test_one_limit_may_be_written_in_several_units(metric, values):
    limits = [parse_threshold(f"{metric} < {value}").limit for value in values]
    assert limits == [pytest.approx(limits[0])] * len(values)


def test_times_are_in_milliseconds_but_those_of_a_server_in_seconds():
    # Prometheus's base unit of time is the second; Locust's users think in milliseconds.
    assert parse_threshold("p99<2s").limit == 2000
    assert parse_threshold("metric:seconds<2s").limit == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no objective"),
        ("p99", "no objective"),
        ("p99<", "no objective"),
        ("<50ms", "no objective"),
        ("p99<fast", "no value for p99; units: ns, us, ms, s"),
        ("p99<50", "units: ns, us, ms, s"),
        ("lost==0ms", "no value for lost"),
        ("errors<1ms", "units: %"),
        ("eror<1%", "did you mean errors"),
        ("p199<1ms", "known: requests"),
        ("metric:<3", "unknown metric"),
    ],
)
def test_nonsense_is_explained(text, said):
    with pytest.raises(UsageError, match=said):
        parse_threshold(text)


def test_all_bad_objectives_are_told_at_once():
    with pytest.raises(UsageError) as caught:
        parse_thresholds(["p99<fast,lost==0", "nope<3"])
    assert len(caught.value.findings) == 2


def test_commas_inside_labels_do_not_split():
    found = parse_thresholds(['p99<1s, metric:x{a="1",b="2"}<3'])
    assert [threshold.text for threshold in found][:2] == ["p99<1s", 'metric:x{a="1",b="2"}<3']


def test_defaults_hold_unless_the_same_metric_is_given():
    assert [threshold.text for threshold in parse_thresholds([])] == list(DEFAULTS)
    found = parse_thresholds(["errors<5%"])
    assert [threshold.text for threshold in found if threshold.metric == "errors"] == ["errors<5%"]
    assert all(threshold.default for threshold in found[1:])


def test_what_was_not_measured_fails_only_where_asked_for():
    own, default = parse_thresholds(["lost==0"]), parse_thresholds([])
    assert {r.metric: r.ok for r in evaluate(own, lambda _: None)}["lost"] is False
    assert {r.metric: r.ok for r in evaluate(default, lambda _: None)}["lost"] is None


@pytest.mark.parametrize(("value", "ok"), [(49.9, True), (50.0, False), (50.1, False)])
def test_the_limit_itself_is_judged_as_written(value, ok):
    assert parse_threshold("p99<50ms").holds(value) is ok
    assert parse_threshold("p99<=50ms").holds(50.0)


EXPOSITION = """
# HELP queue_depth how many
# TYPE queue_depth gauge
queue_depth{queue="a",host="x"} 3
queue_depth{queue="a",host="y"} 4 1700000000000
queue_depth{queue="b \\"}",host="x"} 5
up 1
temperature NaN
sent_total{to="x"} 5 # {trace_id="a"} 0.5 1700000000.123
sent_total{to="y"} 6 1700000000.123
nonsense value
"""


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("metric:queue_depth", 12),
        ('metric:queue_depth{queue="a"}', 7),
        ('metric:queue_depth{queue="a",host="y"}', 4),
        ('metric:queue_depth{queue="c"}', None),
        ("metric:up", 1),
        ("metric:down", None),
        ("metric:sent_total", 11),
        ("metric:nonsense", None),
    ],
)
def test_a_server_metric_is_the_sum_of_its_series(metric, value):
    assert read_metric(EXPOSITION, metric) == value


def test_one_bad_objective_is_told_in_one_line():
    with pytest.raises(UsageError, match=r"^'p99<soon'") as caught:
        parse_thresholds(["p99<soon"])
    assert caught.value.findings == ()
