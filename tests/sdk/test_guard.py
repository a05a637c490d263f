"""What a guarded application answers, table by table."""

from __future__ import annotations

import asyncio

import pytest

from remit_sdk.caller import caller_of, calling
from tests.sdk.issuer import RESOURCE
from tests.sdk.test_forged_tokens import check, good

METADATA = f'resource_metadata="{RESOURCE}/.well-known/oauth-protected-resource"'
ALGS = 'algs="ES256 EdDSA Ed25519 PS256"'


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.requirement("BR-7")
async def test_a_good_token_reaches_the_handler_with_its_caller(client, issuer):
    token = issuer.token(jti="at_1")
    answer = await client.get("/events", headers=bearer(token))
    assert answer.status_code == 200
    claims = issuer.claims()
    assert answer.json() == {
        "sub": "usr_alice",
        "user": "usr_alice",
        "agent": "agt_helper",
        "client": "cli_helper",
        "tenant": "ten_acme",
        "scopes": ["read:calendar"],
        "grant": "grt_1",
        "line": "lin_1",
        "purpose": "plan the week",
        "jti": "at_1",
        "expires_at": claims["exp"],
    }
    assert answer.headers["cache-control"] == "private"


async def test_a_token_without_a_user_says_so(client, issuer):
    token = issuer.token(sub="agt_helper", line_id=..., sid=...)
    answer = await client.get("/events", headers=bearer(token))
    assert answer.json()["user"] is None
    assert answer.json()["line"] is None


@pytest.mark.requirement("BR-1")
async def test_the_scheme_is_read_in_any_case(client, issuer):
    for scheme in ("bearer", "BEARER", "bEaReR"):
        answer = await client.get("/events", headers={"Authorization": f"{scheme} {issuer.token()}"})
        assert answer.status_code == 200, scheme


async def test_what_the_api_says_about_caching_stays(client, issuer):
    token = issuer.token(scope="read:calendar write:calendar")
    answer = await client.post("/events", headers=bearer(token), content=b"x" * 100)
    assert answer.headers["cache-control"] == "max-age=5"
    assert answer.content == b"x" * 100


@pytest.mark.requirement("BR-2", "BR-7", "BR-9", "PRM-6")
async def test_no_credentials_earn_a_challenge_without_error(client):
    answer = await client.get("/events")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == f'Bearer scope="read:calendar", {METADATA}, DPoP {ALGS}'
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.requirement("BR-3", "BR-8", "BR-9")
async def test_too_little_scope_is_told_what_is_needed_for_this_call(client, issuer):
    answer = await client.delete("/events/7", headers=bearer(issuer.token()))
    assert answer.status_code == 403
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer error="insufficient_scope", error_description="')
    assert challenge.endswith(f', scope="delete:calendar", {METADATA}')
    assert answer.json()["scope"] == "delete:calendar"
    assert f'error_uri="{issuer.base}/docs#insufficient_scope"' in challenge
    assert answer.json()["error_uri"] == f"{issuer.base}/docs#insufficient_scope"


@pytest.mark.requirement("BR-8")
async def test_all_missing_scopes_are_told_at_once(client, issuer):
    answer = await client.post("/events", headers=bearer(issuer.token(scope="other")))
    assert 'scope="read:calendar write:calendar"' in answer.headers["www-authenticate"]


MALFORMED = {
    "two headers": [("Authorization", "Bearer {token}"), ("Authorization", "Bearer {token}")],
    "two headers, one of another scheme": [("Authorization", "Bearer {token}"), ("Authorization", "Basic eDp5")],
    "two tokens joined by a comma": [("Authorization", "Bearer {token},{token}")],
    "two tokens joined by a space": [("Authorization", "Bearer {token} {token}")],
    "a scheme and nothing else": [("Authorization", "Bearer")],
    "an empty header": [("Authorization", "")],
    "a parameter instead of a token": [("Authorization", 'Bearer token="{token}"')],
}


@pytest.mark.requirement("BR-3")
@pytest.mark.parametrize("headers", MALFORMED.values(), ids=MALFORMED)
async def test_ambiguous_credentials_are_malformed(client, issuer, headers):
    token = issuer.token()
    answer = await client.get("/events", headers=[(name, value.format(token=token)) for name, value in headers])
    assert answer.status_code == 400
    assert 'error="invalid_request"' in answer.headers["www-authenticate"]


