"""Forged tokens at a guarded API, userinfo and introspection: none passes, and nobody fetches a stranger's keys."""

from __future__ import annotations

import asyncio
import http.server
import json
import secrets
import sys
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from remit.core.oauth.pkce import challenge_of
from tests.interop.browse import browse
from tests.interop.forgeries import Forger, forgeries
from tests.interop.served import free_port, running

DOORS = ("a guarded API", "userinfo", "introspection")
BY_HEADER = DOORS[:2]
REFUSED = {400, 401}
SCOPES = "openid email read:calendar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Siege:
    """The doors by name, a token that opens them, and who knocked at the forger's own web server."""

    doors: dict[str, str]
    resource: tuple[str, str]
    access: str
    id_token: str
    forger: Forger
    knocks: list[str]
    http: httpx.Client

    def knock(self, door: str, token: str, **more: Any) -> int:
        """Return the status, or what a resource server makes of an introspection."""
        if door == "introspection":
            answer = self.http.post(self.doors[door], data={"token": token}, auth=self.resource)
            assert answer.status_code in {200, 400}, answer.text
            return 200 if answer.status_code == 200 and answer.json() != {"active": False} else 401
        return self.http.get(self.doors[door], headers={"authorization": f"Bearer {token}"}, **more).status_code


@pytest.fixture(scope="module")
def siege(server, tmp_path_factory):
    tenant = server.seed["tenants"]["acme"]
    calendar, port = tenant["resources"]["R1"], free_port()
    words = [server.issuer, calendar["uri"], calendar["client_id"], calendar["client_secret"], str(port)]
    log = tmp_path_factory.mktemp("guarded") / "api.log"
    with (
        running([sys.executable, "-m", "tests.interop.guarded_api", *words], port, log),
        httpx.Client(timeout=20) as http,
        strangers_keys() as (place, knocks, keys),
    ):
        tokens = _tokens(http, tenant)
        forger = Forger(tokens["access_token"], http.get(tenant["jwks_uri"]).json(), place)
        keys["keys"] = [forger.jwk(kid=forger.header["kid"]), forger.jwk()]
        yield Siege(
            doors={
                "a guarded API": f"http://127.0.0.1:{port}/events",
                "userinfo": tenant["userinfo_endpoint"],
                "introspection": tenant["introspection_endpoint"],
            },
            resource=(calendar["client_id"], calendar["client_secret"]),
            access=tokens["access_token"],
            id_token=tokens["id_token"],
            forger=forger,
            knocks=knocks,
            http=http,
        )


class strangers_keys:  # noqa: N801 - reads as a verb where it is used
    """A web server with the forger's keys at every address, that remembers who asked."""

    def __enter__(self) -> tuple[str, list[str], dict[str, Any]]:
        knocks: list[str] = []
        keys: dict[str, Any] = {}

        class Keys(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                knocks.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(keys).encode())

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_address[1]}", knocks, keys

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _tokens(http: httpx.Client, tenant: Any) -> Any:
    client, verifier = tenant["clients"]["conf1"], secrets.token_urlsafe(48)
    asked = {
        "response_type": "code",
        "client_id": client["client_id"],
        "redirect_uri": client["redirect_uri"],
        "scope": SCOPES,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
        "prompt": "consent",
    }
    address = str(httpx.URL(tenant["authorization_endpoint"], params=asked))
    answer = parse_qs(urlsplit(asyncio.run(browse(address, client["redirect_uri"]))).query)
    shown = {
        "grant_type": "authorization_code",
        "code": answer["code"][0],
        "redirect_uri": client["redirect_uri"],
        "code_verifier": verifier,
    }
    response = http.post(tenant["token_endpoint"], data=shown, auth=(client["client_id"], client["client_secret"]))
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("door", DOORS)
def test_the_good_token_opens(siege, door):
    # Without this every refusal below could be a door that never opens.
    assert siege.knock(door, siege.access) == 200


@pytest.mark.requirement("BCP-17", "BR-5", "JAT-5", "JAT-6")
@pytest.mark.parametrize("door", DOORS)
def test_no_forgery_opens(siege, door):
    answers = {name: siege.knock(door, token) for name, token in forgeries(siege.forger).items()}
    assert {name: status for name, status in answers.items() if status not in REFUSED} == {}
    assert len(answers) > 30


@pytest.mark.requirement("JAT-5")
@pytest.mark.parametrize("door", DOORS)
def test_an_id_token_is_no_access_token(siege, door):
    assert siege.knock(door, siege.id_token) == 401


@pytest.mark.parametrize("door", BY_HEADER)
def test_a_token_in_the_address_is_refused(siege, door):
    assert siege.http.get(siege.doors[door], params={"access_token": siege.access}).status_code in REFUSED
    assert siege.knock(door, siege.access, params={"access_token": siege.access}) in REFUSED


@pytest.mark.parametrize("door", BY_HEADER)
@pytest.mark.parametrize("second", ["Bearer x", "Basic eDp5"])
@pytest.mark.parametrize("good_first", [True, False], ids=["good first", "good last"])
def test_of_two_headers_none_counts(siege, door, second, good_first):
    headers = [("authorization", f"Bearer {siege.access}"), ("authorization", second)]
    response = siege.http.get(siege.doors[door], headers=headers if good_first else headers[::-1])
    assert response.status_code in REFUSED


@pytest.mark.requirement("BCP-17", "BCP-19", "GEN-16")
def test_nobody_fetched_keys_from_where_a_token_said(siege):
    for door in DOORS:
        for token in forgeries(siege.forger).values():
            siege.knock(door, token)
    assert siege.knocks == []
