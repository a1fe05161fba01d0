"""Plain `locust` with objectives: the verdict of the run decides its exit code, in every mode."""

from __future__ import annotations

import json
import os
import shlex
import signal
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from replay_rig import LOCUSTFILES, OK, free_port, ids_for, locust, locust_command, ok

from simulator.rundir import read_run_meta

pytestmark = pytest.mark.slow

FILES = {"run.json", "summary.json", "report.html", "junit.xml"}


def summary_of(run: Path) -> dict:
    return json.loads((run / "summary.json").read_text())


@pytest.fixture
def run_dir(tmp_path) -> Path:
    return tmp_path / "run"


@pytest.mark.parametrize("mode", [[], ["--processes", 2]])
@pytest.mark.parametrize(("threshold", "code", "said"), [("p99<1us", 1, "FAIL"), ("p99<60s", 0, "PASS")])
def test_an_objective_sets_the_exit_code(mode, threshold, code, said, corpus, odd_server, run_dir):
    done = locust(
        *("--corpus", corpus(200).path, "--host", odd_server(ok).url, "--run-dir", run_dir, *mode),
        *("--threshold", threshold),
    )
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"{said}: ")  # the last word
    assert {path.name for path in run_dir.iterdir()} >= FILES
    summary = summary_of(run_dir)
    assert summary["verdict"] == said.lower()
    assert [result["text"] for result in summary["thresholds"] if not result["default"]] == [threshold]
    assert "Traceback" not in done.stderr


def test_a_share_of_errors_may_be_allowed_although_locust_counts_failures(corpus, odd_server, run_dir):
    def a_third_fails(connection, seen) -> None:
        connection.sendall(OK if seen.number % 3 else b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")

    arguments = ("--corpus", corpus(90).path, "--host", odd_server(a_third_fails).url, "-u", 1)
    assert locust(*arguments).returncode == 1  # Locust's own rule
    allowed = locust(*arguments, "--run-dir", run_dir, "--threshold", "errors<50%", "--ledger", "none")
    assert allowed.returncode == 0, allowed.stdout
    assert summary_of(run_dir)["failed"] == 30


def test_a_run_that_is_judged_always_has_a_directory(corpus, odd_server, tmp_path):
    made = corpus(20)
    arguments = ("--corpus", made.path, "--host", odd_server(ok).url)
    for _ in range(2):
        assert locust(*arguments, "--threshold", "p99<60s", cwd=tmp_path).returncode == 0
    assert locust(*arguments, cwd=tmp_path).returncode == 0  # not judged: as before, none
    runs = {path.name for path in (tmp_path / "runs").iterdir()}
    assert runs == {f"{made.path.name}-1", f"{made.path.name}-2"}


def test_what_the_endpoint_stored_is_asked_for_after_the_run(corpus, odd_server, run_dir, tmp_path):
    """One of twenty acknowledged pings is not in the store."""
    stored = tmp_path / "stored.ndjson"
    stored.write_text("\n".join(ids_for(20)[1:]), encoding="utf-8")
    done = locust(
        *(
            "--corpus",
            corpus(20).path,
            "--host",
            odd_server(ok).url,
            "--run-dir",
            run_dir,
            "--ledger",
            stored,
        ),
    )
    assert done.returncode == 1
    assert summary_of(run_dir)["lost"] == 1
    assert "lost==0" in done.stdout.splitlines()[-1]


def test_a_ledger_file_that_is_not_there_is_told_before_the_run_and_fails_it_after(
    corpus, odd_server, run_dir
):
    done = locust(
        *("--corpus", corpus(20).path, "--host", odd_server(ok).url),
        *("--run-dir", run_dir, "--ledger", "mistyped.ndjson"),
    )
    assert done.returncode == 2
    early, late = done.stderr.index("there is no such file yet"), done.stderr.index("is no file, no http")
    assert early < late


def test_a_metric_of_the_server_may_be_an_objective(corpus, odd_server, tmp_path):
    def with_metrics(connection, seen) -> None:
        text = b'queue_depth{queue="a"} 4\nqueue_depth{queue="b"} 5\n' if seen.id == "metrics" else b""
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))

    server = odd_server(with_metrics)
    for number, (limit, code) in enumerate([("9", 0), ("8", 1)]):
        done = locust(
            *("--corpus", corpus(20).path, "--host", server.url, "--run-dir", tmp_path / f"r{number}"),
            *("--threshold", f"metric:queue_depth<={limit}"),
        )
        assert done.returncode == code, done.stdout + done.stderr
    again = locust(
        *("--corpus", corpus(20).path, "--host", server.url, "--run-dir", tmp_path / "r2"),
        *("--threshold", "metric:queue_depth<9", "--metrics-url", f"http://127.0.0.1:{free_port()}/m"),
    )
    assert again.returncode == 1
    assert "no metrics at" in again.stderr
    assert "telsim report" in again.stderr  # how to have it judged later


