"""The endpoint as a child process, as smoke runs use it."""

import os
import subprocess
import sys
import textwrap

import httpx
import pytest
from endpoint_kit import GOOD, click

from simulator.endpoint import EndpointProcess, Settings
from simulator.errors import EndpointError

pytestmark = pytest.mark.slow


def test_it_has_a_url_and_a_store_and_ends_when_told(schema_directory, tmp_path):
    child = EndpointProcess(Settings(schemas=str(schema_directory), store=str(tmp_path / "s"))).start()
    assert httpx.post(child.url + click(1), json=GOOD).status_code == 200
    assert child.store == tmp_path / "s"
    assert child.stop() == 0
    with pytest.raises(EndpointError, match="not running"):
        child.stop()


def test_the_store_it_chose_is_known(schema_directory):
    with EndpointProcess(Settings(schemas=str(schema_directory))) as child:
        assert child.store.is_file()


def test_the_terminals_ctrl_c_is_for_its_parent_alone(schema_directory):
    with EndpointProcess(Settings(schemas=str(schema_directory))) as child:
        assert os.getpgid(child.pid) != os.getpgid(0)


def test_its_exit_code_after_a_kill_is_the_signal(schema_directory):
    child = EndpointProcess(Settings(schemas=str(schema_directory))).start()
    assert child.kill() == -9


def test_what_stops_it_from_starting_is_told(tmp_path):
    with pytest.raises(EndpointError, match="not a directory of schemas"):
        EndpointProcess(Settings(schemas=str(tmp_path / "none"))).start()


def test_it_does_not_outlive_its_parent(schema_directory):
    program = textwrap.dedent(
        """
        import os, sys
        from simulator.endpoint import EndpointProcess, Settings
        child = EndpointProcess(Settings(schemas=sys.argv[1])).start()
        print(child.url, flush=True)
        os.kill(os.getpid(), 9)
        """
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(schema_directory)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    url = ran.stdout.strip()
    assert url.startswith("http://127.0.0.1:")
    with httpx.Client() as http:
        while True:  # it goes within moments; the test's own patience is the limit
            try:
                http.get(url + "/__lbheartbeat__", timeout=10)
            except httpx.TransportError:
                break
