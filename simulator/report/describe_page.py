"""A description as one HTML document, with its pictures."""

from __future__ import annotations

from typing import Any

from simulator.clock import utc
from simulator.report import plots
from simulator.report.describe import Description
from simulator.report.describe_plots import Plot, plots_of
from simulator.report.html import Html, element, page, section, table
from simulator.report.wording import count, size


def describe_page(description: Description) -> str:
    """Counts, sizes, pictures, and simulated values beside published ones."""
    head = (
        f"{count(description.records)} pings of {count(description.senders)} clients ({count(description.clients)} "
        f"simulated), {size(description.bytes)}, {description.dialect} dialect, seed {description.seed}"
    )
    parts: list[Html] = []
    if description.comparisons:
        parts.append(_comparisons(description))
    if description.records:
        head += f", {time_span(description)}"
        parts.append(section("Pictures", element("div", *_pictures(description), cls="charts")))
        parts.append(_types(description))
    return page(
        f"telsim: {description.scenario}",
        element("h1", f"What is in {description.scenario}"),
        element("p", head, cls="facts"),
        *parts,
    )


def _comparisons(description: Description) -> Html:
    return section(
        "Simulated beside published",
        table(
            ("figure", "simulated", "published", "distance", "observations", "grade", "source"),
            [_row(row) for row in comparison_rows(description)],
        ),
        note="Distance is the relative difference of a number, or the share of a distribution that would have "
        "to move. Grades: A published by Mozilla, B a study or an old sample, C a proxy.",
    )


def _types(description: Description) -> Html:
    rows = [
        (name, count(number), f"{description.mean_body_bytes[name]:,.0f} B")
        for name, number in description.pings.items()
    ]
    return section("Ping types", table(("ping", "pings", "mean body"), rows, cls="numbers"))


def _pictures(description: Description) -> list[Html]:
    return [
        element("figure", element("figcaption", title), _picture(name, plot))
        for name, (title, plot) in plots_of(description).items()
    ]


def _picture(name: str, plot: Plot) -> Html:
    def draw(axes: Any) -> None:
        plot(axes, plots.SERIES)

    return plots.draw(name, draw, height_inches=4.4) if name == "mix" else plots.draw(name, draw)


def time_span(description: Description) -> str:
    """From when to when the pings are due, of which there must be one."""
    first, last = utc(description.first_due_ms), utc(description.last_due_ms)
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"


def comparison_rows(description: Description) -> list[tuple[str, str, str, str, str, str, str]]:
    """Each comparison in words: figure, simulated, published, distance, sample, grade, source."""
    rows = []
    for row in description.comparisons:
        year = f" ({row.figure.year})" if row.figure.year else ""
        rows.append(
            (
                f"{row.figure.name}: {row.how}",
                _value(row.simulated),
                _value(row.published),
                f"{row.distance:.1%}",
                count(row.sample),
                row.figure.grade,
                f"{row.figure.source}{year}",
            )
        )
    return rows


def _row(cells: tuple[str, ...]) -> tuple[Html, ...]:
    return tuple(element("td", cell) for cell in cells)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {share:.1%}" for name, share in value.items())
    if isinstance(value, list):
        peak, trough = max(value), min(value)
        return f"peak {peak:.1%} at {value.index(peak)} h, trough {trough:.1%} at {value.index(trough)} h"
    return f"{value:g}"