def test_what_to_type_later_judges_by_the_same_rules(corpus, odd_server, run_dir, tmp_path):
    (tmp_path / "my target.toml").write_text(
        'name = "mine"\ntitle = "t"\n[[carrier]]\nprefix = "/submit/"\ncontent_type = "application/json"\n'
        "[answers]\nvalidates = false\n"
    )
    replayed = corpus(5, expect="reject", label="wrong_type").path
    done = locust(
        *("--corpus", replayed, "--host", odd_server(ok).url, "--run-dir", run_dir),
        *("--target", tmp_path / "my target.toml", "--threshold", "p99<60s", "--threshold", "rejected==0"),
        *("--ledger", f"http://127.0.0.1:{free_port()}"),
    )
    assert done.returncode == 1
    later = shlex.split(done.stderr.partition("judge it with ")[2].splitlines()[0])
    assert later[:2] == ["telsim", "report"]
    for words in (later[2:], [str(run_dir), "--corpus", str(replayed)]):
        judged = subprocess.run(
            [sys.executable, "-m", "simulator", "report", *words], capture_output=True, check=False
        )
        assert judged.returncode == 0, judged.stderr
        thresholds = [result["text"] for result in summary_of(run_dir)["thresholds"] if not result["default"]]
        assert thresholds == ["p99<60s", "rejected==0"]


@pytest.mark.parametrize("mode", [[], ["--processes", 2]])
@pytest.mark.parametrize("text", ["p99<soon", "eror<1%", "p99"])
def test_an_objective_that_cannot_be_read_is_refused_in_one_line(mode, text, corpus, odd_server, run_dir):
    server = odd_server(ok)
    done = locust(
        *("--corpus", corpus(5).path, "--host", server.url, "--run-dir", run_dir, *mode),
        *("--threshold", text),
    )
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if "INFO" not in line]
    assert len(errors) == 1, errors
    assert repr(text) in errors[0]
    assert server.requests == []
    assert not run_dir.exists()


def test_fewer_users_than_workers_are_refused(corpus, odd_server):
    """The worker without a connection would keep its part to itself, and the run would never end."""
    server = odd_server(ok)
    done = locust("--corpus", corpus(5).path, "--host", server.url, "--processes", 2, "-u", 1)
    assert done.returncode == 2
    assert "-u 2 or more" in done.stderr
    assert server.requests == []


ANOTHER_MACHINE = f"""
import sys; sys.path.insert(0, {str(LOCUSTFILES)!r})
import control
control.is_shared = lambda run_dir, marker: False
from replay import *
"""


@pytest.mark.parametrize("machine", ["the same", "another"])
def test_the_master_judges_what_workers_in_other_places_sent(machine, corpus, odd_server, tmp_path):
    made, port = corpus(5_000), free_port()
    (tmp_path / "elsewhere").mkdir()
    far = tmp_path / "far.py"
    far.write_text(ANOTHER_MACHINE)
    file = LOCUSTFILES / "replay.py" if machine == "the same" else far
    command = [sys.executable, "-m", "locust", "-f", str(file), "--worker"]
    command += ["--master-host", "127.0.0.1", "--master-port", str(port)]
    workers = [
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=tmp_path / "elsewhere",
            env={**os.environ, "TMPDIR": str(tmp_path / "elsewhere")},
        )
        for _ in range(2)
    ]
    try:
        master = locust(
            *("--corpus", made.path, "--host", odd_server(ok).url, "--master", "--expect-workers", 2),
            *("--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--run-dir", "run"),
            *("--threshold", "p99<1us", "--threshold", "unsent==0"),
            cwd=tmp_path,
        )
        assert [worker.wait(20) for worker in workers] == [0, 0]
    finally:
        for process in workers:
            process.kill()
            process.wait()
    assert master.returncode == 1, master.stderr
    summary = summary_of(tmp_path / "run")
    assert summary["accepted"] == 5_000
    assert summary["reasons"] == [reason for reason in summary["reasons"] if reason.startswith("p99<1us")]
    assert list((tmp_path / "elsewhere").iterdir()) == []
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert files == FILES | {"outcomes-0000.npy", "outcomes-0001.npy"}


