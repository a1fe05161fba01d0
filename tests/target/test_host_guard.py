"""Where a load may go, and where it never does."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import EndpointError, RefusedError, UsageError
from simulator.guard import admit, hosts_named, refused_hosts


def resolving(*addresses: str, canonical: str = ""):
    """A stand-in for getaddrinfo that knows one answer and counts its questions."""

    def resolver(host, port, **_):
        resolver.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, canonical, (address, port)) for address in addresses]

    resolver.asked = 0
    return resolver


@pytest.mark.parametrize(
    ("url", "address", "port", "base_path"),
    [
        ("http://127.0.0.1:8765", "127.0.0.1", 8765, ""),
        ("http://127.0.0.1", "127.0.0.1", 80, ""),
        ("https://127.0.0.1", "127.0.0.1", 443, ""),
        ("127.0.0.1:99", "127.0.0.1", 99, ""),
        ("http://127.8.9.10/base/path/", "127.8.9.10", 80, "/base/path"),
        ("http://[::1]:8080", "::1", 8080, ""),
        ("http://[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1", 80, ""),
    ],
)
def test_loopback_is_always_allowed(url, address, port, base_path):
    found = admit(url)
    assert (found.address, found.port, found.base_path) == (address, port, base_path)


def test_localhost_prefers_ipv4_because_servers_listen_there():
    found = admit("http://localhost:1", resolver=resolving("::1", "127.0.0.1", "::1"))
    assert (found.address, found.others) == ("127.0.0.1", ("::1",))


def test_of_several_addresses_only_those_on_this_machine_will_do():
    found = admit("http://mixed.test", resolver=resolving("127.0.0.1", "192.0.2.1", "::1"))
    assert (found.address, found.others) == ("127.0.0.1", ("::1",))
    found = admit("http://mixed.test", ["mixed.test"], resolver=resolving("127.0.0.1", "192.0.2.1"))
    assert found.others == ("192.0.2.1",)


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1",
        "http://10.0.0.1:8080",
        "http://0.0.0.0:8765",
        "http://[2001:db8::1]",
        "http://169.254.169.254",
    ],
)
def test_other_addresses_need_their_name_on_the_command_line(url):
    with pytest.raises(RefusedError, match="--allow-host"):
        admit(url)


def test_an_allowed_host_is_admitted_by_name_and_pinned():
    resolver = resolving("192.0.2.7")
    found = admit("http://load.example.test:8080/x", ["LOAD.example.test."], resolver=resolver)
    assert (found.host, found.address, found.netloc) == (
        "load.example.test",
        "192.0.2.7",
        "load.example.test:8080",
    )
    assert resolver.asked == 1


@pytest.mark.parametrize(
    ("given", "environment", "names"),
    [
        ([], None, ()),
        ([], "", ()),
        ([], "a.test", ("a.test",)),
        ([], "a.test,b.test", ("a.test", "b.test")),
        (["c.test"], "a.test", ("c.test",)),
        (["c.test", "d.test,e.test"], None, ("c.test", "d.test", "e.test")),
    ],
)
def test_hosts_are_named_by_the_option_or_else_by_the_environment(given, environment, names):
    environ = {} if environment is None else {"TELSIM_ALLOW_HOST": environment}
    assert hosts_named(given, environ) == names


def test_the_environment_may_list_hosts_as_locusts_own_options_do():
    names = hosts_named([], {"TELSIM_ALLOW_HOST": "[load.example.test, 192.0.2.7, ::1]"})
    for host in ("load.example.test", "192.0.2.7"):
        assert admit(f"http://{host}", names, resolver=resolving("192.0.2.7")).host == host


def test_allowing_one_host_allows_no_other():
    with pytest.raises(RefusedError):
        admit("http://other.example.test", ["load.example.test"], resolver=resolving("192.0.2.7"))


def test_a_name_that_claims_to_be_local_is_judged_by_its_address():
    with pytest.raises(RefusedError, match=r"192\.0\.2\.1"):
        admit("http://localhost", resolver=resolving("192.0.2.1"))


@pytest.mark.parametrize("odd", ["http://2130706433:80", "http://0x7f.1:80", "http://127.1:80"])
def test_odd_spellings_of_an_address_are_judged_by_what_they_resolve_to(odd):
    assert admit(odd).address == "127.0.0.1"


@pytest.mark.parametrize("refused", refused_hosts(), ids=lambda refused: refused.host)
def test_production_collectors_are_refused_even_when_allowed(refused):
    for name in (refused.host, f"a.b.{refused.host}", refused.host.upper() + "."):
        resolver = resolving("127.0.0.1")
        with pytest.raises(RefusedError, match="always"):
            admit(f"https://{name}", [name, refused.host], resolver=resolver)
        assert resolver.asked == 0  # not even a question to the name server


def test_incoming_telemetry_is_on_the_list():
    with pytest.raises(RefusedError, match="Mozilla"):
        admit("https://incoming.telemetry.mozilla.org", ["incoming.telemetry.mozilla.org"])


def test_a_collector_behind_another_name_is_refused_too():
    resolver = resolving("192.0.2.1", canonical="prod.ingestion.telemetry.mozilla.org")
    with pytest.raises(RefusedError, match="always"):
        admit("http://innocent.example.test", ["innocent.example.test"], resolver=resolver)


def test_a_name_that_only_ends_alike_is_another_name():
    found = admit("http://notsentry.io", ["notsentry.io"], resolver=resolving("192.0.2.1"))
    assert found.address == "192.0.2.1"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://127.0.0.1", "must look like"),
        ("http://", "must look like"),
        ("http://127.0.0.1:99999", "port"),
        ("http://127.0.0.1:abc", "port"),
        ("http://127.0.0.1:0", "port"),
        ("http://[::1", "no URL"),
        ("http://user:secret@127.0.0.1", "password"),
        ("http://127.0.0.1/?q=1", "query"),
        ("http://127.0.0.1/#x", "query"),
    ],
)
def test_urls_that_are_no_base_are_refused(url, words):
    with pytest.raises(UsageError, match=words) as caught:
        admit(url)
    assert "secret" not in str(caught.value)


def test_a_name_that_does_not_resolve_says_so():
    def resolver(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(EndpointError, match="does not resolve"):
        admit("http://nowhere.example.test", resolver=resolver)


@given(st.ip_addresses())
def test_nothing_but_loopback_passes_unasked(address):
    text = f"[{address}]" if address.version == 6 else str(address)
    mapped = getattr(address, "ipv4_mapped", None)
    try:
        admit(f"http://{text}/", resolver=resolving(str(address)))
    except RefusedError:
        assert not address.is_loopback
    else:
        assert (mapped or address).is_loopback
