"""Whatever an endpoint does to its connections, every ping ends in exactly one state."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter

import msgspec
import numpy as np
import pytest
from replay_rig import OK, RETRYING, OddServer, Seen, pings_for, reset, target_from

from simulator.records import STATES

pytestmark = pytest.mark.slow


def answer_ok(connection: socket.socket, seen: Seen) -> None:
    connection.sendall(OK)


def test_each_ping_is_sent_once_and_accepted(corpus, odd_server, run_engine):
    server = odd_server(answer_ok)
    ran = run_engine(corpus(200), server.url)
    assert ran.states() == {"accepted": 200}
    assert set(server.copies.values()) == {1}
    assert {row.decode() for row in ran.rows["id"]} == set(server.copies)
    assert (ran.rows["attempt"] == 1).all()
    assert (ran.rows["done"] >= ran.rows["sent"]).all()
    assert sorted(ran.rows["row"].tolist()) == list(range(200))


def drip(connection: socket.socket, seen: Seen) -> None:
    for at in range(0, len(OK), 7):
        connection.sendall(OK[at : at + 7])
        if seen.number % 5 == 0:
            threading.Event().wait(0.002)


def chunked(connection: socket.socket, seen: Seen) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    connection.sendall(b"0\r\n\r\n")


def no_length(connection: socket.socket, seen: Seen) -> bool:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello")
    return False


def http_1_0(connection: socket.socket, seen: Seen) -> bool:
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
    return False


def says_close(connection: socket.socket, seen: Seen) -> bool:
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    return False


def interim_first(connection: socket.socket, seen: Seen) -> None:
    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)


def no_content(connection: socket.socket, seen: Seen) -> None:
    connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


def closes_silently(connection: socket.socket, seen: Seen) -> bool:
    connection.sendall(OK)
    return False


def closes_silently_sometimes(connection: socket.socket, seen: Seen) -> bool:
    connection.sendall(OK)
    return seen.on_connection < 3


@pytest.mark.parametrize(
    "behave",
    [
        drip,
        chunked,
        no_length,
        http_1_0,
        says_close,
        interim_first,
        no_content,
        closes_silently,
        closes_silently_sometimes,
    ],
)
def test_a_server_with_manners_of_its_own_causes_no_failure(behave, corpus, odd_server, run_engine):
    server = odd_server(behave)
    ran = run_engine(corpus(60), server.url)
    assert ran.states() == {"accepted": 60}
    # A connection that was closed under a request that nobody read is no second copy at the server.
    assert set(server.copies.values()) == {1}


def test_a_connection_that_a_request_spoils_is_not_used_again_whatever_the_answer_says(
    corpus, odd_server, run_engine
):
    spoiled, used_again = set(), []

    def behave(connection: socket.socket, seen: Seen) -> None:
        port = connection.getpeername()[1]
        if port in spoiled:
            used_again.append(seen.id)
        if b"connection: close" in seen.head.lower():
            spoiled.add(port)
        connection.sendall(OK)  # the same bytes for all, known by heart after the first

    pings = [
        msgspec.structs.replace(ping, headers={"Connection": "close"} if n % 5 == 4 else {})
        for n, ping in enumerate(pings_for(60))
    ]
    ran = run_engine(corpus(pings=pings), odd_server(behave).url, lanes=2)
    assert ran.states() == {"accepted": 60}
    assert len(spoiled) == 12
    assert used_again == []


def test_keep_alive_closed_by_an_idle_server_is_no_failure(corpus, odd_server, run_engine):
    server = odd_server(answer_ok, idle_s=0.15)
    # 20 pings, one every 250 ms of recorded time, played as recorded: each finds its connection closed.
    ran = run_engine(corpus(8, gap_ms=250), server.url, pace="schedule", lanes=1)
    assert ran.states() == {"accepted": 8}
    assert set(server.copies.values()) == {1}
    assert (ran.rows["attempt"] == 1).all()


def test_resets_before_the_answer_are_unknown_and_nothing_is_sent_twice(corpus, odd_server, run_engine):
    def behave(connection: socket.socket, seen: Seen) -> bool | None:
        if seen.on_connection == 0 and seen.number % 3 == 0:
            reset(connection)
            return False
        connection.sendall(OK)
        return False  # a fresh connection for each request, so none can be stale

    server = odd_server(behave)
    ran = run_engine(corpus(60), server.url)
    states = ran.states()
    assert states["unknown"] == 20
    assert states["accepted"] == 40
    assert set(server.copies.values()) == {1}


def test_a_kept_alive_connection_that_dies_is_tried_again_once(corpus, odd_server, run_engine):
    def behave(connection: socket.socket, seen: Seen) -> bool | None:
        if seen.on_connection == 5:
            reset(connection)
            return False
        connection.sendall(OK)
        return None

    server = odd_server(behave)
    ran = run_engine(corpus(100), server.url, lanes=3)
    assert ran.states() == {"accepted": 100}
    twice = {id_ for id_, copies in server.copies.items() if copies == 2}
    again = {row["id"].decode() for row in ran.rows if row["attempt"] == 2}
    assert twice == again  # every second copy is one that we know of and tell
    assert twice


def test_pings_without_ids_are_never_sent_again(corpus, odd_server, run_engine):
    def behave(connection: socket.socket, seen: Seen) -> bool | None:
        if seen.on_connection == 3:
            reset(connection)
            return False
        connection.sendall(OK)
        return None

    text = RETRYING.replace(
        'content_type = "application/json"', 'content_type = "application/json"\nids = false'
    )
    server = odd_server(behave)
    ran = run_engine(corpus(40), server.url, target=target_from(text), lanes=2)
    assert set(server.copies.values()) == {1}
    assert sum(ran.states().values()) == 40
    assert ran.states()["unknown"] > 0


def test_429_with_retry_after_is_honoured(corpus, odd_server, run_engine):
    first: dict[str, float] = {}
    second: dict[str, float] = {}

    def behave(connection: socket.socket, seen: Seen) -> None:
        if seen.id not in first:
            first[seen.id] = time.monotonic()
            connection.sendall(
                b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
            )
        else:
            second[seen.id] = time.monotonic()
            connection.sendall(OK)

    server = odd_server(behave)
    ran = run_engine(corpus(12), server.url, target=target_from(RETRYING))
    assert ran.states() == {"accepted": 12}
    assert (ran.rows["attempt"] == 2).all()
    assert all(second[id_] - first[id_] >= 1.0 for id_ in first)
    assert set(server.copies.values()) == {2}


def test_without_a_retry_policy_429_is_a_failure_and_is_sent_once(corpus, odd_server, run_engine):
    def behave(connection: socket.socket, seen: Seen) -> None:
        connection.sendall(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")

    server = odd_server(behave)
    ran = run_engine(corpus(10), server.url)
    assert ran.states() == {"failed": 10}
    assert set(server.copies.values()) == {1}
    assert (ran.rows["status"] == 429).all()


def test_a_burst_of_500_is_ridden_out(corpus, odd_server, run_engine):
    refused: Counter[str] = Counter()

    def behave(connection: socket.socket, seen: Seen) -> None:
        if refused[seen.id] < 2:
            refused[seen.id] += 1
            connection.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops")
        else:
            connection.sendall(OK)

    server = odd_server(behave)
    ran = run_engine(corpus(30), server.url, target=target_from(RETRYING))
    assert ran.states() == {"accepted": 30}
    assert (ran.rows["attempt"] == 3).all()
    assert set(server.copies.values()) == {3}


def test_a_server_that_always_fails_uses_up_the_attempts(corpus, odd_server, run_engine):
    server = odd_server(lambda c, s: c.sendall(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"))
    ran = run_engine(corpus(10), server.url, target=target_from(RETRYING))
    assert ran.states() == {"failed": 10}
    assert set(server.copies.values()) == {4}
    assert (ran.rows["attempt"] == 4).all()


def test_a_hanging_server_leaves_unknown_pings_after_the_timeout(corpus, odd_server, run_engine):
    def behave(connection: socket.socket, seen: Seen) -> None:
        if seen.number % 2:
            connection.sendall(OK)

    text = RETRYING.replace("timeout_s = 2.0", "timeout_s = 0.3").replace('"fixed"', '"none"')
    server = odd_server(behave)
    ran = run_engine(corpus(8), server.url, target=target_from(text), lanes=2)
    states = ran.states()
    assert sum(states.values()) == 8
    assert states["unknown"] >= 1
    assert set(server.copies.values()) == {1}


def test_an_answer_that_is_not_http_is_unknown(corpus, odd_server, run_engine):
    server = odd_server(lambda c, s: c.sendall(b"SSH-2.0-OpenSSH_9.9\r\n"))
    ran = run_engine(corpus(6), server.url, lanes=1)
    assert ran.states() == {"unknown": 6}


def test_an_answer_before_the_whole_request_was_read_counts(corpus, odd_server, run_engine):
    """413 and a closed connection while megabytes are still on their way."""
    big = [
        msgspec.structs.replace(ping, body=msgspec.Raw(msgspec.json.encode("x" * 6_000_000)))
        for ping in pings_for(3)
    ]

    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(3):
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(
                    b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                )
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 20):
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    ran = run_engine(corpus(pings=big), f"http://127.0.0.1:{listener.getsockname()[1]}", lanes=1)
    listener.close()
    assert ran.states() == {"rejected": 3}
    assert (ran.rows["status"] == 413).all()


def test_an_endpoint_that_is_not_there_is_said_so_and_nothing_counts_as_sent(corpus, run_engine):
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    ran = run_engine(corpus(20), f"http://127.0.0.1:{port}", lanes=2)
    assert ran.states() == {"unsent": 20}
    assert "Connection refused" in ran.engine.given_up
    assert (ran.rows["attempt"] == 0).all()
    assert (ran.rows["sent"] == 0).all()


def test_an_endpoint_killed_and_restarted_in_the_middle(corpus, run_engine):
    """The first server dies by reset under its requests; a second one takes its port 0.6 s later."""

    def slow(connection: socket.socket, seen: Seen) -> bool | None:
        threading.Event().wait(0.003)
        if seen.number >= 120:
            reset(connection)
            return False
        connection.sendall(OK)
        return None

    first = OddServer(slow)
    servers = [first]

    def restart() -> None:
        while len(first.requests) < 121:
            threading.Event().wait(0.01)
        first.__exit__()
        threading.Event().wait(0.6)
        servers.append(OddServer(answer_ok, port=first.port).__enter__())

    with_restart = threading.Thread(target=restart, daemon=True)
    first.__enter__()
    with_restart.start()
    ran = run_engine(corpus(400), first.url, lanes=6, patience_s=10)
    with_restart.join(10)
    servers[1].__exit__()
    states = ran.states()
    assert sum(states.values()) == 400
    assert set(states) <= {"accepted", "unknown"}
    assert states["accepted"] > 380
    accepted = {row["id"].decode() for row in ran.rows if row["state"] == STATES.index("accepted")}
    answered = {seen.id for seen in first.requests if seen.number < 120} | set(servers[1].copies)
    assert accepted <= answered  # nothing is called accepted that nobody answered
    assert len(np.unique(ran.rows["row"])) == 400


def test_stopping_in_the_middle_keeps_what_was_done(corpus, odd_server, run_engine):
    def behave(connection: socket.socket, seen: Seen) -> None:
        threading.Event().wait(0.01)
        connection.sendall(OK)

    server = odd_server(behave)
    ran = run_engine(corpus(2000), server.url, lanes=4, stop_after_s=0.5)
    states = ran.states()
    assert sum(states.values()) == 2000
    assert set(states) == {"accepted", "unsent"}
    assert states["accepted"] == len(server.requests)


def test_what_the_last_answers_take_is_no_time_in_which_requests_were_sent(corpus, odd_server, run_engine):
    def answers_one_late(connection: socket.socket, seen: Seen) -> None:
        if seen.number == 10:
            threading.Event().wait(1.5)
        connection.sendall(OK)

    server = odd_server(answers_one_late)
    ran = run_engine(corpus(2000), server.url, pace="rate 100", lanes=8, stop_after_s=0.6, stop_timeout_s=5.0)
    recorder = ran.recorder
    assert recorder.ended_ns - recorder.measured_to_ns > 0.5e9
    assert recorder.never_started <= 5
    assert len(server.requests) == ran.states()["accepted"]


@pytest.mark.parametrize(
    ("retries", "states"), [(True, {"accepted": 30}), (False, {"accepted": 29, "unknown": 1})]
)
def test_no_answer_in_time_is_an_error_of_the_network(retries, states, corpus, odd_server, run_engine):
    def forgets_one(connection: socket.socket, seen: Seen) -> None:
        if seen.number == 10:
            threading.Event().wait(2.6)
            return
        connection.sendall(OK)

    server = odd_server(forgets_one)
    text = RETRYING.replace("timeout_s = 2.0", "timeout_s = 0.5") + f"network = {str(retries).lower()}\n"
    ran = run_engine(corpus(30), server.url, target=target_from(text), lanes=3)
    assert ran.states() == states
    assert ran.rows["attempt"].max() == (2 if retries else 1)


def test_an_endpoint_that_is_still_starting_is_waited_for(corpus, run_engine):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    server = OddServer(answer_ok, port=port)
    starter = threading.Timer(2.6, server.__enter__)
    starter.start()
    try:
        ran = run_engine(corpus(20), f"http://127.0.0.1:{port}", first_patience_s=20)
    finally:
        starter.join()
        server.__exit__()
    assert ran.states() == {"accepted": 20}


def test_connections_that_still_answer_keep_a_run_going(corpus, odd_server, run_engine):
    """An endpoint that drains: it takes no new connection, and serves those that it has."""
    server: OddServer

    def drains(connection: socket.socket, seen: Seen) -> bool:
        if seen.number == 0:
            while server.connections < 4:
                threading.Event().wait(0.005)
            server.refuse_more()
            return False
        threading.Event().wait(0.02)
        connection.sendall(OK)
        return True

    server = odd_server(drains)
    ran = run_engine(corpus(300), server.url, lanes=4, patience_s=0.5)
    assert ran.engine.given_up == ""
    assert sum(ran.states().values()) == 300
    assert ran.states()["accepted"] >= 299


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_a_name_with_two_addresses_is_tried_at_both(corpus, odd_server, run_engine):
    server = odd_server(answer_ok, host="::1")
    url = f"http://127.0.0.1:{server.port}"
    ran = run_engine(corpus(20), url, other_addresses=("::1",))
    assert ran.states() == {"accepted": 20}
