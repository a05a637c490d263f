"""LOG: what somebody sends is not written down, however it is called and whichever way it comes."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import sqlite3

import httpx
import pytest

from remit.telemetry.names import FIELDS, LogEvent
from tests.operations.test_canaries import found

SCHEMES = ("Bearer", "Basic", "DPoP", "Digest", "Negotiate", "ApiKey", "AWS4-HMAC-SHA256", "bEaReR", "")
HEADERS = (
    *("x-new-secret", "x-api-key", "x-auth-token", "x-amz-security-token", "x-vault-token", "private-token"),
    *("proxy-authorization", "dpop", "x-forwarded-for", "forwarded", "x-real-ip", "x-request-id", "x-correlation-id"),
    *("traceparent", "tracestate", "baggage", "user-agent", "referer", "origin", "from", "accept", "if-match"),
    *("accept-language", "idempotency-key", "content-type", "x-http-method-override", "sec-fetch-site"),
)
PATHS = ("/oauth/userinfo", "/oauth/token", "/oauth/authorize", "/api/v1/agents", "/decisions", "/account", "/nowhere")
ANSWERED = {"request", "trace", "tenant", "method", "route", "status", "ms", "event", "level", "at"}


@pytest.mark.parametrize("level", ["info", "debug"])
def test_b_log_01_what_is_logged_is_a_closed_list_and_no_header_is_on_it(seeded_once, tmp_path, running, level):
    planted: dict[str, str] = {}

    def canary(name: str) -> str:
        return planted.setdefault(name, "Cn" + secrets.token_urlsafe(24))

    server = seeded_once.copy(tmp_path / "instance")
    server.settings |= {"REMIT_LOG__LEVEL": level}
    running.append(server)
    server.start()
    issuer = f"{server.base}/t/acme"
    with httpx.Client(base_url=server.base) as http:
        for path in PATHS:
            sent = [{name: canary(f"{name} at {path}")} for name in HEADERS]
            sent += [{"authorization": f"{scheme} {canary(f'{scheme} at {path}')}".strip()} for scheme in SCHEMES]
            sent += [{"cookie": f"{name}={canary(f'{name} at {path}')}"} for name in ("sid", "__Host-remit_acme", "x")]
            sent += [{canary(f"a name at {path}"): "1"}]
            for headers in sent:
                http.get(f"{issuer}{path}", headers=headers)
                http.post(f"{issuer}{path}", headers=headers, content=b"grant_type=client_credentials")
            http.get(f"{issuer}{path}/{canary(f'path {path}')}", params={canary(f"query {path}"): "1"})
            http.post(f"{issuer}{path}", json={canary(f"member {path}"): canary(f"value {path}")})
        http.get(f"{server.base}/t/{canary('tenant')}/oauth/token")
    # No client would send these: a method that nobody knows, and lines that are no HTTP.
    for line in (
        canary("method"),
        f"GET /{canary('raw path')}\x01",
        f"GET / HTTP/1.1\r\nx: {canary('bad header')}\x00",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as bare:
            bare.sendall(f"{line} / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n".encode())
            while bare.recv(4096):
                pass
    assert server.end() == 0

    text = server.log.read_text("utf-8").splitlines()
    lines = [json.loads(line) for line in text if line.startswith("{")]
    # What is no line of a log is the greeting, to whoever started it.
    greeting = [line for line in text if not line.startswith("{")]
    assert [line for line in greeting if not line.startswith("Remit serves")] == []
    assert {line["event"] for line in lines} <= set(LogEvent)
    assert [line for line in lines if not line.keys() <= FIELDS.keys()] == []
    answered = [line for line in lines if line["event"] == "request.answered"]
    assert len(answered) > len(planted)
    assert {frozenset(line) for line in answered} == {frozenset(ANSWERED)}
    with contextlib.closing(sqlite3.connect(server.data / "remit.db")) as database:
        dump = "\n".join(database.iterdump()).encode()
        events = b"".join(bytes(body) for (body,) in database.execute("select body from event"))
    assert b"token.refused" in events
    places = {"the log": server.log.read_bytes(), "a dump": dump, "events": events}
    assert found(planted, places) == []
