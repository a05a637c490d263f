"""Python's OAuth libraries, as their users call them, against a running server."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any

import httpx
import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from httpx_oauth.clients.openid import OpenID
from joserfc import jwk, jwt
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

from tests.flows.client import Browser

SCOPE = "read:calendar"
FULL = f"openid offline_access {SCOPE}"
RFC_9068_CLAIMS = {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"}

pytestmark = pytest.mark.usefixtures("server")


@pytest.fixture(scope="module")
def server(seeded_once, tmp_path_factory):
    """One server for all libraries: each line is its own."""
    made = seeded_once.copy(tmp_path_factory.mktemp("libraries") / "instance").start()
    yield made
    assert made.end() == 0


@pytest.fixture
def client(acme):
    return acme["clients"]["conf1"]


@pytest.fixture
def metadata(acme, server):
    """Discover as a library does that knows nothing but the issuer (RFC 8414 §3.1)."""
    found = httpx.get(f"{server.base}/.well-known/oauth-authorization-server/t/acme").json()
    assert found["issuer"] == acme["issuer"]
    return found


@pytest.fixture(autouse=True)
def plain_http(monkeypatch):
    # oauthlib refuses plain http everywhere, on loopback too.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def allow(url):
    with Browser() as alice:
        return alice.allow(url)


def challenge(verifier):
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def ask_for_token(acme, client, **parameters):
    credentials = client["client_id"], client["client_secret"]
    return httpx.post(acme["token_endpoint"], data=parameters, auth=credentials)


def assert_usable(token, *, refresh=True):
    assert token["token_type"].lower() == "bearer"
    assert 0 < int(token["expires_in"]) <= 1800
    assert bool(token.get("refresh_token")) is refresh


def refresh(acme, client, token):
    return ask_for_token(acme, client, grant_type="refresh_token", refresh_token=token)


def test_requests_oauthlib_refreshes_by_itself_and_reuse_ends_the_line(acme, client, metadata):
    rotated: list[dict[str, Any]] = []
    with OAuth2Session(
        client["client_id"],
        scope=SCOPE.split(),
        redirect_uri=client["redirect_uri"],
        pkce="S256",
        auto_refresh_url=metadata["token_endpoint"],
        auto_refresh_kwargs={"client_id": client["client_id"], "client_secret": client["client_secret"]},
        token_updater=rotated.append,
    ) as session:
        url, _ = session.authorization_url(metadata["authorization_endpoint"], prompt="consent")
        first = dict(
            session.fetch_token(
                metadata["token_endpoint"],
                authorization_response=allow(url),
                client_secret=client["client_secret"],
                include_client_id=None,
            )
        )
        assert_usable(first)

        # Any request with a token that is over triggers the refresh first.
        session.token = {**first, "expires_in": -5, "expires_at": time.time() - 5}
        assert session.get(metadata["jwks_uri"]).status_code == 200
        assert len(rotated) == 1
        second = rotated[0]
        assert second["refresh_token"] != first["refresh_token"]

        third = refresh(acme, client, second["refresh_token"])
        assert third.status_code == 200
        # The successor was used, so the first one can only be a copy in wrong hands.
        for token in (first["refresh_token"], third.json()["refresh_token"]):
            answer = refresh(acme, client, token)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_requests_oauthlib_acts_for_the_agent_itself_without_a_refresh_token(client, metadata):
    with OAuth2Session(client=BackendApplicationClient(client["client_id"], scope=SCOPE)) as session:
        token = session.fetch_token(
            metadata["token_endpoint"],
            client_id=client["client_id"],
            client_secret=client["client_secret"],
            scope=SCOPE,
        )
        assert_usable(token, refresh=False)


def test_authlib_redeems_introspects_and_revokes(client, metadata):
    with OAuth2Client(
        client["client_id"],
        client["client_secret"],
        scope=FULL,
        redirect_uri=client["redirect_uri"],
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",
    ) as session:
        verifier = secrets.token_urlsafe(48)
        url, _ = session.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier, prompt="consent"
        )
        token = session.fetch_token(
            metadata["token_endpoint"], authorization_response=allow(url), code_verifier=verifier
        )
        assert_usable(token)
        live = session.introspect_token(
            metadata["introspection_endpoint"], token=token["access_token"], token_type_hint="access_token"
        )
        assert live.json()["active"] is True

        revoked = session.revoke_token(
            metadata["revocation_endpoint"], token=token["refresh_token"], token_type_hint="refresh_token"
        )
        assert revoked.status_code == 200
        with pytest.raises(OAuthError) as refused:
            session.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
        assert refused.value.error == "invalid_grant"
        dead = session.introspect_token(
            metadata["introspection_endpoint"], token=token["access_token"], token_type_hint="access_token"
        )
        assert dead.json() == {"active": False}


def test_a_jose_library_verifies_what_authlib_got(acme, client, metadata):
    with OAuth2Client(client["client_id"], client["client_secret"], scope=SCOPE) as session:
        token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
        keys = jwk.KeySet.import_key_set(httpx.get(metadata["jwks_uri"]).json())
        decoded = jwt.decode(token["access_token"], keys, algorithms=["ES256"])

        assert decoded.header["typ"] == "at+jwt"
        assert decoded.claims.keys() >= RFC_9068_CLAIMS
        assert decoded.claims["iss"] == acme["issuer"]
        assert decoded.claims["aud"] == client["default_resource"]


async def test_httpx_oauth_refreshes_and_revokes(acme, client, server):
    library = OpenID(
        client["client_id"],
        client["client_secret"],
        f"{acme['issuer']}/.well-known/openid-configuration",
        base_scopes=FULL.split(),
    )
    verifier = secrets.token_urlsafe(48)
    url = await library.get_authorization_url(
        client["redirect_uri"],
        state="s",
        code_challenge=challenge(verifier),
        code_challenge_method="S256",
        extras_params={"prompt": "consent"},
    )
    code = httpx.URL(allow(url)).params["code"]
    token = await library.get_access_token(code, client["redirect_uri"], verifier)
    assert_usable(token)
    renewed = await library.refresh_token(token["refresh_token"])
    assert renewed["access_token"] != token["access_token"]

    await library.revoke_token(renewed["refresh_token"], "refresh_token")
    assert refresh(acme, client, renewed["refresh_token"]).json()["error"] == "invalid_grant"


def authorization(acme, client, **changes):
    request = {
        "client_id": client["client_id"],
        "response_type": "code",
        "redirect_uri": client["redirect_uri"],
        "scope": SCOPE,
        "state": "x",
    }
    return httpx.get(acme["authorization_endpoint"], params=request | changes)


def test_what_no_client_may_do_is_refused_in_the_words_of_the_standard(acme, client):
    without_pkce = authorization(acme, client)
    assert without_pkce.is_redirect
    led = httpx.URL(without_pkce.headers["location"]).params
    assert (led["error"], led["state"], "code" in led) == ("invalid_request", "x", False)

    untrusted = authorization(acme, client, redirect_uri="http://evil.example/cb")
    assert untrusted.status_code == 400
    assert "location" not in untrusted.headers

    password = ask_for_token(acme, client, grant_type="password", username="a", password="b")
    assert (password.status_code, password.json()["error"]) == (400, "unsupported_grant_type")

    stranger = ask_for_token(acme, {**client, "client_secret": "wrong"}, grant_type="client_credentials")
    assert (stranger.status_code, stranger.json()["error"]) == (401, "invalid_client")
    assert stranger.headers["www-authenticate"].lower().startswith("basic")
