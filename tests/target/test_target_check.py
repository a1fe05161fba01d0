"""`telsim check` of target files: known for what they are, and every problem at once."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from simulator.shipped import shipped_scenarios
from simulator.target import shipped_targets

CERTIFICATES = Path(__file__).parents[1] / "replay" / "certificates"
CARRIER = 'name = "mine"\ntitle = "t"\n[[carrier]]\nprefix = "/submit/"\ncontent_type = "text/plain"\n'


@pytest.mark.parametrize("name", shipped_targets())
def test_a_shipped_target_is_checked_as_a_target(command, name):
    done = command("check", str(files("simulator.target").joinpath(f"{name}.toml")))
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("target, no findings\n")


@pytest.mark.parametrize("name", sorted(shipped_scenarios()))
def test_a_shipped_scenario_is_checked_as_a_scenario(command, name):
    done = command("check", name)
    assert done.returncode == 0, done.stdout
    assert f"scenario {name}" in done.stdout


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (CARRIER.replace("prefix", "prefx") + "[tls]\nverify = 'no'\n",
         ["carrier.0.prefix", "carrier.0.prefx", "tls.verify"]),
        (CARRIER.replace("title", "titel").replace("[[carrier]]", "[[carriers]]"), ["carriers", "titel", "title"]),
        (CARRIER.replace("[[", "gzip = 'yes'\nbatch = 0\n[["), ["batch", "gzip"]),
        (CARRIER + "[tls]\nca_file = 'a.pem'\nclient_key = 'b.key'\n",
         ["tls.ca_file", "tls.client_key", "tls.client_key"]),
        (CARRIER + f"[tls]\nca_file = '{CERTIFICATES}/ca.pem'\nclient_cert = '{CERTIFICATES}/server.key'\n", ["tls"]),
    ],
)  # fmt: skip
def test_a_bad_target_is_told_all_that_is_wrong_with_it(command, tmp_path, text, places):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    done = command("check", file)
    assert done.returncode == 1
    told = [line.removeprefix(f"{file}: ").split(": ")[0] for line in done.stdout.splitlines()[:-1]]
    assert sorted(told) == places


def test_a_target_with_usable_certificates_is_good(command, tmp_path):
    file = tmp_path / "mine.toml"
    client = f"client_cert = '{CERTIFICATES}/client.pem'\nclient_key = '{CERTIFICATES}/client.key'\n"
    file.write_text(CARRIER + f"[tls]\nca_file = '{CERTIFICATES}/ca.pem'\n{client}")
    assert command("check", file).returncode == 0
