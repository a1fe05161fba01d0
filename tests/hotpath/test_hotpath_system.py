"""hotpath, capacity and compare from the command line, against servers on loopback."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ENV = {key: value for key, value in os.environ.items() if key != "GITHUB_STEP_SUMMARY"} | {
    "PYTHONPATH": str(ROOT)
}


def telsim(*words, cwd):
    return subprocess.run(
        [sys.executable, "-m", "simulator", *map(str, words)],
        cwd=cwd,
        env=ENV,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    directory = tmp_path_factory.mktemp("hotpath-system")
    made = telsim(
        "generate", "smoke", "--out", "corpus", "--dialect", "wire", "--clients", "60", cwd=directory
    )
    assert made.returncode == 0, made.stderr
    return directory / "corpus"


@pytest.fixture
def endpoint(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "serve", "--port", "0", "--dialect", "wire", "--no-payloads"],
        cwd=tmp_path,
        env=ENV,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        line = next(line for line in process.stdout if "listening on" in line)
        yield re.search(r"http://\S+", line)[0]
        process.terminate()
        process.wait(timeout=20)


def test_the_hot_path_of_the_embedded_endpoint(corpus, endpoint, tmp_path):
    done = telsim(
        *("hotpath", corpus, "--host", endpoint, "--seconds", 1, "--batches", "1,10,100"),
        *("--contrast-batch", 50, "--json"),
        cwd=tmp_path,
    )
    assert done.returncode in (0, 3), done.stderr
    found = json.loads(done.stdout)
    assert found == json.loads((tmp_path / "hotpath" / "hotpath.json").read_text())
    assert [point["kind"] for point in found["points"]] == ["batch"] * 3 + ["validity"] * 4 + ["gzip"] * 2
    assert all(point["wrong"] == 0 and point["errors"] == 0 for point in found["points"])
    assert found["fit"]["points"] == 3
    assert {"parse", "validate", "store"} <= set(found["stage_fits"])
    assert any(name.startswith("telsim_pings_total") for name in found["points"][0]["server"])
    on, off = (
        next(p for p in found["points"] if p["kind"] == "gzip" and p["gzip"] is g) for g in (True, False)
    )
    assert on["bytes_per_ping"] < off["bytes_per_ping"] / 2
    assert "Where the time goes" in (tmp_path / "hotpath" / "hotpath.html").read_text()


@pytest.fixture
def exporter():
    """Metrics that are served by something else than the endpoint."""

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"queue_depth 3\n")

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Metrics) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/of/the/queue"
        server.shutdown()


def test_the_capacity_of_the_embedded_endpoint(corpus, endpoint, exporter, tmp_path):
    slo = "p50<20s,errors<1%,metric:queue_depth<4"
    done = telsim(
        *("capacity", corpus, "--host", endpoint, "--slo", slo, "--metrics-url", exporter, "--start", 10),
        *("--highest", 20, "--seconds", 2, "--hold", 3, "--lanes", 16, "--json"),
        cwd=tmp_path,
    )
    # How much the machine can do at this moment is not for a test to know; the search must end with a held rate.
    assert done.returncode in (0, 3), done.stderr
    found = json.loads(done.stdout)
    assert 1 <= found["rate"] <= 20
    assert found["slo"] == ["p50<20s", "errors<1%", "metric:queue_depth<4"]
    last = found["steps"][-1]
    assert (last["ok"], last["rate"]) == (True, found["rate"])
    assert last["achieved"] == pytest.approx(last["rate"], rel=0.3)
    assert (tmp_path / "capacity" / "capacity.html").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("hotpath", "CORPUS", "--host", "http://192.0.2.1"), 2, "allow-host"),
        (("hotpath", "CORPUS", "--host", "http://127.0.0.1:1", "--batches", "1,x"), 2, "--batches"),
        (("hotpath", "CORPUS", "--host", "http://127.0.0.1:1", "--seconds", "1"), 1, "127.0.0.1:1"),
        (("hotpath", "CORPUS", "--host", "http://127.0.0.1:1", "--target", "ndjsn"), 2, "mean ndjson"),
        (
            ("hotpath", "CORPUS", "--host", "http://127.0.0.1:1", "--metrics-url", "http://127.0.0.1:9/m"),
            1,
            "127.0.0.1:9/m",
        ),
        (("hotpath", "nowhere", "--host", "http://127.0.0.1:1"), 2, "nowhere"),
        (("capacity", "CORPUS", "--host", "http://192.0.2.1"), 2, "allow-host"),
        (
            ("capacity", "CORPUS", "--host", "http://127.0.0.1:1", "--batch", "9"),
            2,
            "refused: target structured",
        ),
        (("capacity", "CORPUS", "--host", "http://127.0.0.1:1", "--slo", "p99<fast"), 2, "p99<fast"),
    ],
)
def test_what_cannot_be_measured_is_explained(corpus, tmp_path, words, code, said):
    done = telsim(*(corpus if word == "CORPUS" else word for word in words), cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_endpoint_without_batches_is_measured_one_ping_at_a_time(corpus, slow_server, tmp_path):
    done = telsim(
        *(
            "hotpath",
            corpus,
            "--host",
            f"http://127.0.0.1:{slow_server.server_port}",
            "--target",
            "structured",
        ),
        *("--seconds", 1, "--no-contrasts", "--lanes", 2, "--json"),
        cwd=tmp_path,
    )
    assert done.returncode in (0, 3), done.stderr
    assert "one ping a request" in done.stderr
    found = json.loads(done.stdout)
    assert [point["batch"] for point in found["points"]] == [1]
    assert found["fit"] is None


class _Slow(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    delay_s = 0.0

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.server.delay_s)  # this is the work that the server pretends to do
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_PUT(self):
        self.do_POST()

    def log_message(self, *args):
        pass


@pytest.fixture
def slow_server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def replayed(server, corpus, name, cwd):
    host = f"http://127.0.0.1:{server.server_port}"
    done = telsim(
        *("replay", corpus, "--host", host, "--target", "structured", "--run-dir", name, "--ledger", "none"),
        *("-u", 4, "--repeat", 0, "-t", "5s", "--warmup", "1s", "--any-dialect", "--allow-generator-bound"),
        cwd=cwd,
    )
    assert (cwd / name / "summary.json").exists(), done.stderr
    return name


def test_compare_tells_a_slower_server_from_noise(corpus, slow_server, tmp_path):
    slow_server.delay_s = 0.05
    base, again = (replayed(slow_server, corpus, name, tmp_path) for name in ("base", "again"))
    slow_server.delay_s = 0.06
    slow = replayed(slow_server, corpus, "slow", tmp_path)
    same = telsim("compare", base, again, "--tolerance", "10%", "--json", cwd=tmp_path)
    assert (same.returncode, json.loads(same.stdout)["verdict"]) == (0, "same"), same.stdout
    worse = telsim("compare", base, slow, "--tolerance", "10%", "--json", cwd=tmp_path)
    assert (worse.returncode, json.loads(worse.stdout)["verdict"]) == (1, "worse"), worse.stdout
    changes = {change["metric"]: change for change in json.loads(worse.stdout)["changes"]}
    assert changes["p50"]["judgement"] == "worse"
    assert telsim("compare", base, slow, "--tolerance", "60%", cwd=tmp_path).returncode == 0
