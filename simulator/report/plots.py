"""Pictures as inline SVG: transparent, with colours that the page's style sheet decides.

Matplotlib writes fixed colours, so the plots use placeholder colours which are replaced by CSS variables
afterwards: one picture then reads well on a light and on a dark page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from simulator.histogram import NS_PER_MS, Histogram, bucket_edges
from simulator.report.html import Html
from simulator.rundir import TimeSeries

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

_INK, _GRID = "#010203", "#010204"
SERIES = tuple(f"#0102{number:02x}" for number in range(0x11, 0x17))
FAILURE = "#010220"
_VARIABLES = {_INK: "currentColor", _GRID: "var(--line)", FAILURE: "var(--bad)"} | {
    colour: f"var(--s{number})" for number, colour in enumerate(SERIES, start=1)
}
_SIZE_INCHES = (5.4, 3.1)
_MOST_POINTS = 400
_LEAST_OF_A_SECOND = 0.2
NS_PER_S = 1_000_000_000
_NINES = (
    (0, "0"),
    (0.5, "50"),
    (0.9, "90"),
    (0.99, "99"),
    (0.999, "99.9"),
    (0.9999, "99.99"),
    (0.99999, "99.999"),
)


def _settings() -> AbstractContextManager[None]:
    import matplotlib as mpl

    return mpl.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "telsim",
            "font.size": 11,
            "text.color": _INK,
            "axes.labelcolor": _INK,
            "axes.edgecolor": _GRID,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "grid.color": _GRID,
            "grid.linewidth": 0.7,
            "xtick.color": _GRID,
            "ytick.color": _GRID,
            "xtick.labelcolor": _INK,
            "ytick.labelcolor": _INK,
            "legend.frameon": False,
            "lines.linewidth": 1.7,
        }
    )


def draw(name: str, plot: Callable[[Any], None], *, height_inches: float = _SIZE_INCHES[1]) -> Html:
    """Runs `plot` on fresh axes and gives the picture.

    Args:
        name: what is drawn, with hyphens; it makes the ids inside the picture unique on the page.
        plot: draws on Matplotlib axes, with the colours in `SERIES`.
        height_inches: of the picture; the width is fixed and scales with the page.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with _settings():
        figure = Figure(figsize=(_SIZE_INCHES[0], height_inches), layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        plot(axes)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return Html(_themed(written.getvalue(), name))


def _themed(svg: str, name: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    named = f'<svg role="img" aria-label="{name.replace("-", " ")}"'  # the caption beside it says more
    return svg.replace("<svg", named, 1).strip()


def _merged(values: Sequence[float], width: int, how: Callable[..., Any]) -> Floats:
    """Every `width` seconds put together, so that a run of a day has no more points than the picture has room for."""
    found = np.asarray(values, dtype=np.float64)
    padded = np.pad(found, (0, -len(found) % width), mode="edge") if len(found) else found
    return np.asarray(how(padded.reshape(-1, width), axis=1), dtype=np.float64)


def _mean(values: Floats, axis: int) -> Floats:
    """The mean of what are numbers; not a number where none is (NumPy's own would warn)."""
    known = (~np.isnan(values)).sum(axis=axis)
    return np.where(known > 0, np.nansum(values, axis=axis) / np.maximum(known, 1), np.nan)


def over_the_whole_run(series: TimeSeries, *, started_ns: int, ended_ns: int) -> TimeSeries:
    """The same with the seconds before the first answer and after the last, in which nothing came.

    Without them an endpoint that hangs at first would seem to answer at once, and one that dies to go on to the end.

    Args:
        series: what happened in each second that had answers.
        started_ns: of the run; 0: not known.
        ended_ns: of the run; 0: not known.
    """
    after_last = series.first_s + len(series.pings)
    before = max(0, series.first_s - started_ns // NS_PER_S) if started_ns else 0
    after = max(0, -(-ended_ns // NS_PER_S) - after_last) if ended_ns else 0
    if not series.pings or not before + after:
        return series
    columns = {
        name: [0] * before + getattr(series, name) + [0] * after
        for name in ("requests", "pings", "failures", "p50_ms", "p99_ms")
    }
    return TimeSeries(first_s=series.first_s - before, **columns)


def has_course(series: TimeSeries, *, started_ns: int = 0, ended_ns: int = 0) -> bool:
    """Whether the run lasted long enough to draw anything over its time."""
    return int((~np.isnan(_covered(series, started_ns, ended_ns))).sum()) > 1


def seconds_together(series: TimeSeries) -> int:
    """How many seconds make one point of a picture."""
    return max(1, -(-len(series.pings) // _MOST_POINTS))


def throughput_over_time(series: TimeSeries, *, started_ns: int = 0, ended_ns: int = 0) -> Html:
    """Pings a second, and the requests that went wrong (failed, or judged against their label), over the run.

    Args:
        series: what happened in each second.
        started_ns: of the run, so that its first second counts for as much as there was of it.
        ended_ns: the same for the last second.
    """
    width = seconds_together(series)
    covered = _covered(series, started_ns, ended_ns)
    pings, failures = (
        _merged((np.asarray(values) / covered).tolist(), width, _mean)
        for values in (series.pings, series.failures)
    )
    seconds = np.arange(len(pings) + 1) * width

    def plot(axes: Axes) -> None:
        axes.stairs(pings, seconds, color=SERIES[0], alpha=0.18, fill=True, linewidth=0)
        axes.stairs(pings, seconds, color=SERIES[0], baseline=None, label="pings/s")
        if np.nan_to_num(failures).any():
            axes.stairs(failures, seconds, color=FAILURE, baseline=None, label="requests gone wrong/s")
            legend_above(axes)
        axes.set_ylim(bottom=0)
        _seconds_axis(axes, seconds, width)
        thousands(axes.yaxis)

    return draw("throughput", plot)


def _covered(series: TimeSeries, started_ns: int, ended_ns: int) -> Floats:
    """How much of each second the run lasted; not a number where it was too little to speak of a rate."""
    starts = (series.first_s + np.arange(len(series.pings), dtype=np.int64)) * NS_PER_S
    if not started_ns or not ended_ns:
        return np.ones(len(starts))
    lasted = np.minimum(starts + NS_PER_S, ended_ns) - np.maximum(starts, started_ns)
    share = np.clip(lasted / NS_PER_S, 0.0, 1.0)
    return np.where(share >= _LEAST_OF_A_SECOND, share, np.nan)


def latency_over_time(series: TimeSeries) -> Html:
    """Median and 99th percentile of each second; of several seconds together, the highest."""
    width = seconds_together(series)
    p50, p99 = (_merged(values, width, np.max) for values in (series.p50_ms, series.p99_ms))
    # A second without answers has no latency: the line is broken there.
    p50, p99 = (np.where(values > 0, values, np.nan) for values in (p50, p99))
    seconds = (np.arange(len(p50)) + 0.5) * width  # in the middle of each

    def plot(axes: Axes) -> None:
        axes.plot(seconds, p99, color=SERIES[1], label="p99", marker="." if len(p99) < 40 else "")
        axes.plot(seconds, p50, color=SERIES[0], label="p50", marker="." if len(p99) < 40 else "")
        legend_above(axes)
        _seconds_axis(axes, seconds, width)
        log_milliseconds(axes)

    return draw("latency", plot)


def percentile_curves(name: str, curves: Sequence[tuple[str, Histogram, str]]) -> Html:
    """Percentiles on a scale on which every further nine takes as much room as the one before.

    Args:
        name: of the picture.
        curves: legend, histogram, colour.
    """
    largest = max(histogram.count for _, histogram, _ in curves)
    ticks = [(q, text) for q, text in _NINES if not q or 1 / (1 - q) <= max(20, largest)]

    def plot(axes: Axes) -> None:
        for label, histogram, colour in curves:
            x, y = _curve(histogram)
            axes.plot(x, y, color=colour, label=label)
        axes.set_xscale("log")
        axes.set_xlim(1, max(20, largest))
        axes.set_xticks([1 / (1 - q) for q, _ in ticks], [text for _, text in ticks])
        axes.minorticks_off()
        axes.set_xlabel("percentile of requests")
        log_milliseconds(axes)
        if len(curves) > 1:
            legend_above(axes)

    return draw(name, plot)


def _curve(histogram: Histogram) -> tuple[Floats, Floats]:
    indices, cumulative = histogram.cumulative()
    total = cumulative[-1]
    middle = np.array([sum(bucket_edges(int(index))) / 2 for index in indices]) / NS_PER_MS
    # The last value is the maximum; its percentile, 100, would lie at infinity.
    below = np.concatenate(([0], cumulative[:-1])) / total
    x = 1 / (1 - below)
    keep = np.unique(np.searchsorted(x, np.geomspace(1, x[-1], _MOST_POINTS)).clip(0, len(x) - 1))
    return x[keep], np.maximum(np.minimum(middle, histogram.max_ns / NS_PER_MS)[keep], 1e-3)


def bars(name: str, values: Sequence[tuple[str, float, str]]) -> Html:
    """Horizontal bars from the top: label, length, and the text behind the bar."""
    lengths = [length for _, length, _ in values]

    def plot(axes: Axes) -> None:
        places = list(range(len(values)))[::-1]
        axes.barh(places, lengths, color=SERIES[0], height=0.62)
        longest = max(lengths) or 1.0
        for place, (_, length, text) in zip(places, values, strict=True):
            axes.text(length + longest * 0.02, place, text, va="center")
        axes.set_yticks(places, [label for label, _, _ in values])
        axes.set_xlim(0, longest * 1.35)
        axes.grid(visible=False)
        axes.spines[["bottom", "left"]].set_visible(False)
        axes.tick_params(left=False, bottom=False, labelbottom=False)

    return draw(name, plot, height_inches=0.3 + 0.34 * len(values))


def _seconds_axis(axes: Axes, seconds: npt.NDArray[Any], width: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("seconds since the start" + (f", {width} s together" if width > 1 else ""))
    if len(seconds):
        axes.set_xlim(-0.5, max(1.0, float(seconds[-1]) + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))


def legend_above(axes: Axes) -> None:
    """The legend between picture and caption, where no curve can run through it."""
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.1)


def thousands(axis: Any) -> None:
    """Writes 12000 as 12k along an axis."""
    from matplotlib.ticker import EngFormatter

    axis.set_major_formatter(EngFormatter(sep=""))


def log_milliseconds(axes: Axes) -> None:
    """A logarithmic scale of milliseconds, marked with plain numbers, for what was drawn on `axes` so far."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    drawn = np.concatenate(
        [np.asarray(line.get_ydata(), dtype=float) for line in axes.lines] or [np.empty(0)]
    )
    if not (drawn > 0).any():
        return
    axes.set_yscale("log")
    low, high = axes.yaxis.get_view_interval()
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 100 else (1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda ms, _: f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms")
    )
    axes.yaxis.set_minor_formatter(NullFormatter())


def log_axis(axes: Axes, title: str) -> None:
    """A logarithmic horizontal axis of plain numbers."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(title)
