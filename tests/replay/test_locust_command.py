"""The plain `locust` command with our locustfile: accounts, workers, signals, refusals."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from replay_rig import LOCUSTFILES, OK, free_port, locust, locust_command, ok, pings_for

from simulator.histogram import unpack
from simulator.records import STATES
from simulator.rundir import read_outcomes, read_run_meta

pytestmark = pytest.mark.slow

PRODUCTION = "incoming.telemetry.mozilla.org"
ACCEPTED = STATES.index("accepted")


@pytest.fixture
def run_dir(tmp_path) -> Path:
    return tmp_path / "run"


def test_every_ping_is_sent_once_and_then_the_run_ends_by_itself(corpus, odd_server, run_dir):
    server = odd_server(ok)
    done = locust(
        "--corpus", corpus(500).path, "--host", server.url, "-u", 8, "-t", "30s", "--run-dir", run_dir
    )
    assert done.returncode == 0, done.stderr
    assert len(server.copies) == 500
    assert set(server.copies.values()) == {1}
    rows = read_outcomes(run_dir)
    assert {row.decode() for row in rows["id"]} == set(server.copies)
    assert (rows["state"] == ACCEPTED).all()
    meta = read_run_meta(run_dir)
    assert (meta.requests, meta.pings, meta.pacing.model) == (500, 500, "max")
    assert unpack(meta.histograms.service.total).count == 500
    assert sum(meta.time_series.requests) == 500
    assert meta.workers[0].requests == 500
    assert not meta.interrupted


def test_locusts_own_numbers_are_whole_and_its_names_bounded(corpus, odd_server, tmp_path):
    def a_third_fails(connection, seen) -> None:
        answer = OK if seen.number % 3 else b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(answer)

    server = odd_server(a_third_fails)
    done = locust(
        *("--corpus", corpus(300).path, "--host", server.url, "-u", 3),
        *("--csv", tmp_path / "c", "--html", tmp_path / "h.html"),
    )
    assert done.returncode == 1  # Locust's own rule: there were failures
    with (tmp_path / "c_stats.csv").open() as file:
        rows = {row["Name"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"topsite_click", "tile_block", "Aggregated"}
    assert rows["Aggregated"]["Request Count"] == "300"
    assert rows["Aggregated"]["Failure Count"] == "100"
    assert rows["topsite_click"]["Request Count"] == "150"
    with (tmp_path / "c_failures.csv").open() as file:
        failures = list(csv.DictReader(file))
    assert {row["Error"] for row in failures} == {"HTTP 500"}
    assert sum(int(row["Occurrences"]) for row in failures) == 100
    assert "topsite_click" in (tmp_path / "h.html").read_text()


def test_the_request_event_fires_for_each_request_when_somebody_listens(corpus, odd_server, tmp_path):
    listener = tmp_path / "listening.py"
    listener.write_text(
        f"import sys; sys.path.insert(0, {str(LOCUSTFILES)!r})\n"
        "from replay import *\n"
        "from locust import events\n"
        "seen = []\n"
        "@events.request.add_listener\n"
        "def note(request_type, name, response_time, response_length, exception, **_):\n"
        "    seen.append((request_type, name, response_time >= 0, exception))\n"
        "@events.quitting.add_listener\n"
        "def tell(**_):\n"
        "    print('SEEN', len(seen), sorted({entry[:3] for entry in seen}))\n"
    )
    server = odd_server(ok)
    done = locust("--corpus", corpus(120).path, "--host", server.url, "-u", 3, file=listener)
    assert "SEEN 120 [('POST', 'tile_block', True), ('POST', 'topsite_click', True)]" in done.stdout
    assert "120" in done.stderr.split("Aggregated")[1]


def test_ending_a_run_does_not_hold_it_up(corpus, odd_server, tmp_path):
    """Locust asks `inspect` who ends a run; it must not begin to look at a thousand modules then."""
    listener = tmp_path / "listening.py"
    listener.write_text(
        f"import sys; sys.path.insert(0, {str(LOCUSTFILES)!r})\n"
        "import inspect\n"
        "from replay import *\n"
        "from locust import events\n"
        "known = []\n"
        "@events.request.add_listener\n"
        "def under_way(**_):\n"
        "    known.append(len(inspect.modulesbyfile))\n"
        "@events.test_stopping.add_listener\n"
        "def ends(**_):\n"
        "    print('KNOWN', known[0], len(inspect.modulesbyfile))\n"
    )
    server = odd_server(ok)
    done = locust(
        *("--corpus", corpus(50).path, "--host", server.url, "-u", 2, "-t", "1s"),
        *("--pace", "rate 100", "--repeat", 0),
        file=listener,
    )
    before, after = map(int, re.findall(r"KNOWN (\d+) (\d+)", done.stdout)[0])
    assert before > after * 0.9


def test_pings_that_the_target_leaves_out_take_nothing_from_the_rate(corpus, odd_server, run_dir):
    """A rate is what goes to the endpoint, however few of the corpus's pings its carrier takes."""
    pings = pings_for(40)
    for number, ping in enumerate(pings):
        if number % 4:
            pings[number] = msgspec.structs.replace(ping, path="/elsewhere/" + ping.id)
    server = odd_server(ok)
    done = locust(
        *("--corpus", corpus(pings=pings).path, "--host", server.url, "-u", 2, "--run-dir", run_dir),
        *("--pace", "rate 50"),
    )
    assert done.returncode == 0, done.stderr
    rows = read_outcomes(run_dir)
    due = np.sort(rows["due"][rows["state"] == ACCEPTED])
    assert len(due) == 10
    assert np.allclose(np.diff(due) / 1e9, 1 / 50)


