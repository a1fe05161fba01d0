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


ENVELOPE = 'name = "mine"\ntitle = "t"\n[envelope]\npath = "/x"\ncontent_type = "text/plain"\n'
HEADERS = (
    'name = "mine"\ntitle = "t"\n[headers]\nX = "{}"\n[envelope]\npath = "/x"\ncontent_type = "text/plain"\n'
)


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        *[(text.replace("text/plain", value), f"{place}.content_type", "cannot stand in a header")
          for text, place in ((CARRIER, "carrier.0"), (ENVELOPE, "envelope"))
          for value in (r"a/b\r\nX-Evil: 1", r"a/b\n", r"a/b\u0000", "a/\u00df")],
        *[(ENVELOPE.replace("/x", path), "envelope.path", what)
          for path, what in (("x", "begin with /"), ("http://h/x", "begin with /"), ("/a b", "space"),
                             (r"/a\r\nX: y", "space"), (r"/a\tb", "space"), ("/\u00fc", "%XX"),
                             ("/x?token=$ENV{TOKEN}", "[headers]"))],
        (CARRIER.replace("/submit/", "submit/"), "carrier.0.prefix", "begin with /"),
        (CARRIER.replace("/submit/", "/sub mit/"), "carrier.0.prefix", "space"),
        (CARRIER + "not_prefixes = ['/a/', 'b/']\n", "carrier.0.not_prefixes.1", "begin with /"),
        (CARRIER.replace("[[", "health_path = 'up'\n[["), "health_path", "begin with /"),
        *[(HEADERS.format(value), "headers", "$ENV{NAME}")
          for value in ("$ENV{A-B}", "$ENV{}", "$ENV{A", "$ENV(A)", "$ENVA", "a $env{A}", "$ENV{A} $ENV{1}")],
        (CARRIER + "headers = {X = '$ENV{A-B}'}\n", "carrier.0.headers", "$ENV{NAME}"),
        (CARRIER + "[answers]\naccepted = [200, 409]\nrejected = [400, 409]\n", "answers", "409"),
        (CARRIER + "[answers]\nrejected = [400, 204]\n", "answers", "204"),
        (CARRIER + "[retry]\npolicy = 'fixed'\nitem_statuses = [429]\n", "", "item_statuses"),
        (CARRIER + "results = 'graphql'\n[retry]\nitem_statuses = [429]\n", "", "item_statuses"),
        (ENVELOPE + "[retry]\nitem_statuses = [429]\n", "", "answers.results one of telsim, elasticsearch"),
    ],
)  # fmt: skip
def test_what_would_make_broken_requests_is_told_with_its_place(command, tmp_path, text, where, what):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    done = command("check", file)
    assert done.returncode == 1
    told, _summary = done.stdout.splitlines()
    assert told.startswith(f"{file}: {where}" if where else f"{file}: ")
    assert what in told


@pytest.mark.parametrize(
    "text",
    [
        HEADERS.format("$ENV{A} and $ENV{B_2}"),
        CARRIER.replace("[[", "health_path = '/up?deep=1'\n[["),
        ENVELOPE.replace("text/plain", "application/json; charset=utf-8"),
        CARRIER + "[answers]\naccepted = [200, 409]\n",
        ENVELOPE + "[answers]\nresults = 'telsim'\n[retry]\nitem_statuses = ['queue_full']\n",
    ],
)
def test_what_is_right_is_not_objected_to(command, tmp_path, text):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    assert command("check", file).returncode == 0


def test_a_target_with_usable_certificates_is_good(command, tmp_path):
    file = tmp_path / "mine.toml"
    client = f"client_cert = '{CERTIFICATES}/client.pem'\nclient_key = '{CERTIFICATES}/client.key'\n"
    file.write_text(CARRIER + f"[tls]\nca_file = '{CERTIFICATES}/ca.pem'\n{client}")
    assert command("check", file).returncode == 0
