"""How reports say things: the same words on the terminal, in Markdown, JUnit and HTML."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.reconcile.summary import Latency, Summary, measured
from simulator.rundir import RunMeta
from simulator.thresholds import ThresholdResult

HEADLINES = {
    "pass": "PASS",
    "fail": "FAIL",
    "generator-bound": "GENERATOR-BOUND",
    "interrupted": "INTERRUPTED",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: a name, a value, and what it means. `bad` marks what speaks against the run."""

    name: str
    value: str
    meaning: str
    bad: bool = False


def count(number: int | None) -> str:
    """A number of pings, with thin groups; a dash where it was not measured."""
    return "-" if number is None else f"{number:,}".replace(",", " ")


def rate(per_s: float) -> str:
    """A rate, rounded so that it stays readable."""
    return f"{per_s:,.0f}".replace(",", " ") if per_s >= 100 else f"{per_s:.3g}"


def duration(seconds: float) -> str:
    """How long something lasted."""
    return f"{short(seconds)} s"


def share(part: float) -> str:
    """A share of one as a percentage: what is not zero never reads as zero."""
    if not part:
        return "0"
    return f"{part:.2%}" if part >= 0.0001 else f"{part * 100:.1g}%"


def size(octets: float) -> str:
    """Bytes in decimal units."""
    for unit in ("B", "kB", "MB", "GB"):
        if octets < 1000:
            return f"{octets:.3g} {unit}" if octets < 100 else f"{octets:.0f} {unit}"
        octets /= 1000
    return f"{octets:.3g} TB"


def milliseconds(ms: float) -> str:
    """A duration given in milliseconds, with three significant digits, in the unit that suits it."""
    if ms >= 10_000:
        return f"{short(ms / 1000)} s"
    return f"{short(ms * 1000)} µs" if 0 < ms < 0.1 else f"{short(ms)} ms"


def short(value: float) -> str:
    """Three significant digits, never with an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}" if abs(value) >= 0.001 or not value else f"{value:.3f}"


def headline(summary: Summary) -> str:
    """The verdict in one line."""
    if summary.verdict == "pass":
        measured = f"measured for {duration(summary.window_s)}"
        return f"{HEADLINES[summary.verdict]}: {accounted(summary)}; {measured}"
    return f"{HEADLINES[summary.verdict]}: {'; '.join(summary.reasons)}"


def accounted(summary: Summary) -> str:
    """What a run that passed accounts for. Pings that were never sent say nothing of the endpoint."""
    pings = f"{count(summary.pings)} pings"
    if summary.unsent:
        pings = f"{count(summary.sent)} of {pings} sent"
    return f"{pings}, every one accounted for"


def fate_lines(summary: Summary) -> list[Line]:
    """What was sent and what became of it."""
    s = summary
    lines = [
        Line("pings", count(s.pings), "in the corpus, once for each round"),
        Line("sent", count(s.sent), ""),
        Line("accepted", count(s.accepted), "the endpoint answered that it took them"),
        Line("rejected", count(s.rejected), "the endpoint answered that it refused them"),
        Line("failed", count(s.failed), "no connection, or an answer that is an error", bad=s.failed > 0),
        Line("unknown", count(s.unknown), "sent, and no answer tells their fate", bad=s.unknown > 0),
        Line("unsent", count(s.unsent), "not reached before the end"),
        Line("lost", count(s.lost), "accepted, but not in the ledger", bad=bool(s.lost)),
        Line("duplicated", count(s.duplicated), _causes(s), bad=bool(s.duplicated)),
        Line("wrongly accepted", count(s.wrongly_accepted), "invalid, yet taken", bad=s.wrongly_accepted > 0),
        Line("wrongly rejected", count(s.wrongly_rejected), "valid, yet refused", bad=s.wrongly_rejected > 0),
    ]
    if s.tried_again:
        lines.insert(2, Line("tried again", count(s.tried_again), "of these, with more than one try"))
    if s.stored_though_rejected:
        meaning = "refused, yet in the ledger"
        lines.append(Line("stored though rejected", count(s.stored_though_rejected), meaning, bad=True))
    if s.stored_unacknowledged:
        meaning = "failed or unknown to us, yet in the ledger"
        lines.append(Line("stored unacknowledged", count(s.stored_unacknowledged), meaning))
    return lines


def _causes(summary: Summary) -> str:
    found = summary.duplicates
    if found is None:
        return "stored more than once (no ledger to tell)"
    if not summary.duplicated:
        noticed = f"; {count(found.noticed)} copies noticed in time" if found.noticed else ""
        return f"stored more than once{noticed}"
    return f"by retries {found.by_retry}, by the corpus {found.by_corpus}, unexplained {found.unexplained}"


def speed_lines(summary: Summary, meta: RunMeta) -> list[Line]:
    """Rates, latencies and what was the limit."""
    s = summary
    lines = [
        Line(
            "requests/s",
            rate(s.requests_per_s),
            f"{count(s.requests)} requests, batch size {meta.batch_size}",
        ),
        Line("pings/s", rate(s.pings_per_s), ""),
        Line("bytes/s", size(s.bytes_per_s), ""),
        Line("latency", percentiles(s.latency_ms), "p50, p90, p99, max; from the real send"),
    ]
    if meta.pacing.open_loop:
        lines.append(Line("corrected", percentiles(s.corrected_latency_ms), "the same from the due time"))
        late = f"{count(s.late_starts)} late starts, {count(s.never_started)} never started"
        lines.append(Line("lateness", percentiles(s.lateness_ms), late, bad=s.never_started > 0))
    if s.in_flight_at_end:
        lines.append(Line("in flight at end", count(s.in_flight_at_end), "requests without an answer"))
    for name, stage in s.stages.items():
        lines.append(Line(f"stage {name}", milliseconds(stage.mean_ms), "a request, as the endpoint says"))
    lines.append(Line("bound by", s.bound, s.bound_reason, bad=s.bound == "generator"))
    return lines


def percentiles(latency: Latency) -> str:
    """The usual four statistics in one cell; a dash where nothing was measured."""
    if not latency.max:
        return "-"
    return " / ".join(map(short, (latency.p50, latency.p90, latency.p99, latency.max))) + " ms"


def threshold_line(result: ThresholdResult) -> Line:
    """One objective and what became of it."""
    verdict = {True: "holds", False: "BROKEN", None: "not judged"}[result.ok]
    return Line(result.text, measured(result), verdict, bad=result.ok is False)
