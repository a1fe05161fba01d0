"""`report.html` of a run: verdict first, then what it rests on."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from simulator.clock import MS_PER_DAY, MS_PER_HOUR, MS_PER_SECOND, utc
from simulator.histogram import Histogram, unpack
from simulator.reconcile.accounting import Row
from simulator.reconcile.summary import Summary
from simulator.report import plots
from simulator.report.html import Html, Node, element, page, section, table
from simulator.report.wording import (
    HEADLINES,
    Line,
    accounted,
    count,
    fate_lines,
    milliseconds,
    rate,
    share,
    size,
    threshold_line,
)
from simulator.rundir import CorpusRef, RunMeta, WorkerHealth
from simulator.shipped import shipped_scenarios

_TONES = {"pass": "good", "fail": "bad", "generator-bound": "warn", "interrupted": "warn"}
_STATES = ("accepted", "rejected", "failed", "unknown", "unsent")
_RIGHT = {"accept": ("accepted",), "reject": ("rejected",), "duplicate": ("accepted", "rejected")}
_MOST_EXAMPLE_CHARACTERS = 600


def run_page(summary: Summary, meta: RunMeta) -> str:
    """The whole report as one HTML document."""
    return page(
        f"telsim: {HEADLINES[summary.verdict]}",
        element("h1", "telsim run report"),
        _verdict(summary, meta),
        _tiles(summary, meta),
        _fates(summary),
        _objectives(summary),
        _speed(meta),
        _stages(summary),
        _generator(summary, meta),
        _errors(summary, meta),
        _reproduce(meta),
        element(
            "footer", f"telsim {meta.versions.telsim}, {utc(meta.ended_ns // 1_000_000):%Y-%m-%d %H:%M} UTC"
        ),
    )


def _verdict(summary: Summary, meta: RunMeta) -> Html:
    if summary.reasons:
        why: Node = element("ul", *(element("li", reason) for reason in summary.reasons))
    else:
        why = element("p", f"{accounted(summary)}.")
    what = (
        f"{meta.corpus.name or 'corpus'} ({meta.corpus.dialect or '?'} dialect) to {meta.target.name} "
        f"at {meta.target.host}, {meta.pacing.text}, batch size {meta.batch_size}, "
        f"{utc(meta.started_ns // 1_000_000):%Y-%m-%d %H:%M:%S} UTC"
    )
    return element(
        "div",
        element("strong", HEADLINES[summary.verdict]),
        why,
        element("p", what, cls="facts"),
        cls=f"verdict {_TONES[summary.verdict]}",
    )


def _tiles(summary: Summary, meta: RunMeta) -> Html:
    latency = summary.corrected_latency_ms
    since = "from due time" if meta.pacing.open_loop else "service time"
    tiles = (
        (rate(summary.pings_per_s), "pings/s"),
        (rate(summary.requests_per_s), "requests/s"),
        (f"{size(summary.bytes_per_s)}/s", "sent"),
        (milliseconds(latency.p50) if latency.max else "-", f"p50, {since}"),
        (milliseconds(latency.p99) if latency.max else "-", f"p99, {since}"),
        (share(summary.errors), "errors"),
        (summary.bound, "limit"),
    )
    return element(
        "div",
        *(element("div", element("b", b), element("span", s), cls="tile") for b, s in tiles),
        cls="tiles",
    )


def _fates(summary: Summary) -> Html:
    source = (
        f"Checked against {summary.ledger}." if summary.ledger else "No ledger: judged by the answers alone."
    )
    parts = [(state, getattr(summary, state)) for state in _STATES if getattr(summary, state)]
    bar = element(
        "div", *(element("i", cls=s, style=f"flex:{n} 0 0", title=f"{s}: {n}") for s, n in parts), cls="bar"
    )
    legend = element(
        "div", *(element("span", element("i", cls=s), f"{s} {count(n)}") for s, n in parts), cls="legend"
    )
    return section(
        "What became of every ping",
        bar,
        legend,
        _lines(fate_lines(summary)),
        element("h3", "Labels by outcome"),
        _matrix(summary.labels),
        _examples(summary),
        element("details", element("summary", "By ping type"), _by_ping(summary.by_ping)),
        note=source,
    )


def _lines(lines: Iterable[Line]) -> Html:
    return table(
        ("", "", ""),
        (
            (
                line.name,
                element("td", line.value, cls="n bad" if line.bad else "n"),
                element("td", line.meaning, cls="quiet"),
            )
            for line in lines
        ),
        cls="tight",
    )


def _matrix(rows: Sequence[Row]) -> Html:
    """Green is what the label asks for, red is the opposite."""

    def cell(row: Row, state: str) -> Html:
        number = getattr(row, state)
        tone = ""
        if number and state in ("accepted", "rejected"):
            tone = "right" if state in _RIGHT[row.expect] else "wrong"
        return element("td", count(number) if number else "·", cls=tone)

    return table(
        ("label", "must be", *_STATES),
        ((row.name, row.expect, *(cell(row, state) for state in _STATES)) for row in rows),
        cls="numbers matrix",
    )


def _by_ping(rows: Sequence[Row]) -> Html:
    return table(
        ("ping", *_STATES, "wrongly judged"),
        (
            (
                row.name,
                *(count(getattr(row, state)) for state in _STATES),
                element("td", count(row.wrong), cls="bad" if row.wrong else ""),
            )
            for row in rows
        ),
        cls="numbers",
    )


def _examples(summary: Summary) -> Html | None:
    if not summary.examples:
        return None
    rows = (
        (e.what.replace("_", " "), e.ping, e.label, e.status or "none", element("code", e.id), e.row)
        for e in summary.examples
    )
    head = ("what", "ping", "label", "status", "id", "record")
    return element("details", element("summary", "Pings to look at"), table(head, rows))


def _objectives(summary: Summary) -> Html:
    tones = {"holds": "good", "BROKEN": "bad", "not judged": "warn"}
    rows = (
        (
            element("code", line.name),
            element("td", line.value, cls="n"),
            element("td", line.meaning, cls=tones[line.meaning]),
        )
        for line in map(threshold_line, summary.thresholds)
    )
    own = sum(not result.default for result in summary.thresholds)
    asked = {0: "", 1: "The first was asked for; "}.get(own, f"The first {own} were asked for; ")
    note = f"{asked}the others every run has to hold." if asked else "These every run has to hold."
    return section("Objectives", table(("objective", "measured", "verdict"), rows, cls="tight"), note=note)


def _figure(caption: str, note: str, picture: Html) -> Html:
    return element("figure", element("figcaption", caption, element("small", note)), picture)


def _speed(meta: RunMeta) -> Html | None:
    figures = []
    lasted = {"started_ns": meta.started_ns, "ended_ns": meta.ended_ns}
    series = plots.over_the_whole_run(meta.time_series, **lasted)
    if plots.has_course(series, **lasted):
        together = plots.seconds_together(series)
        highest = f", the highest of every {together}" if together > 1 else ""
        figures += [
            _figure(
                "Throughput over time",
                "pings answered in each second",
                plots.throughput_over_time(series, **lasted),
            ),
            _figure(
                "Latency over time",
                f"service time of each second's requests{highest}",
                plots.latency_over_time(series),
            ),
        ]
    service = unpack(meta.histograms.service.total)
    if service.count:
        figures.append(_figure("Latency by percentile", *_latency_curves(service, meta)))
    if not figures:
        return None
    return section("Throughput and latency", element("div", *figures, cls="charts"), _by_name(meta))


def _latency_curves(service: Histogram, meta: RunMeta) -> tuple[str, Html]:
    curves = [("service time", service, plots.SERIES[0])]
    note = "from the real send to the answer"
    corrected = unpack(meta.histograms.corrected.total)
    if meta.pacing.open_loop and corrected.count:
        curves.insert(0, ("from the due time", corrected, plots.SERIES[1]))
        note = "the gap between the curves is what a closed loop would hide"
    return note, plots.percentile_curves("percentiles", curves)


def _by_name(meta: RunMeta) -> Html | None:
    names = meta.histograms.service.by_name
    if len(names) < 2:
        return None
    rows = []
    for name, packed in sorted(names.items()):
        histogram = unpack(packed)
        values = [*histogram.percentiles([50, 90, 99, 99.9]), histogram.max_ns]
        rows.append((name, count(histogram.count), *(milliseconds(ns / 1e6) for ns in values)))
    body = table(("request", "count", "p50", "p90", "p99", "p99.9", "max"), rows, cls="numbers")
    return element("details", element("summary", "Service time by request name"), body)


def _stages(summary: Summary) -> Html | None:
    if not summary.stages:
        return None
    values = [(name, stage.mean_ms, milliseconds(stage.mean_ms)) for name, stage in summary.stages.items()]
    total = sum(stage.mean_ms for stage in summary.stages.values())
    picture = element("figure", plots.bars("stages", values))
    note = f"Server-Timing of the endpoint's answers: {milliseconds(total)} a request in all."
    return section("Where the endpoint spends its time", picture, note=note)


def _generator(summary: Summary, meta: RunMeta) -> Html:
    rows = (
        (
            f"{worker.index}",
            _cpu(worker),
            milliseconds(worker.loop_lag_ms.p99),
            milliseconds(worker.loop_lag_ms.max),
            count(worker.late_starts),
            count(worker.never_started),
            count(worker.in_flight_at_end),
            count(worker.requests),
            count(worker.pings),
        )
        for worker in meta.workers
    )
    head = (
        "worker",
        "CPU",
        "loop lag p99",
        "max",
        "late",
        "never started",
        "in flight at end",
        "requests",
        "pings",
    )
    calibrated = None
    if meta.calibration:
        text = f"Against a null sink it reaches {rate(meta.calibration.requests_per_s)} requests/s."
        calibrated = element("p", text, cls="note")
    lateness = unpack(meta.histograms.lateness.total)
    late = None
    if meta.pacing.open_loop and lateness.max_ns:
        picture = plots.percentile_curves("lateness", [("lateness", lateness, plots.SERIES[3])])
        late = element(
            "div", _figure("Lateness", "from the due time to the real send", picture), cls="charts"
        )
    return section(
        "The generator",
        calibrated,
        table(head, rows, cls="numbers"),
        late,
        note=f"Limit: {summary.bound}. {summary.bound_reason[:1].upper()}{summary.bound_reason[1:]}.",
    )


def _cpu(worker: WorkerHealth) -> str:
    """A worker's share of its core. Connecting counts too, which in a run of a moment is more than the rest of it."""
    return f"{min(worker.cpu_share, 1.0):.0%}" if worker.requests else "-"


