from __future__ import annotations

import msgspec
from container_bench import Bench

from simulator.client.event_ping import EventPingSender
from simulator.client.main_ping import MainPingSender
from simulator.clock import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE

START = 1_639_562_430_123


def infos(bench):
    return [document["payload"]["info"] for _, ping, document in bench.pings() if ping == "main_ping"]


def test_a_run_ends_with_one_main_ping(bench_in_each_dialect):
    bench = bench_in_each_dialect
    main = MainPingSender(bench.session)
    bench.start(START, START + MS_PER_HOUR)
    main.start(START)
    bench.annotations.enrol("exp-a", "control", experiment_type="rollout", enrollment_id=bench.session.uuid())
    main.shutdown(START + MS_PER_HOUR)
    [(due, ping, document)] = bench.pings()
    assert (due, ping) == (START + MS_PER_HOUR, "main_ping")
    info = document["payload"]["info"]
    assert info["reason"] == "shutdown"
    assert (info["sessionLength"], info["subsessionLength"]) == (3_600, 3_600)
    assert (info["subsessionCounter"], info["profileSubsessionCounter"]) == (1, 1)
    assert info["previousSubsessionId"] is None
    assert document["environment"]["experiments"]["exp-a"]["type"] == "nimbus-rollout"


def test_containers_say_which_windows_it_is(profile):
    bench = Bench(msgspec.structs.replace(profile, os="Windows", os_version="6.1"))
    main, glean = MainPingSender(bench.session), bench.glean()
    bench.start(START, START + MS_PER_HOUR)
    main.start(START)
    glean.start(START)
    glean.active(START)
    main.shutdown(START + MS_PER_HOUR)
    (_, _, baseline), (_, _, ping) = bench.pings()
    assert ping["environment"]["system"]["os"] == {"name": "Windows_NT", "version": "6.1"}
    assert (baseline["client_info"]["os"], baseline["client_info"]["os_version"]) == ("Windows", "6.1")


def test_midnight_splits_a_session(bench):
    main = MainPingSender(bench.session)
    ends = START + 2 * MS_PER_DAY
    bench.start(START, ends)
    main.start(START)
    bench.alarm.until(ends)
    main.shutdown(ends)
    offset = bench.installation.profile.utc_offset_ms
    dues = [due for due, _, _ in bench.pings()]
    found = infos(bench)
    assert [info["reason"] for info in found] == ["daily", "daily", "shutdown"]
    assert [(due + offset) % MS_PER_DAY for due in dues[:2]] == [0, 0]
    assert [info["subsessionCounter"] for info in found] == [1, 2, 3]
    assert len({info["subsessionId"] for info in found}) == 3
    assert found[1]["previousSubsessionId"] == found[0]["subsessionId"]
    assert sum(info["subsessionLength"] for info in found) in range(172_797, 172_801)
    assert len({info["sessionId"] for info in found}) == 1


def test_no_midnight_after_the_end_makes_a_ping(bench):
    main = MainPingSender(bench.session)
    tomorrow = START + MS_PER_DAY
    for begins, ends in ((START, START + MS_PER_HOUR), (tomorrow, tomorrow + MS_PER_DAY + MS_PER_HOUR)):
        bench.start(begins, ends)
        main.start(begins)
        bench.alarm.until(ends)
        main.shutdown(ends)
    bench.alarm.until(START + 9 * MS_PER_DAY)
    assert [info["reason"] for info in infos(bench)] == ["shutdown", "daily", "shutdown"]


def test_a_change_of_experiments_ends_a_subsession_of_five_minutes(bench):
    main = MainPingSender(bench.session)
    bench.start(START, START + MS_PER_HOUR)
    main.start(START)
    main.environment_changes(START + 1_000)
    main.environment_changes(START + 5 * MS_PER_MINUTE)
    main.shutdown(START + 6 * MS_PER_MINUTE)
    assert [info["reason"] for info in infos(bench)] == ["environment-change", "shutdown"]


def test_event_pings_name_the_subsession_that_they_are_sent_in(bench):
    main, events = MainPingSender(bench.session), EventPingSender(bench.session)
    for run in range(2):
        at = START + run * MS_PER_HOUR
        bench.start(at, at + 20 * MS_PER_MINUTE)
        main.start(at)
        for minute in (1, 2):
            events.append(at, "dynamic", '"secure.proxy","fxa","authStarted"]')
            events.shutdown(at + minute * MS_PER_MINUTE)
        main.environment_changes(at + 6 * MS_PER_MINUTE)
        events.append(at, "dynamic", '"secure.proxy","fxa","authStarted"]')
        events.shutdown(at + 20 * MS_PER_MINUTE)
        main.shutdown(at + 20 * MS_PER_MINUTE)
    named = [d["payload"]["subsessionId"] for _, ping, d in bench.pings() if ping == "event_ping"]
    first, second, third, fourth = (info["subsessionId"] for info in infos(bench))
    assert named == [first, first, second, third, third, fourth]
    assert len({first, second, third, fourth}) == 4


def test_subsessions_are_counted_over_runs(bench):
    main = MainPingSender(bench.session)
    for run in range(3):
        at = START + run * MS_PER_HOUR
        bench.start(at, at + MS_PER_MINUTE)
        main.start(at)
        main.shutdown(at + MS_PER_MINUTE)
    found = infos(bench)
    assert [info["subsessionCounter"] for info in found] == [1, 1, 1]
    assert [info["profileSubsessionCounter"] for info in found] == [1, 2, 3]
    assert found[2]["previousSubsessionId"] == found[1]["subsessionId"]
    assert len({info["sessionId"] for info in found}) == 3