def test_two_workers_and_one_process_account_for_the_same_pings(corpus, odd_server, tmp_path):
    server = odd_server(ok)
    made = corpus(800)
    accounts = []
    for number, more in enumerate(([], ["--processes", "2"])):
        done = locust(
            *(
                "--corpus",
                made.path,
                "--host",
                server.url,
                "-u",
                6,
                "--run-dir",
                tmp_path / f"r{number}",
                *more,
            )
        )
        assert done.returncode == 0, done.stderr
        rows = np.sort(read_outcomes(tmp_path / f"r{number}"), order="row")
        accounts.append(rows[["id", "state", "row", "round", "attempt", "status"]].tolist())
        meta = read_run_meta(tmp_path / f"r{number}")
        assert (meta.requests, meta.pings) == (800, 800)
        assert unpack(meta.histograms.service.total).count == 800
        assert len(meta.workers) == number + 1
        assert "800" in done.stderr.split("Aggregated")[1].split("\n")[0]
    assert accounts[0] == accounts[1]
    assert set(server.copies.values()) == {2}


def test_master_and_workers_started_apart(corpus, odd_server, tmp_path):
    server = odd_server(ok)
    made, port = corpus(200), free_port()
    shared = ("--corpus", made.path, "--host", server.url)
    master = subprocess.Popen(
        locust_command(*shared, "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port,
                       "--expect-workers", 2, "-u", 4, "--run-dir", tmp_path / "r", "--pace", "rate 400"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILES / "replay.py"), "--worker"]
    command += ["--master-host", "127.0.0.1", "--master-port", str(port)]
    workers = [
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    try:
        output, _ = master.communicate(timeout=60)
        assert master.returncode == 0, output
        assert [worker.wait(20) for worker in workers] == [0, 0]
    finally:
        for process in (master, *workers):
            process.kill()
            process.wait()
    assert set(server.copies.values()) == {1}
    assert len(server.copies) == 200
    meta = read_run_meta(tmp_path / "r")
    assert meta.requests == 200
    assert sorted(worker.index for worker in meta.workers) == [0, 1]


@pytest.mark.parametrize("processes", [0, 2])
def test_ctrl_c_keeps_what_is_done_and_exits_130(processes, corpus, odd_server, run_dir):
    def slow(connection, seen) -> None:
        threading.Event().wait(0.01)
        connection.sendall(OK)

    server = odd_server(slow)
    made = corpus(20_000)
    more = ["--processes", processes] if processes else []
    process = subprocess.Popen(
        locust_command("--corpus", made.path, "--host", server.url, "-u", 4, "--run-dir", run_dir, *more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 30
        while len(server.requests) < 50 and time.monotonic() < deadline:
            threading.Event().wait(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process of the group
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, output
    rows = read_outcomes(run_dir)
    assert len(rows) == 20_000
    assert np.unique(rows["row"]).size == 20_000
    accepted = int((rows["state"] == ACCEPTED).sum())
    assert accepted == len(server.requests)
    meta = read_run_meta(run_dir)
    assert meta.interrupted
    assert meta.requests == accepted


def test_ctrl_c_ends_a_master_that_waits_for_its_workers(corpus, odd_server, run_dir):
    made = corpus(10)
    options = ["--master", "--expect-workers", 2, "--master-bind-port", free_port(), "--loglevel", "DEBUG"]
    process = subprocess.Popen(
        locust_command(
            "--corpus", made.path, "--host", odd_server(lambda *_: None).url, "--run-dir", run_dir, *options
        ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert any("Waiting for workers" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.communicate()


def test_warm_up_is_left_out_of_the_figures_and_kept_in_the_outcomes(corpus, odd_server, run_dir):
    server = odd_server(ok)
    done = locust(
        *("--corpus", corpus(200).path, "--host", server.url, "-u", 4, "--pace", "rate 100"),
        *("--warmup", "1s", "--run-dir", run_dir),
    )
    assert done.returncode == 0
    assert len(read_outcomes(run_dir)) == 200
    meta = read_run_meta(run_dir)
    assert meta.requests == 100  # due at 0 to 1.99 s, of which the first second is left out
    assert meta.measured_from_ns - meta.started_ns == 1_000_000_000


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--host", "http://192.0.2.1"], 2, "--allow-host 192.0.2.1"),
        (["--host", f"https://{PRODUCTION}", "--allow-host", PRODUCTION], 2, "always"),
        (["--host", "http://127.0.0.1:9", "--pace", "quickly"], 2, "--pace"),
        (["--host", "http://127.0.0.1:9", "--target", "ndjsn"], 2, "did you mean ndjson"),
        (["--host", "http://127.0.0.1:9", "--target", "splunk-hec"], 2, "SPLUNK_HEC_TOKEN"),
        (["--host", "http://127.0.0.1:9", "--window", "1s"], 2, "--pace schedule"),
        (["--host", "http://127.0.0.1:9", "--window", "0.5ms", "--pace", "schedule"], 2, "1ms is the least"),
        (["--host", "http://127.0.0.1:9", "--warmup", "soon"], 2, "--warmup: 'soon'"),
        (["--host", "http://127.0.0.1:9", "--batch", "10"], 2, "--batch 10 cannot be"),
        (["--host", "http://127.0.0.1:9", "--processes", "100000"], 2, "100000 processes are too many"),
        (["--host", "http://127.0.0.1:9", "--processes", "two"], 2, "'two' is no number"),
        (["--host", "http://127.0.0.1:9", "--id-salt", "-1"], 2, "--id-salt"),
        ([], 2, "--host is missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_before_the_first_byte(arguments, code, words, corpus):
    done = locust("--corpus", corpus(5).path, *arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "Ramping" not in done.stderr  # the run has not begun


def test_a_corpus_in_the_other_dialect_is_refused_unless_asked_for(corpus, odd_server, tmp_path):
    server = odd_server(ok)
    target = tmp_path / "t.toml"
    target.write_text(
        'name = "t"\ntitle = "t"\ndialect = "documented"\n[[carrier]]\nprefix = "/"\ncontent_type = "text/plain"\n'
    )
    shared = ("--corpus", corpus(5).path, "--host", server.url, "--target", target)
    done = locust(*shared)
    assert done.returncode == 2
    assert "--any-dialect" in done.stderr
    assert server.requests == []
    assert locust(*shared, "--any-dialect").returncode == 0
    assert len(server.requests) == 5


def test_a_corpus_that_is_not_there(odd_server, tmp_path):
    done = locust("--corpus", tmp_path / "none", "--host", odd_server(ok).url)
    assert done.returncode == 2
    assert "no corpus there" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_runs_in_one_directory_are_refused(corpus, odd_server, run_dir):
    server = odd_server(ok)
    arguments = ("--corpus", corpus(5).path, "--host", server.url, "--run-dir", run_dir)
    assert locust(*arguments).returncode == 0
    again = locust(*arguments)
    assert again.returncode == 2
    assert "already holds a run" in again.stderr
    assert len(server.requests) == 5


def test_an_endpoint_that_is_down_is_said_so_with_exit_1_and_outcomes(corpus, run_dir):
    done = locust(
        "--corpus", corpus(9).path, "--host", f"http://127.0.0.1:{free_port()}", "-u", 2, "--run-dir", run_dir
    )
    assert done.returncode == 1
    assert "Connection refused" in done.stderr
    rows = read_outcomes(run_dir)
    assert len(rows) == 9
    assert (rows["state"] == STATES.index("unsent")).all()


def test_secrets_reach_the_endpoint_and_nothing_else(corpus, odd_server, run_dir):
    def quotes(connection, seen) -> None:
        words = b"you sent: " + next(line for line in seen.head.split(b"\r\n") if line.startswith(b"Auth"))
        connection.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n%b" % (len(words), words))

    server = odd_server(quotes)
    done = locust(
        *("--corpus", corpus(20).path, "--host", server.url, "--target", "splunk-hec", "--run-dir", run_dir),
        env={"SPLUNK_HEC_TOKEN": "hunter2-hunter2"},
    )
    assert b"Authorization: Splunk hunter2-hunter2" in server.requests[0].head
    assert "hunter2" not in done.stdout + done.stderr
    assert read_run_meta(run_dir).errors[0].example == "you sent: Authorization: Splunk [secret]"
    for file in run_dir.iterdir():
        assert b"hunter2" not in file.read_bytes()


def test_redirects_are_not_followed_and_proxies_not_asked(corpus, odd_server, run_dir):
    elsewhere = odd_server(ok)

    def redirect(connection, seen) -> None:
        head = f"HTTP/1.1 307 Go\r\nLocation: {elsewhere.url}/x\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head.encode())

    server = odd_server(redirect)
    done = locust(
        *("--corpus", corpus(10).path, "--host", server.url, "--run-dir", run_dir),
        env={"http_proxy": elsewhere.url, "HTTP_PROXY": elsewhere.url, "ALL_PROXY": elsewhere.url},
    )
    assert done.returncode == 1
    assert elsewhere.requests == []
    assert len(server.requests) == 10
    assert (read_outcomes(run_dir)["state"] == STATES.index("failed")).all()


def test_the_generator_can_be_calibrated_first(corpus, odd_server, run_dir):
    server = odd_server(ok)
    done = locust(
        *(
            "--corpus",
            corpus(3000).path,
            "--host",
            server.url,
            "-u",
            4,
            "--calibrate",
            "500ms",
            "--run-dir",
            run_dir,
        )
    )
    assert done.returncode == 0, done.stderr
    calibration = read_run_meta(run_dir).calibration
    assert calibration is not None
    assert calibration.requests_per_s > 0
    assert set(server.copies.values()) == {1}  # the calibration went to its own sink


def test_labels_decide_what_a_right_answer_is(corpus, odd_server, run_dir):
    """The endpoint refuses one valid ping and takes one invalid ping; the other refusal is right."""
    pings = [*pings_for(2), *(ping for ping in pings_for(4, expect="reject", label="wrong_type")[2:])]
    pings += pings_for(5, expect="duplicate", label="duplicate")[4:]
    refuse = {
        pings[0].id,
        pings[2].id,
        pings[4].id,
    }  # refusing a duplicate is as good as taking it in silence

    def judge(connection, seen) -> None:
        connection.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n" if seen.id in refuse else OK)

    done = locust("--corpus", corpus(pings=pings).path, "--host", odd_server(judge).url, "--run-dir", run_dir)
    assert done.returncode == 1
    errors = {error.message: error.count for error in read_run_meta(run_dir).errors}
    assert errors == {
        "HTTP 400: a ping that must be accepted was rejected": 1,
        "HTTP 200: a ping that must be rejected was accepted": 1,
    }


def test_a_load_test_shape_ramps_the_connections(corpus, odd_server, run_dir):
    def slow(connection, seen) -> None:
        threading.Event().wait(0.02)
        connection.sendall(OK)

    server = odd_server(slow)
    files = f"{LOCUSTFILES / 'replay.py'},{LOCUSTFILES / 'ramp.py'}"
    done = locust(
        *("--corpus", corpus(400).path, "--host", server.url, "--lanes", "1..6/3s", "--run-dir", run_dir),
        file=files,  # type: ignore[arg-type]
    )
    assert done.returncode == 0, done.stderr
    assert set(server.copies.values()) == {1}
    assert len(server.copies) == 400
    series = read_run_meta(run_dir).time_series.requests
    assert max(series[1:-1]) > 2 * series[0]  # more lanes, more requests a second


def test_a_worker_that_dies_fails_the_run_and_nothing_is_sent_twice(corpus, odd_server, run_dir):
    import psutil

    def slow(connection, seen) -> None:
        threading.Event().wait(0.01)
        connection.sendall(OK)

    server = odd_server(slow)
    made = corpus(1200)
    process = subprocess.Popen(
        locust_command(
            "--corpus", made.path, "--host", server.url, "-u", 4, "--run-dir", run_dir, "--processes", 2
        ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while len(server.requests) < 100 and time.monotonic() < deadline:
            threading.Event().wait(0.05)
        victim = min(psutil.Process(process.pid).children(), key=lambda child: child.pid)
        victim.kill()
        assert process.wait(60) == 1
    finally:
        process.kill()
        process.wait()
    assert set(server.copies.values()) == {1}
    meta = read_run_meta(run_dir)
    assert any("worker went missing" in error.message for error in meta.errors)
    rows = read_outcomes(run_dir)
    assert np.unique(rows["row"]).size == len(rows) < 1200
    accepted = {row["id"].decode() for row in rows if row["state"] == ACCEPTED}
    assert accepted <= set(server.copies)


A_WORKER_COMES_LATE = """
import sys; sys.path.insert(0, sys.argv[1])
from types import SimpleNamespace as Some
import locust, workers
workers._GRACE_S = 0.0
clients = Some(ready=[Some(id="host_9", state="ready")])
clients.all = clients.ready
told = []
runner = Some(clients=clients, register_message=lambda *_: None,
              send_message=lambda name, data, client_id: told.append((client_id, name)))
control = Some(settle=lambda code: None, collector=None, ending=True, environment=Some())
master = workers.Workers(control, runner)
master.hand_out(None)
late = Some(id="host_1", state="ready")
clients.all = [*clients.ready, late]
class User(locust.User): pass
def dealt():
    dispatcher = control.environment.dispatcher_class(worker_nodes=list(clients.ready), user_classes=[User])
    dispatcher.add_worker(late)
    dispatcher.new_dispatch(1, 100.0)
    return sorted(client for client, users in list(dispatcher)[-1].items() if users["User"])
print(dealt())
master.on_final(Some(node_id="host_9", data={}))
master.stop(0.0)
print(told, dealt())
"""


def test_each_sender_keeps_a_user_and_a_worker_that_comes_too_late_has_none():
    """A sender without a user would never end. Nor is the late one waited for: it has no last words to say."""
    done = subprocess.run(
        [sys.executable, "-c", A_WORKER_COMES_LATE, str(LOCUSTFILES)],
        capture_output=True,
        text=True,
        check=False,
    )
    in_the_next_run = "['host_1', 'host_9']"  # of a single user that was asked for
    assert done.stdout == f"['host_9']\n[('host_9', 'telsim_shard')] {in_the_next_run}\n", done.stderr
    assert done.stderr.count("host_1 joined a run that had begun") == 1


BULK_AGAINST_ONE_BY_ONE = """
import sys; sys.path.insert(0, sys.argv[1])
import locust.env, locust.stats
import numpy as np
from locust_stats import LocustStats
from simulator.randomness import uniforms
locust.stats.time.time = lambda: 1_700_000_000.5
names = ("a", "b")
u = uniforms(np.uint64(4), np.arange(4000, dtype=np.uint64))
took_ns = (u[:2000] ** 4 * 3e10).astype(np.int64) // 10_000 * 10_000
numbers = (u[2000:] > 0.3).astype(np.uint16)
bulk, single = locust.env.Environment(), locust.env.Environment()
sink = LocustStats(bulk, method="POST")
sink.received_bytes = 2000
failed = [(n, "HTTP 500") for n in range(0, 2000, 7)]
done_ns = np.full(2000, 1_700_000_000_500_000_000)
sink.log(names=names, numbers=numbers, took_ns=took_ns, done_ns=done_ns, messages=failed)
for n in range(2000):
    single.stats.log_request("POST", names[numbers[n]], took_ns[n] / 1e6, 1)
    if n % 7 == 0:
        single.stats.log_error("POST", names[numbers[n]], "HTTP 500")
for key in (*single.stats.entries, None):
    one = single.stats.entries[key] if key else single.stats.total
    many = bulk.stats.entries[key] if key else bulk.stats.total
    for field in ("num_requests", "num_failures", "num_reqs_per_sec", "num_fail_per_sec", "response_times",
                  "min_response_time", "max_response_time", "last_request_timestamp"):
        assert getattr(one, field) == getattr(many, field), (key, field, getattr(one, field), getattr(many, field))
    assert abs(one.total_response_time - many.total_response_time) < 1e-3
    assert abs(one.total_content_length - many.total_content_length) <= 2
counts = [{key: error.occurrences for key, error in env.stats.errors.items()} for env in (single, bulk)]
assert counts[0] == counts[1]
print("the same")
"""


def test_logging_in_bulk_is_the_same_as_logging_one_by_one():
    done = subprocess.run(
        [sys.executable, "-c", BULK_AGAINST_ONE_BY_ONE, str(LOCUSTFILES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "the same\n", done.stderr


def test_a_scenario_will_do_in_place_of_a_corpus_and_workers_make_their_own(odd_server, tmp_path):
    from simulator.shipped import shipped_scenarios

    text = shipped_scenarios()["smoke"].read_text(encoding="utf-8")
    scenario = tmp_path / "few people.toml"
    scenario.write_text(re.sub(r"(?m)^clients = \d+", "clients = 10", text), encoding="utf-8")
    server = odd_server(ok)
    digests = []
    for number in range(2):
        done = locust(
            *("--corpus", scenario, "--host", server.url, "-u", 4, "--processes", 2, "--any-dialect"),
            *("--tape-dir", tmp_path / "tapes", "--run-dir", tmp_path / f"r{number}"),
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        meta = read_run_meta(tmp_path / f"r{number}")
        assert meta.requests == meta.corpus.records > 0
        digests.append(meta.corpus.sha256)
    assert digests[0] == digests[1]
    made = [path for path in (tmp_path / "tapes").iterdir() if path.is_dir()]
    assert len(made) == 1  # made once, used by every process of both runs