def _errors(summary: Summary, meta: RunMeta) -> Html | None:
    if not meta.errors and not summary.errors:
        return None
    parts: list[Node] = []
    for error in meta.errors:
        told = not error.status or f"HTTP {error.status}" in error.message
        status = "" if told else f" (status {error.status})"
        parts.append(element("h3", f"{count(error.count)} times: {error.message}{status}"))
        if error.example:
            parts.append(element("pre", error.example[:_MOST_EXAMPLE_CHARACTERS]))
    note = f"{count(summary.failed)} pings failed, {count(summary.unknown)} have an unknown fate."
    return section("Errors", *parts, note=note)


def _reproduce(meta: RunMeta) -> Html:
    commands = [shlex.join(_generate_command(meta.corpus))] if meta.corpus.scenario else []
    if meta.command:
        commands.append(shlex.join(_spoken_command(meta.command)))
    facts = {
        "corpus": f"{count(meta.corpus.records)} records, SHA-256 {meta.corpus.sha256}",
        "machine": f"{meta.machine.platform}, {meta.machine.cpus} CPUs",
        "software": f"telsim {meta.versions.telsim}, Locust {meta.versions.locust}, Python {meta.versions.python}",
        "options": ", ".join(f"{key}={value}" for key, value in meta.options.items() if value) or "none",
    }
    listed = element(
        "dl", *(e for key, value in facts.items() for e in (element("dt", key), element("dd", value)))
    )
    return section("How to reproduce", element("pre", "\n".join(commands)) if commands else None, listed)