@pytest.mark.parametrize("ends", ["with the corpus", "with the shape"])
def test_a_run_with_a_shape_is_judged_once_and_without_a_fuss(ends, corpus, odd_server, run_dir, tmp_path):
    shape = tmp_path / "shape.py"
    shape.write_text(
        "from locust import LoadTestShape\n"
        "class Two(LoadTestShape):\n"
        "    def tick(self):\n"
        "        return (2, 10) if self.get_run_time() < 3 else None\n"
    )
    repeat = 0 if ends == "with the shape" else 1
    done = locust(
        *("--corpus", corpus(200).path, "--host", odd_server(ok).url, "--run-dir", run_dir),
        *("--threshold", "p99<1us", "--repeat", repeat),
        file=f"{LOCUSTFILES / 'replay.py'},{shape}",
    )
    assert done.returncode == 1
    assert "FAIL: p99<1us" in done.stdout
    assert "Traceback" not in done.stderr
    assert "will be ignored" not in done.stderr  # our defaults are nothing that the user asked for


def test_a_ramp_that_is_none_is_refused(corpus, odd_server):
    done = locust(
        *("--corpus", corpus(5).path, "--host", odd_server(ok).url, "--lanes", "many"),
        file=f"{LOCUSTFILES / 'replay.py'},{LOCUSTFILES / 'ramp.py'}",
    )
    assert done.returncode == 2
    assert "1..64/30s" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_judged_run_that_is_terminated_does_not_pass(corpus, odd_server, run_dir):
    def slow(connection, seen) -> None:
        threading.Event().wait(0.01)
        connection.sendall(OK)

    server = odd_server(slow)
    words = ("--corpus", corpus(20_000).path, "--host", server.url, "--run-dir", run_dir)
    process = subprocess.Popen(
        locust_command(*words, "--threshold", "p99<60s"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until(lambda: len(server.requests) > 50)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.wait()
    assert read_run_meta(run_dir).interrupted


@pytest.mark.parametrize("reachable", [True, False])
def test_credentials_in_an_address_are_not_written_down(reachable, corpus, odd_server, run_dir):
    server = odd_server(keeps_a_ledger)
    place = f"http://me:hunter2@127.0.0.1:{server.port if reachable else free_port()}"
    done = locust(
        *("--corpus", corpus(5).path, "--host", server.url, "--run-dir", run_dir),
        *("--ledger", f"{place}/ledger?token=hunter3", "--metrics-url", f"{place}/metrics?token=hunter3"),
        *("--threshold", "metric:depth==4"),
    )
    assert done.returncode == (0 if reachable else 1), done.stdout + done.stderr
    assert "hunter" not in done.stdout + done.stderr
    for file in run_dir.iterdir():
        assert b"hunter" not in file.read_bytes(), file.name


@pytest.mark.parametrize(("validates", "code"), [("true", 1), ("false", 0)])
def test_who_does_not_validate_may_take_invalid_pings(validates, code, corpus, odd_server, run_dir, tmp_path):
    target = tmp_path / "mine.toml"
    target.write_text(
        'name = "mine"\ntitle = "t"\n[[carrier]]\nprefix = "/submit/"\ncontent_type = "application/json"\n'
        f"[answers]\nvalidates = {validates}\n"
    )
    done = locust(
        *("--corpus", corpus(5, expect="reject", label="wrong_type").path, "--host", odd_server(ok).url),
        *("--run-dir", run_dir, "--target", target, "--threshold", "p99<60s"),
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert summary_of(run_dir)["wrongly_accepted"] == 5 * code


def test_ledger_and_metrics_are_asked_for_with_the_targets_own_tls(corpus, odd_server, run_dir, tmp_path):
    certificates = Path(__file__).with_name("certificates")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates / "ca.pem")
    target = tmp_path / "mine.toml"
    target.write_text(
        'name = "mine"\ntitle = "t"\n[[carrier]]\nprefix = "/submit/"\ncontent_type = "application/json"\n'
        f'[tls]\nca_file = "{certificates}/ca.pem"\n'
        f'client_cert = "{certificates}/client.pem"\nclient_key = "{certificates}/client.key"\n'
    )
    server = odd_server(keeps_a_ledger, tls=context)
    done = locust(
        *("--corpus", corpus(5).path, "--host", server.url, "--run-dir", run_dir, "--target", target),
        *("--threshold", "metric:depth==4"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = summary_of(run_dir)
    assert (summary["accepted"], summary["lost"], summary["ledger"]) == (5, 0, server.url)


def keeps_a_ledger(connection, seen) -> None:
    """Takes everything, and says that it has stored the first five pings."""
    texts = {
        "ledger": b'{"accepted": 5}',
        "entries": b"".join(b'{"id": "%b"}\n' % id_.encode() for id_ in ids_for(5)),
        "metrics": b"depth 4\n",
    }
    text = texts.get(seen.id.partition("?")[0], b"")
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))


def _wait_until(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        threading.Event().wait(0.1)


def test_the_page_shows_the_verdict_of_each_run_and_a_bad_one_is_remembered(corpus, odd_server, tmp_path):
    server, port = odd_server(ok), free_port()
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILES / "replay.py")]
    command += ["--web-host", "127.0.0.1", "--web-port", str(port), "--corpus", str(corpus(300).path)]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [*command, "--host", server.url],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        start_new_session=True,
    )

    def figures() -> dict:
        return httpx.get(f"{url}/stats/requests", trust_env=False).json()

    def verdict() -> list[dict]:
        tables = {table["key"]: table["data"] for table in figures()["extended_stats"]}
        return tables["telsim-verdict"]

    def start(**form: str) -> None:
        data = {"user_count": "4", "spawn_rate": "100", "host": server.url, "pace": "rate 200", **form}
        assert httpx.post(f"{url}/swarm", data=data, trust_env=False).json()["success"]

    def run(**form: str) -> list[dict]:
        """The tab's rows at the moment at which the page stops asking for figures."""
        start(**form)
        _wait_until(lambda: figures()["state"] in ("spawning", "running"))
        _wait_until(lambda: figures()["state"] == "stopped")
        return verdict()

    try:
        _wait_until(lambda: _answers(url))
        assert verdict() == []
        good = run(threshold="p99<60s,unsent==0", run_dir="mine", ledger="none")
        assert good[0]["measured"].startswith("PASS")
        assert good[1]["objective"] == "p99<60s"
        bad = run(threshold="p99<1us", run_dir="mine", ledger="")
        assert (bad[0]["measured"].split(":")[0], bad[1]["holds"]) == ("FAIL", "no")
        assert run(threshold="p99<60s", run_dir="mine")[0]["measured"].startswith("PASS")
        start(threshold="p99<soon", run_dir="mine")
        _wait_until(lambda: verdict()[0]["objective"] == "the run was refused")
        assert "start with a threshold" in run(threshold="", run_dir="")[0]["objective"]
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 1  # one of the runs failed, and nothing was interrupted
    finally:
        process.kill()
        process.wait()
    runs = sorted(path.name for path in tmp_path.iterdir() if (path / "summary.json").exists())
    assert runs == ["mine", "mine-2", "mine-3"]


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def test_the_locustfile_prints_its_own_options():
    """Locust's help does not show them."""
    done = subprocess.run(
        [sys.executable, str(LOCUSTFILES / "replay.py")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert {"--corpus", "--threshold", "--ledger"} <= set(done.stdout.split())
    assert "my_test.py" not in done.stdout
