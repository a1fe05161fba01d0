"""`hotpath.html` and `capacity.html`: the sweep and the search as pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulator.capacity import Capacity, Step
from simulator.hotpath.fit import CostFit, Estimate
from simulator.hotpath.sweep import HotPath, Point, predicted_pings_per_s
from simulator.report import plots
from simulator.report.html import Html, Node, element, page, section, table
from simulator.report.wording import count, milliseconds, rate, share, short, size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NO_FIT = "Fewer than three batch sizes were measured: no line was fitted."


def microseconds(estimate: Estimate) -> str:
    """A cost and its interval."""
    half = (estimate.high - estimate.low) / 2
    return f"{short(estimate.value)} µs ± {short(half)}"


def hotpath_page(found: HotPath) -> str:
    """The whole sweep as one HTML document."""
    what = (
        f"{found.corpus} ({found.dialect} dialect) to {found.target} at {found.host}, {found.lanes} connections, "
        f"{found.seconds:g} s a trial, {found.machine.cpus} CPUs shared by generator and whatever runs beside it"
    )
    return page(
        "telsim: hot path",
        element("h1", "telsim hot path"),
        _answer(found.fit, what),
        _sweep_section(found),
        _stage_section(found),
        _contrast_section(found),
        _points_section(found),
        element("footer", f"telsim {found.versions.telsim}, Locust {found.versions.locust}"),
    )


def _answer(fit: CostFit | None, what: str) -> Html:
    if fit is None:
        body: list[Node] = [element("strong", "No cost model"), element("p", _NO_FIT)]
    else:
        text = f"{short(fit.request_us.value)} µs a request, {short(fit.ping_us.value)} µs a ping"
        body = [element("strong", text), element("p", explain(fit))]
    return element(
        "div", *body, element("p", what, cls="facts"), cls="verdict good" if fit else "verdict warn"
    )


def explain(fit: CostFit) -> str:
    """The cost model in words."""
    words = f"95 % intervals: {_interval(fit.request_us)} µs a request, {_interval(fit.ping_us)} µs a ping."
    batch = fit.batch_for_overhead(0.1)
    if np.isfinite(batch):
        words += f" From {batch:.0f} pings a request on, the request itself costs less than a tenth."
    if fit.worst_residual > 0.1:
        words += f" One point lies {fit.worst_residual:.0%} off the line: the cost is not quite linear."
    return words


def _interval(estimate: Estimate) -> str:
    return f"{short(max(0.0, estimate.low))} to {short(max(0.0, estimate.high))}"


def _swept(found: HotPath) -> list[Point]:
    """The points of the sweep, by batch size."""
    return sorted((p for p in found.points if p.kind == "batch" and p.requests_per_s), key=lambda p: p.batch)


def _sweep_section(found: HotPath) -> Html | None:
    points = _swept(found)
    if len(points) < 2:
        return None
    excluded = ""
    if found.fit_excludes:
        sizes = ", ".join(map(str, found.fit_excludes))
        excluded = f"At batch size {sizes} the generator was the limit; the line leaves these out."
    figures = (
        _figure(
            "Throughput by batch size", "pings/s; the line is the cost model", _throughput(points, found.fit)
        ),
        _figure("Latency by batch size", "of whole requests, all connections busy", _latency(points)),
        _figure("Time a request", "1 / (requests/s), and the fitted line", _line(points, found)),
    )
    return section("Batch size", element("div", *figures, cls="charts"), note=excluded)


def _figure(caption: str, note: str, picture: Html) -> Html:
    return element("figure", element("figcaption", caption, element("small", note)), picture)


def _throughput(points: Sequence[Point], fit: CostFit | None) -> Html:
    x = [point.pings_per_request for point in points]

    def plot(axes: Axes) -> None:
        if fit:
            dense = np.geomspace(min(x), max(x), 100)
            axes.plot(dense, predicted_pings_per_s(fit, dense.tolist()), color=plots.SERIES[1], label="model")
        axes.errorbar(
            x,
            [point.pings_per_s for point in points],
            yerr=[2 * point.noise * point.pings_per_s for point in points],
            color=plots.SERIES[0],
            fmt="o",
            markersize=5,
            label="measured",
        )
        axes.set_ylim(bottom=0)
        plots.log_axis(axes, "pings a request")
        plots.thousands(axes.yaxis)
        axes.legend(loc="lower right")

    return plots.draw("batch-throughput", plot)


def _latency(points: Sequence[Point]) -> Html:
    x = [point.pings_per_request for point in points]

    def plot(axes: Axes) -> None:
        for name, at in (("p99", 1), ("p50", 0)):
            values = [getattr(point.latency_ms, name) for point in points]
            axes.plot(x, values, "o-", markersize=4, color=plots.SERIES[at], label=name)
        plots.log_axis(axes, "pings a request")
        plots.log_milliseconds(axes)
        plots.legend_above(axes)

    return plots.draw("batch-latency", plot)


def _line(points: Sequence[Point], found: HotPath) -> Html:
    fit = found.fit

    def plot(axes: Axes) -> None:
        for at, excluded in ((0, False), (5, True)):
            some = [point for point in points if (point.batch in found.fit_excludes) is excluded]
            if some:
                times = [1e3 / point.requests_per_s for point in some]
                axes.plot([p.pings_per_request for p in some], times, "o", color=plots.SERIES[at])
        if fit:
            dense = np.array([0.0, max(point.pings_per_request for point in points)])
            axes.plot(dense, (fit.request_us.value + fit.ping_us.value * dense) / 1000, color=plots.SERIES[1])
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("pings a request")
        axes.set_ylabel("ms")

    return plots.draw("batch-line", plot)


def _stage_section(found: HotPath) -> Html | None:
    largest = max((p for p in _swept(found) if p.stages_ms), key=lambda p: p.batch, default=None)
    if largest is None:
        return None
    per_ping = [
        (name, ms / largest.pings_per_request, milliseconds(ms / largest.pings_per_request))
        for name, ms in largest.stages_ms.items()
    ]
    bars = _figure("Time a ping by stage", f"at batch size {largest.batch}", plots.bars("stages", per_ping))
    rows = [
        (name, microseconds(fit.request_us), microseconds(fit.ping_us), f"{fit.worst_residual:.0%}")
        for name, fit in found.stage_fits.items()
    ]
    fitted = (
        table(("stage", "a request", "a ping", "farthest point"), rows, cls="numbers tight") if rows else None
    )
    source = "Server-Timing" if found.stages_source == "Server-Timing" else "the server's metrics"
    note = f"From {source}. Waiting for other requests counts in a stage, so they can add up to more than 1/throughput."
    return section("Where the time goes", bars, fitted, note=note)


def _contrast_section(found: HotPath) -> Html | None:
    points = [point for point in found.points if point.kind in ("validity", "gzip")]
    if not points:
        return None
    rates: dict[str, list[float]] = {}
    for point in points:
        rates.setdefault(_contrast_name(point), []).append(point.pings_per_s)
    means = {name: sum(found) / len(found) for name, found in rates.items()}
    bars = [(name, mean, f"{rate(mean)}/s") for name, mean in means.items()]
    emptied = ""
    if found.emptied:
        emptied = (
            "The corpus has too few invalid pings of its own; the others are valid ones with an emptied body."
        )
    picture = _figure("Pings a second", f"at batch size {points[0].batch}", plots.bars("contrasts", bars))
    return section("Validity and compression", picture, note=emptied)


def _contrast_name(point: Point) -> str:
    if point.kind == "gzip":
        return f"gzip {'on' if point.gzip else 'off'}"
    return f"{point.invalid_share:.0%} invalid"


def _points_section(found: HotPath) -> Html:
    head = (
        *(
            "trial",
            "batch",
            "requests/s",
            "pings/s",
            "±",
            "p50",
            "p99",
            "bytes/ping",
            "errors",
            "misjudged",
            "limit",
        ),
    )
    rows = (
        (
            _contrast_name(point) if point.kind != "batch" else f"batch {point.batch}",
            short(point.pings_per_request),
            rate(point.requests_per_s),
            rate(point.pings_per_s),
            f"{2 * point.noise:.1%}",
            milliseconds(point.latency_ms.p50),
            milliseconds(point.latency_ms.p99),
            size(point.bytes_per_ping),
            share(point.errors),
            element("td", count(point.wrong), cls="bad" if point.wrong else ""),
            point.bound,
        )
        for point in found.points
    )
    return section("All trials", table(head, rows, cls="numbers"))


def capacity_page(found: Capacity, *, what: str) -> str:
    """The whole search as one HTML document."""
    return page(
        "telsim: capacity",
        element("h1", "telsim capacity"),
        element(
            "div",
            element("strong", capacity_headline(found)),
            element("p", capacity_reason(found)),
            element("p", what, cls="facts"),
            cls=f"verdict {'good' if found.rate and found.limit == 'objective' else 'warn'}",
        ),
        _capacity_curve(found),
        _steps_section(found.steps),
    )


def capacity_headline(found: Capacity) -> str:
    """The answer in one line."""
    if found.rate is None:
        return f"No rate holds {', '.join(found.slo)}"
    more = "at least " if found.limit in ("generator", "ceiling") else ""
    return f"{more}{rate(found.rate)} requests/s, {rate(found.pings_per_s or 0)} pings/s"


def capacity_reason(found: Capacity) -> str:
    """What ends it, and where latency begins to climb."""
    reasons = {
        "objective": f"the highest rate that holds {', '.join(found.slo)}, confirmed by holding it",
        "generator": "beyond it the generator is the limit; give it more CPUs or lanes to learn more",
        "ceiling": "the highest rate that was to be tried",
        "floor": "not even the lowest rate held; see the reasons below",
    }
    knee = f". Latency begins to climb at about {rate(found.knee)} requests/s" if found.knee else ""
    text = reasons[found.limit] + knee + "."
    return text[:1].upper() + text[1:]


def _capacity_curve(found: Capacity) -> Html | None:
    steps = sorted((step for step in found.steps if step.latency_ms.p99), key=lambda step: step.rate)
    if len({step.rate for step in steps}) < 2:
        return None

    def plot(axes: Axes) -> None:
        for ok, colour, label in ((True, plots.SERIES[2], "holds"), (False, plots.FAILURE, "broken")):
            if some := [step for step in steps if step.ok is ok]:
                axes.plot(
                    [s.rate for s in some], [s.latency_ms.p99 for s in some], "o", color=colour, label=label
                )
        if found.rate:
            axes.axvline(found.rate, color=plots.SERIES[0], linewidth=1)
        plots.log_axis(axes, "requests/s")
        plots.log_milliseconds(axes)
        plots.legend_above(axes)

    picture = plots.draw("capacity", plot)
    note = "the line is the answer" if found.rate else "no rate is the answer"
    return section("Latency by rate", _figure("p99 from the due time", note, picture))


def _steps_section(steps: Sequence[Step]) -> Html:
    rows = (
        (
            element("td", rate(step.rate), cls="n"),
            step.purpose,
            element("td", "holds" if step.ok else "broken", cls="good" if step.ok else "bad"),
            element("td", rate(step.achieved), cls="n"),
            element("td", milliseconds(step.latency_ms.p99), cls="n"),
            element("td", share(step.errors), cls="n"),
            element("td", "; ".join(step.reasons), cls="why"),
        )
        for step in steps
    )
    return section(
        "All trials", table(("rate", "for", "objective", "answered", "p99", "errors", "why not"), rows)
    )