def _generate_command(corpus: CorpusRef) -> list[str]:
    """What makes the corpus again, whatever else than its scenario's own was asked for."""
    shipped = corpus.scenario in shipped_scenarios()
    words = ["telsim", "generate", corpus.scenario if shipped else f"{corpus.scenario}.toml"]
    words += ["--seed", str(corpus.seed), "--dialect", corpus.dialect]
    words += ["--clients", str(corpus.clients)] if corpus.clients else []
    words += ["--duration", _duration(corpus.duration_ms)] if corpus.duration_ms else []
    return [*words, "--out", corpus.name or "corpus"]


def _duration(ms: int) -> str:
    """A duration as scenarios write it, in the largest unit of which it is a whole number."""
    units = {"d": MS_PER_DAY, "h": MS_PER_HOUR, "s": MS_PER_SECOND}
    name, size_ms = next(((name, unit) for name, unit in units.items() if not ms % unit), ("ms", 1))
    return f"{ms // size_ms}{name}"


def _spoken_command(command: Sequence[str]) -> list[str]:
    """The command as one would type it again: without the path of the interpreter's script, and for another run."""
    program = Path(command[0])
    name = program.parent.name if program.name == "__main__.py" else program.name
    words = iter(command[1:])
    kept = [name]
    for word in words:
        if word == "--run-dir":
            next(words, None)  # which holds this run by now
        elif not word.startswith("--run-dir="):
            kept.append(word)
    return kept
