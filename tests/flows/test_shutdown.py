"""The stop signal: what was begun is finished, nobody new is let in, feeds end, and the process is gone in time."""

from __future__ import annotations

import re
import signal
import socket
import threading
import time
from urllib.parse import urlencode

import httpx
import pytest

from tests.flows.client import Browser, Party, Tokens

SIGNALS = {"SIGTERM": signal.SIGTERM, "Ctrl-C": signal.SIGINT}
AT_MOST = 30.0
SOON = 10.0
"""Nothing here is slow, so that a server which waits for its feeds until it gives up (25 s) is found."""


@pytest.fixture
def party(acme):
    return Party(acme)


@pytest.fixture
def tokens(server, party):
    with Browser() as alice:
        return party.redeem(alice.allow(party.request()))


def open_feed(acme):
    resource = acme["resources"]["R1"]
    return httpx.stream("GET", acme["feed"], auth=(resource["client_id"], resource["client_secret"]), timeout=20)


@pytest.mark.parametrize("kind", list(SIGNALS.values()), ids=list(SIGNALS))
def test_an_open_feed_ends_and_the_process_is_gone_in_time(server, acme, kind):
    with open_feed(acme) as feed:
        lines = feed.iter_lines()
        assert next(lines) == "event: ready"
        began = time.monotonic()
        server.process.send_signal(kind)
        assert not any(line.startswith("event: stop") for line in lines)  # it ends, whole, and not by a broken pipe
        assert server.ended_within(AT_MOST)
        assert time.monotonic() - began < SOON
    assert server.process.returncode == 0


def test_a_request_that_was_begun_is_answered_and_its_answer_holds(server, acme, party, tokens):
    body = urlencode(party.refresh_fields(tokens.refresh)).encode()
    head = (
        f"POST /t/acme/oauth/token HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\nexpect: 100-continue\r\n"
        f"content-type: application/x-www-form-urlencoded\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), 20) as connection, connection.makefile("rb") as answer:
        connection.sendall(head.encode())
        # The application asks for the body: the request has begun.
        assert answer.readline().startswith(b"HTTP/1.1 100")
        assert answer.readline() == b"\r\n"
        server.process.terminate()
        assert refuses_connections(server)
        connection.sendall(body)
        assert answer.readline().startswith(b"HTTP/1.1 200")
        head_, _, rest = answer.read().partition(b"\r\n\r\n")
        assert b"no-store" in head_
    assert server.ended_within(SOON)
    assert server.process.returncode == 0

    server.start()
    answered = Tokens.read(httpx.Response(200, content=rest))
    assert Tokens.read(party.refresh(answered.refresh)).refresh != answered.refresh


def test_a_client_that_never_finishes_does_not_keep_the_server(seeded_once, running, tmp_path):
    server = seeded_once.copy(tmp_path / "patient")
    server.settings["REMIT_SERVER__DRAIN_SECONDS"] = "1"
    running.append(server)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port), 20) as connection:
        head = f"POST /t/acme/oauth/token HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\nexpect: 100-continue\r\n"
        connection.sendall(
            head.encode() + b"content-type: application/x-www-form-urlencoded\r\ncontent-length: 9\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        began = time.monotonic()
        assert server.end() == 0
        assert 1.0 <= time.monotonic() - began < SOON
    assert not (server.data / "remit.db-wal").exists()


def refuses_connections(server):
    """Wait until the listening socket is closed."""
    until = time.monotonic() + SOON
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", server.port), 1).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            continue  # it was in the queue when the socket was closed
    return False


def test_the_log_is_signed_to_its_last_entry(server, acme, party, tokens):
    assert server.end() == 0
    done = server.verify("acme")
    assert done.returncode == 0, done.stderr
    counts = re.search(r"(\d+) entries, .* (\d+) entries signed", done.stdout)
    assert counts is not None
    assert counts[1] == counts[2]


def test_a_stop_signal_under_load_loses_no_answer(server, acme, party, tokens):
    """Refresh in a circle while the signal comes: the last answer is the truth."""
    held = [tokens.refresh]

    def refresh_until_gone():
        with httpx.Client() as http:
            while True:
                try:
                    answer = http.post(acme["token_endpoint"], data=party.refresh_fields(held[-1]))
                except httpx.TransportError:
                    return
                held.append(Tokens.read(answer).refresh)

    worker = threading.Thread(target=refresh_until_gone)
    worker.start()
    while len(held) < 20:
        worker.join(0.01)
        assert worker.is_alive()
    assert server.end() == 0
    worker.join(SOON)
    server.start()
    assert Tokens.read(party.refresh(held[-1])).refresh not in held
