"""TLS: verified by default, own CA, client certificate."""

from __future__ import annotations

import contextlib
import ssl
import threading
from pathlib import Path

import msgspec
import pytest
from replay_rig import OK, RETRYING, pings_for, target_from

pytestmark = pytest.mark.slow

# Made for these tests and for nothing else; valid for a hundred years, for localhost and 127.0.0.1.
CERTIFICATES = Path(__file__).with_name("certificates")


def server_context(*, wants_client: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.pem", CERTIFICATES / "server.key")
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(CERTIFICATES / "ca.pem")
    return context


def target(*lines: str):
    return target_from(RETRYING.replace('"fixed"', '"none"') + "[tls]\n" + "\n".join(lines))


OWN_CA = f'ca_file = "{CERTIFICATES / "ca.pem"}"'
CLIENT = (f'client_cert = "{CERTIFICATES / "client.pem"}"', f'client_key = "{CERTIFICATES / "client.key"}"')


def ok(connection, seen) -> None:
    connection.sendall(OK)


def test_an_own_ca_is_trusted(corpus, odd_server, run_engine):
    server = odd_server(ok, tls=server_context())
    ran = run_engine(corpus(60), server.url, target=target(OWN_CA), rounds=2)
    assert ran.states() == {"accepted": 120}
    assert set(server.copies.values()) == {1}


def test_an_unknown_certificate_is_refused_and_nothing_is_sent(corpus, odd_server, run_engine):
    server = odd_server(ok, tls=server_context())
    ran = run_engine(corpus(10), server.url, target=target(), lanes=1)
    assert ran.states() == {"unsent": 10}
    assert "certificate verify failed" in ran.engine.given_up.lower().replace("_", " ")
    assert server.requests == []


def test_verification_can_be_turned_off_in_the_target(corpus, odd_server, run_engine):
    server = odd_server(ok, tls=server_context())
    ran = run_engine(corpus(10), server.url, target=target("verify = false"))
    assert ran.states() == {"accepted": 10}


@pytest.mark.parametrize("shows_certificate", [True, False])
def test_a_client_certificate_is_shown(shows_certificate, corpus, odd_server, run_engine):
    server = odd_server(ok, tls=server_context(wants_client=True))
    lines = (OWN_CA, *CLIENT) if shows_certificate else (OWN_CA,)
    ran = run_engine(corpus(10), server.url, target=target(*lines), lanes=1)
    if shows_certificate:
        assert ran.states() == {"accepted": 10}
    else:  # TLS 1.3 tells of it only after the handshake, when a request may be under way
        assert ran.states() == {"unsent": 10}
        assert "certificate required" in ran.engine.given_up
        assert server.requests == []


def test_large_bodies_go_through_in_pieces(corpus, odd_server, run_engine):
    big = [
        msgspec.structs.replace(ping, body=msgspec.Raw(b'"%b"' % (b"x" * 5_000_000))) for ping in pings_for(3)
    ]
    server = odd_server(ok, tls=server_context())
    ran = run_engine(corpus(pings=big), server.url, target=target(OWN_CA), lanes=2)
    assert ran.states() == {"accepted": 3}
    assert {len(seen.body) for seen in server.requests} == {5_000_002}


def test_a_farewell_inside_tls_ends_an_answer_though_the_socket_stays_open(corpus, odd_server, run_engine):
    def says_farewell(connection, seen) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
        connection.settimeout(0.2)
        with contextlib.suppress(OSError):
            connection.unwrap()  # sends the farewell, then waits for ours
        threading.Event().wait(0.2)
        return False

    server = odd_server(says_farewell, tls=server_context())
    ran = run_engine(corpus(8), server.url, target=target(OWN_CA), lanes=4)
    assert ran.states() == {"accepted": 8}
    assert (ran.rows["done"] - ran.rows["sent"]).max() < 2e9  # the target's timeout


def test_the_tickets_of_tls_cost_no_idle_connection(corpus, odd_server, run_engine):
    server = odd_server(ok, tls=server_context())
    ran = run_engine(corpus(20), server.url, target=target(OWN_CA), lanes=5, pace="rate 40")
    assert ran.states() == {"accepted": 20}
    assert server.connections == 5
