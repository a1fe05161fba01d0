"""The pictures of a description: what is simulated beside what is published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.clock import MS_PER_HOUR, MS_PER_SECOND, utc
from simulator.report.describe import Description

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: (draws on axes with two colours) by file name.
Plot = Callable[["Axes", Sequence[str]], None]

_MOST_TYPES = 20
_FILE_COLOURS = ("#2563c9", "#cf6a12")


def plots_of(description: Description) -> dict[str, tuple[str, Plot]]:
    """Title and drawing of each picture that this description has something for, by name."""
    if not description.records:
        return {}
    found: dict[str, tuple[str, Plot]] = {
        "rate": ("Pings an hour", _rate(description)),
        "mix": (_mix_title(len(description.pings)), _mix(description)),
    }
    shapes = {row.figure.name: row for row in description.comparisons}
    if "daily_curve" in shapes:
        row = shapes["daily_curve"]
        found["daily-curve"] = (
            "New tabs in the United States by UTC hour",
            _curve(row.simulated, row.published),
        )
    if "locales" in shapes:
        row = shapes["locales"]
        found["locales"] = ("Clients by locale", _bars(row.simulated, row.published, "share of clients"))
    if description.session_ms:
        found["sessions"] = ("Length of new tab sessions", _lengths(description.session_ms))
    if sum(description.clicks):
        decay = shapes.get("position_decay")
        published = float(decay.published) if decay else 0.0
        found["clicks"] = ("Top-site clicks by position", _clicks(description.clicks, published))
    return found


def _rate(description: Description) -> Plot:
    def plot(axes: Axes, colours: Sequence[str]) -> None:
        counts = [*description.per_hour, description.per_hour[-1]]  # an hour ends where the next would begin
        hours = np.arange(len(counts))
        axes.fill_between(hours, counts, color=colours[0], alpha=0.18, step="post", linewidth=0)
        axes.step(hours, counts, color=colours[0], where="post")
        begin = utc(description.first_due_ms // MS_PER_HOUR * MS_PER_HOUR)
        axes.set_xlabel(f"hours from {begin:%Y-%m-%d %H:%M} UTC")
        axes.set_ylabel("pings an hour")
        axes.set_ylim(bottom=0)

    return plot


def _mix_title(types: int) -> str:
    """What is drawn: bars of a logarithmic scale are not as long as their numbers are large."""
    most = f"the {_MOST_TYPES} most frequent of {types}, " if types > _MOST_TYPES else ""
    return f"Pings by type ({most}logarithmic scale)"


def _mix(description: Description) -> Plot:
    def plot(axes: Axes, colours: Sequence[str]) -> None:
        top = list(description.pings.items())[:_MOST_TYPES][::-1]
        axes.barh([name for name, _ in top], [count for _, count in top], color=colours[0])
        axes.set_xscale("log")
        axes.set_xlabel("pings")
        axes.tick_params(axis="y", labelsize=8)
        axes.grid(visible=False, axis="y")

    return plot


def _curve(simulated: Sequence[float], published: Sequence[float]) -> Plot:
    def plot(axes: Axes, colours: Sequence[str]) -> None:
        hours = range(len(simulated))
        axes.plot(hours, simulated, color=colours[0], marker="o", markersize=3, label="simulated")
        axes.plot(hours, published, color=colours[1], linestyle="--", label="published")
        axes.set_xlabel("hour, UTC")
        axes.set_ylabel("share of the day")
        axes.set_xticks(range(0, 24, 3))
        axes.set_ylim(bottom=0)
        axes.legend()

    return plot


def _bars(simulated: dict[str, float], published: dict[str, float], what: str) -> Plot:
    def plot(axes: Axes, colours: Sequence[str]) -> None:
        at = np.arange(len(simulated))
        axes.bar(at - 0.2, list(simulated.values()), 0.4, color=colours[0], label="simulated")
        axes.bar(at + 0.2, [published[name] for name in simulated], 0.4, color=colours[1], label="published")
        axes.set_xticks(at, list(simulated))
        axes.set_ylabel(what)
        axes.grid(visible=False, axis="x")
        axes.legend()

    return plot


def _lengths(session_ms: Sequence[int]) -> Plot:
    def plot(axes: Axes, colours: Sequence[str]) -> None:
        seconds = np.maximum(np.array(session_ms) / MS_PER_SECOND, 0.1)
        # Its ends are exact; a power of a logarithm may lie above the shortest session or below the longest.
        edges = np.geomspace(seconds.min(), max(seconds.max(), seconds.min() * 2), 50)
        axes.hist(seconds, bins=edges.tolist(), color=colours[0], alpha=0.75)
        middle = float(np.median(seconds))
        axes.axvline(middle, color=colours[1], linestyle="--", label=f"median {middle:.1f} s")
        axes.set_xscale("log")
        axes.set_xlabel("seconds")
        axes.set_ylabel("sessions")
        axes.legend()

    return plot


def _clicks(clicks: Sequence[int], decay: float) -> Plot:
    def plot(axes: Axes, colours: Sequence[str]) -> None:
        positions = np.arange(len(clicks))
        axes.bar(positions, clicks, color=colours[0], label="simulated")
        if decay:
            fall = decay**positions
            axes.plot(
                positions,
                fall / fall.sum() * sum(clicks),
                color=colours[1],
                linestyle="--",
                marker="o",
                markersize=3,
                label=f"exponential decay, {decay:g} a position",
            )
        axes.set_xlabel("position (0 is the left-most)")
        axes.set_ylabel("clicks")
        axes.set_xticks(positions)
        axes.grid(visible=False, axis="x")
        axes.legend()

    return plot


def save_plots(description: Description, directory: Path) -> list[Path]:
    """Draw every picture into a PNG file.

    Args:
        description: what to draw.
        directory: made if missing.

    Raises:
        OSError: a file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, (title, plot) in plots_of(description).items():
        figure = Figure(figsize=(8, 4.5), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        axes: Any = figure.add_subplot()
        axes.set_title(title)
        axes.grid(visible=True, alpha=0.3)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        plot(axes, _FILE_COLOURS)
        path = directory / f"{name}.png"
        figure.savefig(path, metadata={"Software": None})
        written.append(path)
    return written
