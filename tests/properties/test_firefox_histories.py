"""A client's history depends on scenario, seed and number alone; dialects, company and delays do not change it."""

from __future__ import annotations

from collections import Counter

import pytest
from firefox_run import Run, Sent, shipped_run
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.records import DIALECTS, Dialect
from simulator.scenario import load_scenario
from simulator.scenario.browsing import Clock, Delivery

#: Sent in one dialect only: records of events that travel inside the event ping on the wire, the block of a story.
_ONE_DIALECT = {"attribute_error", "attribute_timeout", "experiment_reach", "event_ping", "glean_events_ping"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["newtab-day", "message-storm", "first-run-onboarding"])
def test_both_dialects_tell_one_history(name: str) -> None:
    def told(dialect: Dialect) -> list[tuple[int, int, str]]:
        return [
            (sent.due_ms, sent.client, sent.ping)
            for sent in shipped_run(name, 40, dialect).sent
            if sent.ping not in _ONE_DIALECT
            and not (sent.ping == "tile_block" and sent.document["source"] == "CARDGRID")
            and sent.document.get("event") != "DISMISS"
        ]

    documented, wire = told("documented"), told("wire")
    assert documented == wire
    assert documented


@settings(max_examples=8, deadline=None)
@given(few=st.integers(1, 12), more=st.integers(1, 12), seed=st.integers(0, 2**40))
def test_more_clients_change_nobodys_history(few: int, more: int, seed: int) -> None:
    scenario, _ = load_scenario("smoke")

    def history(clients: int) -> list[Sent]:
        chosen = scenario.model_copy(update={"clients": clients, "seed": seed})
        sent = [sent for sent in Run(chosen, "wire").sent if sent.client < few]
        return sorted(sent, key=lambda ping: ping.client)

    assert history(few) == history(few + more)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_late_ping_keeps_the_times_of_what_it_tells(dialect: Dialect) -> None:
    scenario, _ = load_scenario("smoke")
    few = scenario.model_copy(update={"clients": 40})
    late = few.model_copy(update={"delivery": Delivery(next_start=0.10, later=0.05)})
    on_time, delayed = Run(few, dialect), Run(late, dialect)
    bodies = Counter((sent.client, sent.text) for sent in on_time.sent)
    assert not Counter((sent.client, sent.text) for sent in delayed.sent) - bodies
    due = {sent.text: sent.due_ms for sent in on_time.of("newtab_session")}
    delays = [sent.due_ms - due[sent.text] for sent in delayed.of("newtab_session")]
    assert min(delays) == 0
    assert sum(delay > 0 for delay in delays) / len(delays) == pytest.approx(0.12, abs=0.06)
    assert max(delays) > 2 * 86_400_000


def test_a_wrong_clock_moves_the_payloads_times_and_nothing_else() -> None:
    scenario, _ = load_scenario("newtab-day")
    right = scenario.model_copy(update={"clients": 60})
    wrong = right.model_copy(update={"clock": Clock(wrong=0.5)})
    moved = 0
    runs = Run(right, "wire"), Run(wrong, "wire")
    for first, second in zip(*(run.of("newtab_session") for run in runs), strict=True):
        assert (first.due_ms, first.client) == (second.due_ms, second.client)
        skew = runs[1].profiles[second.client].clock_skew_ms
        perf, skewed = first.document["perf"], second.document["perf"]
        assert skewed["visibility_event_rcvd_ts"] == perf["visibility_event_rcvd_ts"] + skew
        assert (skewed["load_trigger_ts"] == -1) == (perf["load_trigger_ts"] == -1)
        assert first.document["session_duration"] == second.document["session_duration"]
        moved += skew != 0
    assert moved
    wrong_clocks = sum(profile.clock_skew_ms != 0 for profile in runs[1].profiles)
    assert wrong_clocks / 60 == pytest.approx(0.5, abs=0.25)
