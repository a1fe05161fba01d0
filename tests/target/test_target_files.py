"""Target files: shipped ones, a user's own, and every problem at once."""

from __future__ import annotations

import pytest

from simulator.errors import TargetError, UsageError
from simulator.target import load_target, shipped_targets, target_schema
from simulator.target.profile import parse_target
from simulator.target.results import decided

SHIPPED = (
    "clickhouse-jsoneachrow", "elasticsearch-bulk", "glean", "json-array", "ndjson", "otlp-logs", "segment-batch",
    "sentry", "sourcegraph", "splunk-hec", "structured", "telemetry",
)  # fmt: skip

CARRIER = 'name = "mine"\ntitle = "t"\n[[carrier]]\nprefix = "/"\ncontent_type = "a/b"\n'
MINIMAL = 'name = "mine"\ntitle = "t"\n[envelope]\npath = "/x"\ncontent_type = "application/json"\n'


def test_these_targets_are_shipped():
    assert shipped_targets() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_target_is_named_like_its_file_and_titled(name):
    target = load_target(name)
    assert target.name == name
    assert target.title


@pytest.mark.parametrize("name", SHIPPED)
def test_stores_that_know_no_pings_are_not_blamed_for_taking_invalid_ones(name):
    stores = {"clickhouse-jsoneachrow", "elasticsearch-bulk", "otlp-logs", "segment-batch", "splunk-hec"}
    assert load_target(name).answers.validates is (name not in stores)


def test_a_users_own_file(tmp_path):
    path = tmp_path / "mein Ziel.toml"
    path.write_text(MINIMAL + "[tls]\nca_file = 'ca.pem'\n", encoding="utf-8")
    target = load_target(str(path))
    assert target.name == "mine"
    assert target.tls.ca_file == str(tmp_path / "ca.pem")
    assert target.tls.verify


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(UsageError, match="did you mean ndjson"):
        load_target("ndjsn")


def test_all_problems_come_at_once_with_their_places():
    text = MINIMAL + 'prefx = "["\nitem_prefix = "${nonsense}"\n[retry]\npolicy = "sometimes"\nattempts = 0\n'
    with pytest.raises(TargetError) as caught:
        parse_target(text, where="mine.toml")
    places = {finding.where: finding for finding in caught.value.findings}
    assert set(places) == {
        "mine.toml: envelope.prefx",
        "mine.toml: envelope.item_prefix",
        "mine.toml: retry.policy",
        "mine.toml: retry.attempts",
    }
    assert places["mine.toml: envelope.prefx"].hint == "did you mean prefix?"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "TOML"),
        ('name = "mine"\ntitle = "t"\n', "either"),
        (MINIMAL + '[[carrier]]\nprefix = "/"\ncontent_type = "x"\n', "either"),
        (MINIMAL.replace("[envelope]", "[headers]\nHost = 'x'\n[envelope]"), "set by telsim"),
        (MINIMAL.replace("[envelope]", "[headers]\n'X Y' = 'x'\n[envelope]"), "header name"),
        (MINIMAL.replace("[envelope]", '[headers]\n"X\\n" = "x"\n[envelope]'), "header name"),
        (MINIMAL.replace("[envelope]", '[headers]\nX = "a\\r\\nB: c"\n[envelope]'), "control character"),
        (CARRIER + "[carrier.headers]\nX = 'plain'\nY = '$ENV{TOKEN}'\n", "the target's own [headers]"),
        (MINIMAL + "[answers]\naccepted = [99]\n", "statuses"),
        (MINIMAL.replace("/x", "/x/${doctype}"), "the same path"),
        (MINIMAL + 'method = "GET"\n', "'POST', 'PUT' or 'PATCH'"),
        (MINIMAL.replace("/x", "/x/${Nonsense}"), "the same path"),
    ],
)
def test_bad_files_are_refused_with_the_reason(text, words):
    with pytest.raises(TargetError) as caught:
        parse_target(text, where="mine.toml")
    assert words in "\n".join([str(caught.value), *map(str, caught.value.findings)])


def test_a_status_that_is_accepted_is_no_longer_rejected():
    target = parse_target(MINIMAL + "[answers]\naccepted = [200, 409]\n", where="mine.toml")
    assert decided(target, 409) == "accepted"
    assert decided(target, 404) == "rejected"


@pytest.mark.parametrize("text", [MINIMAL, CARRIER])
def test_what_a_file_leaves_open_is_what_most_clients_do(text):
    target = parse_target(text + '[retry]\npolicy = "fixed"\n', where="mine.toml")
    for status in (200, 201, 202, 204):
        assert decided(target, status) == "accepted"
    for status in (400, 404, 405, 409, 411, 413, 414, 415, 422, 431):
        assert decided(target, status) == "rejected"
    for status in (302, 401, 403, 408, 429, 500, 502, 503, 504, 507):
        assert decided(target, status) == "failed"
    # Trouble that may pass is tried again, and so is a connection that broke; what was decided is not.
    assert {408, 429, 500, 502, 503, 504, 507} <= set(target.retry.statuses)
    assert not any(decided(target, status) != "failed" for status in target.retry.statuses)
    assert target.retry.network
    assert not target.retry.refused
    assert all(carrier.ids for carrier in target.carrier)
    assert target.ids


def test_each_header_that_cannot_be_is_named():
    text = MINIMAL.replace("[envelope]", "[headers]\nHost = 'x'\n'X Y' = 'x'\nGood = 'x'\n[envelope]")
    with pytest.raises(TargetError) as caught:
        parse_target(text, where="mine.toml")
    (finding,) = caught.value.findings
    assert "Host" in finding.what
    assert "'X Y'" in finding.what
    assert "Good" not in finding.what


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(TargetError, match="cannot be read"):
        load_target(str(tmp_path / "nowhere.toml"))


def test_secrets_come_from_the_environment_and_are_never_shown():
    target = load_target("splunk-hec")
    assert target.secret_names() == ("SPLUNK_HEC_TOKEN",)
    assert target.resolved_headers({"SPLUNK_HEC_TOKEN": "s3cr3t"}) == {"Authorization": "Splunk s3cr3t"}
    assert "s3cr3t" not in repr(target)
    with pytest.raises(TargetError, match="SPLUNK_HEC_TOKEN"):
        target.resolved_headers({})
    with pytest.raises(TargetError) as caught:
        target.resolved_headers({"SPLUNK_HEC_TOKEN": "s3cr3t\r\nX-Evil: 1"})
    assert "s3cr3t" not in str(caught.value)


def test_editors_get_a_schema():
    schema = target_schema()
    assert {"envelope", "carrier", "retry", "tls"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Envelope"]["properties"]["method"]["enum"] == ["POST", "PUT", "PATCH"]
