"""The real Glean SDK (version 52, of the specification's time) sends to the endpoint, which takes all of it."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from simulator.endpoint import EndpointProcess, Settings
from simulator.endpoint.stored import read_pings

pytestmark = pytest.mark.skipif(importlib.util.find_spec("glean") is None, reason="needs glean-sdk")


@pytest.mark.slow
def test_what_the_real_client_sends_is_accepted(tmp_path):
    with EndpointProcess(Settings(schemas="wire")) as endpoint:
        program = Path(__file__).with_name("real_glean_client.py")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GLEAN_")}
        ran = subprocess.run(
            [sys.executable, str(program), endpoint.url, str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment,
        )
        assert ran.returncode == 0, ran.stderr
        told = httpx.get(endpoint.url + "/ledger").json()
        assert (told["accepted"], told["rejected"]) == (3, 0)
        assert told["by_route"] == {"glean/glean/1": 3}
        payloads = [ping.json() for ping in read_pings(endpoint.store)]
    assert [ping["ping_info"]["reason"] for ping in payloads] == ["active", "inactive", "inactive"]
    (events,) = (ping["events"] for ping in payloads if "events" in ping)
    assert [event["extra"]["what"] for event in events] == [f"thing {number}" for number in range(5)]
    assert events[0]["timestamp"] == 0