QUERIES = {
    "in the query": "access_token={token}",
    "in the query, percent-encoded": "acc%65ss_token={token}",
    "in the query, empty": "access_token=",
    "in the query beside others": "a=1&access_token={token}&b=2",
}


@pytest.mark.requirement("BR-1")
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
@pytest.mark.parametrize("also", [True, False], ids=["with a header too", "alone"])
async def test_a_token_in_the_query_is_refused(client, issuer, query, also):
    token = issuer.token()
    headers = bearer(token) if also else {}
    answer = await client.get(f"/events?{query.format(token=token)}", headers=headers)
    assert answer.status_code == 400


@pytest.mark.requirement("BR-1")
@pytest.mark.parametrize("also", [True, False], ids=["with a header too", "alone"])
async def test_a_token_in_a_form_is_refused(client, issuer, also):
    token = issuer.token(scope="read:calendar write:calendar")
    headers = bearer(token) if also else {}
    answer = await client.post("/events", headers=headers, data={"a": "1", "access_token": token})
    assert answer.status_code == 400


async def test_an_innocent_form_reaches_the_handler_whole(client, issuer):
    token = issuer.token(scope="read:calendar write:calendar")
    answer = await client.post("/events", headers=bearer(token), data={"title": "x" * 100_000})
    assert answer.content == b"title=" + b"x" * 100_000


UNLISTED = {
    "an operation that is not listed": ("GET", "/secret"),
    "a method that is not listed": ("PUT", "/events"),
    "a longer path": ("DELETE", "/events/7/parts"),
    "a doubled slash": ("GET", "//events"),
    "a dot segment": ("GET", "/files/../secret"),
    "an encoded dot segment": ("GET", "/files/%2e%2e/secret"),
    "a backslash": ("GET", "/files/..%5csecret"),
}


@pytest.mark.parametrize(("method", "path"), UNLISTED.values(), ids=UNLISTED)
@pytest.mark.parametrize("known", [True, False], ids=["with a token", "without one"])
async def test_what_is_not_listed_is_refused(client, issuer, method, path, known):
    request = client.build_request(method, "http://127.0.0.1:9400/", headers=bearer(issuer.token()) if known else {})
    request.url = request.url.copy_with(raw_path=path.encode())
    answer = await client.send(request)
    assert answer.status_code == 403
    assert answer.json()["error"] == "unknown_route"
    assert "www-authenticate" not in answer.headers


async def test_public_operations_are_open_and_have_no_caller(client):
    answer = await client.get("/health")
    assert answer.text == "nobody"


async def test_a_public_operation_does_not_inherit_an_outer_caller(client):
    outer = caller_of(check(good()), scopes=frozenset(), presented="")
    with calling(outer):
        assert (await client.get("/health")).text == "nobody"


CLOCKS = {
    "time passes": (900, 900),
    "the clock is put forward": (900, 0),
    "the clock is put back while time passes": (-3_600, 900),
}


@pytest.mark.parametrize(("wall", "steady"), CLOCKS.values(), ids=CLOCKS)
async def test_a_known_token_dies_on_time_whatever_the_clock_does(client, issuer, clock, wall, steady):
    token = issuer.token()
    assert (await client.get("/events", headers=bearer(token))).status_code == 200
    clock.wall += wall
    clock.steady += steady
    assert (await client.get("/events", headers=bearer(token))).status_code == 401


@pytest.mark.requirement("PRM-1", "PRM-2", "PRM-3", "PRM-4", "PRM-5")
async def test_the_metadata_names_resource_and_issuer(client, issuer):
    answer = await client.get("/.well-known/oauth-protected-resource")
    assert answer.json() == {
        "resource": RESOURCE,
        "authorization_servers": [issuer.base],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "Ed25519", "PS256"],
        "scopes_supported": ["read:calendar"],
        "resource_name": "Calendar",
    }


@pytest.mark.requirement("BR-5")
async def test_a_stop_is_felt_although_the_token_has_minutes_left(client, issuer, clock):
    token = issuer.token()
    assert (await client.get("/events", headers=bearer(token))).status_code == 200
    issuer.stop("agent", "agt_helper")

    async with asyncio.timeout(1):  # the promise: felt within a second
        while (await client.get("/events", headers=bearer(token))).status_code == 200:
            await asyncio.sleep(0)
    answer = await client.get("/events", headers=bearer(token))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert issuer.hits.get("introspect") is None
    fresh = issuer.token()
    assert (await client.get("/events", headers=bearer(fresh))).status_code == 200, "resumed: newer tokens are good"
