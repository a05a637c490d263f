"""DPoP at the authorization server (RFC 9449 §5-§10): tokens are bound, proofs are used once, nonces are asked for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from remit.core.oauth.dpop import DPOP_ALGS
from remit.services.provisioning.changes import change_client
from tests.http.api.world import api_of
from tests.kit.dpop import key_of, proof
from tests.kit.flows import (
    VERIFIER,
    approve,
    claims_of,
    introspect,
)
from tests.kit.flows import proof as identity
from tests.kit.world import CALENDAR, SEEDER, sure

OURS, THEIRS = key_of("ours"), key_of("theirs")
ALGS = 'algs="ES256 EdDSA Ed25519 PS256"'


def token_url(remit):
    return f"{remit.acme.issuer}/oauth/token"


def userinfo_url(remit):
    return f"{remit.acme.issuer}/oauth/userinfo"


async def ask(remit, client, shown, **fields):
    """Send a token request with the DPoP headers `shown`."""
    known = identity(remit, remit.acme, client)
    data = {**known.pop("data", {}), **fields}
    headers = [("DPoP", text) for text in shown]
    return await remit.http.post(token_url(remit), data=data, headers=headers, **known)


def fresh(remit, key=OURS, **changes):
    return proof(key, "POST", token_url(remit), at=remit.clock.now(), **changes)


async def itself(remit, *shown):
    return await ask(remit, remit.acme.web, shown, grant_type="client_credentials")


async def redeem(remit, client, code, *shown):
    return await ask(
        remit, client, shown, grant_type="authorization_code", code=code, code_verifier=VERIFIER, resource=CALENDAR
    )


async def refresh(remit, client, token, *shown):
    return await ask(remit, client, shown, grant_type="refresh_token", refresh_token=token)


async def approved(remit, client, **changes):
    return (await approve(remit, remit.acme, client, resource=CALENDAR, scope="openid read:calendar", **changes)).code


async def bound_tokens(remit, client, key=OURS):
    answer = await redeem(remit, client, await approved(remit, client), fresh(remit, key))
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer):
    return answer.status_code, answer.json()["error"]


async def require(remit, client):
    return sure(await change_client(remit.acme.tenant.id, remit.deps, SEEDER, replace(client, dpop_bound=True)))


@pytest.mark.requirement("DPOP-1", "DPOP-12", "DPOP-16", "INT-5", "OA-13")
async def test_a_proof_binds_the_token_to_its_key(remit):
    world = remit.acme
    answer, told = await remit.events_of(world, itself(remit, fresh(remit)))
    body = answer.json()
    assert body["token_type"] == "DPoP"
    assert claims_of(body["access_token"])["cnf"] == {"jkt": OURS.thumbprint()}
    assert [event["what"]["bound_to"] for event in told] == [OURS.thumbprint()]
    seen = await introspect(remit, world, body["access_token"])
    assert (seen["active"], seen["token_type"], seen["cnf"]) == (True, "DPoP", {"jkt": OURS.thumbprint()})


async def test_without_a_proof_a_token_is_a_bearer_token(remit):
    answer, told = await remit.events_of(remit.acme, itself(remit))
    assert answer.json()["token_type"] == "Bearer"
    assert "cnf" not in claims_of(answer.json()["access_token"])
    assert [event["what"]["bound_to"] for event in told] == [None]


@pytest.mark.requirement("DPOP-12")
async def test_a_client_that_is_bound_gets_nothing_without_a_proof(remit):
    await require(remit, remit.acme.web)
    answer, told = await remit.events_of(remit.acme, itself(remit))
    assert refused(answer) == (400, "invalid_dpop_proof")
    assert [(event["type"], event["what"]["code"]) for event in told] == [("token.refused", "invalid_dpop_proof")]
    assert (await itself(remit, fresh(remit))).json()["token_type"] == "DPoP"


@pytest.mark.requirement("DPOP-1", "DPOP-3", "DPOP-4", "DPOP-5", "DPOP-9", "DPOP-18", "GEN-10")
async def test_a_bad_proof_is_refused_and_a_good_one_still_works(remit):
    hour = timedelta(hours=1)
    now = remit.clock.now()
    url = token_url(remit)
    bad = {
        "two headers": (fresh(remit), fresh(remit)),
        "garbage": ("proof",),
        "empty": ("",),
        "another method": (proof(OURS, "GET", url, at=now),),
        "another endpoint": (proof(OURS, "POST", url + "/", at=now),),
        "another tenant": (proof(OURS, "POST", f"{remit.globex.issuer}/oauth/token", at=now),),
        "old": (proof(OURS, "POST", url, at=now - hour),),
        "early": (proof(OURS, "POST", url, at=now + hour),),
        "signed by another key": (fresh(remit, signer=THEIRS),),
    }
    for name, shown in bad.items():
        answer = await itself(remit, *shown)
        assert refused(answer) == (400, "invalid_dpop_proof"), name
    answer = await itself(remit, proof(OURS, "POST", url + "?a=b#c", at=now))
    assert answer.status_code == 200
    assert "dpop-nonce" in answer.headers["access-control-expose-headers"]


@pytest.mark.requirement("DPOP-6")
async def test_a_proof_is_good_once_however_many_try_at_the_same_time(remit):
    shown = fresh(remit)
    answers = await asyncio.gather(*(itself(remit, shown) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400, 400]
    assert {answer.json()["error"] for answer in answers if answer.status_code != 200} == {"invalid_dpop_proof"}


@pytest.mark.requirement("DPOP-14", "RT-1", "RT-2", "RT-7")
async def test_the_refresh_token_of_a_public_client_needs_its_key(remit):
    local = remit.acme.local
    first = await bound_tokens(remit, local)
    for shown in ((), (fresh(remit, THEIRS),)):
        assert refused(await refresh(remit, local, first["refresh_token"], *shown)) == (400, "invalid_grant")
    second = await refresh(remit, local, first["refresh_token"], fresh(remit))
    assert (second.status_code, second.json()["token_type"]) == (200, "DPoP")
    # Its answer got lost: the same key gets it again, another one does not, and ends nothing.
    assert refused(await refresh(remit, local, first["refresh_token"], fresh(remit, THEIRS))) == (400, "invalid_grant")
    again = await refresh(remit, local, first["refresh_token"], fresh(remit))
    assert again.json()["refresh_token"] == second.json()["refresh_token"]


@pytest.mark.requirement("DPOP-14")
async def test_a_public_client_may_begin_to_prove_its_key_and_is_held_to_it(remit):
    local = remit.acme.local
    first = (await redeem(remit, local, await approved(remit, local))).json()
    second = await refresh(remit, local, first["refresh_token"], fresh(remit))
    assert second.json()["token_type"] == "DPoP"
    assert refused(await refresh(remit, local, second.json()["refresh_token"])) == (400, "invalid_grant")


@pytest.mark.requirement("DPOP-14")
async def test_a_client_that_proves_itself_may_change_its_key(remit):
    web = remit.acme.web
    first = await bound_tokens(remit, web)
    second = await refresh(remit, web, first["refresh_token"], fresh(remit, THEIRS))
    assert claims_of(second.json()["access_token"])["cnf"] == {"jkt": THEIRS.thumbprint()}


@pytest.mark.requirement("DPOP-15")
async def test_a_code_that_is_bound_is_redeemed_by_its_key_alone(remit):
    web = remit.acme.web
    code = await approved(remit, web, dpop_jkt=OURS.thumbprint())
    for shown in ((), (fresh(remit, THEIRS),)):
        assert refused(await redeem(remit, web, code, *shown)) == (400, "invalid_grant")
    assert (await redeem(remit, web, code, fresh(remit))).json()["token_type"] == "DPoP"


@pytest.mark.requirement("DPOP-15")
async def test_a_thumbprint_that_is_none_is_told_to_the_client(remit):
    answer = await approve(remit, remit.acme, remit.acme.web, dpop_jkt="abc")
    assert answer.fields["error"] == "invalid_request"
    assert "dpop_jkt" in answer.fields["error_description"]


@pytest.mark.requirement("DPOP-6", "OA-11")
async def test_whoever_repeats_a_redemption_with_its_proof_ends_nothing(remit):
    web, shown = remit.acme.web, fresh(remit)
    code = await approved(remit, web)
    first = await redeem(remit, web, code, shown)
    assert refused(await redeem(remit, web, code, shown)) == (400, "invalid_dpop_proof")
    assert (await introspect(remit, remit.acme, first.json()["access_token"]))["active"]
    assert refused(await redeem(remit, web, code, fresh(remit))) == (400, "invalid_grant")
    assert not (await introspect(remit, remit.acme, first.json()["access_token"]))["active"]


async def tell(remit, token, *shown, scheme="DPoP", method="GET"):
    headers = [("authorization", f"{scheme} {token}"), *(("dpop", text) for text in shown)]
    return await remit.http.request(method, userinfo_url(remit), headers=headers)


def beside(remit, token, key=OURS, *, method="GET", **changes):
    return proof(key, method, userinfo_url(remit), at=remit.clock.now(), token=token, **changes)


@pytest.mark.requirement("DPOP-7", "OIDC-6")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("scheme", ["DPoP", "dpop"])
async def test_userinfo_takes_a_bound_token_with_its_proof(remit, method, scheme):
    token = (await bound_tokens(remit, remit.acme.web))["access_token"]
    answer = await tell(remit, token, beside(remit, token, method=method), scheme=scheme, method=method)
    assert answer.json() == {"sub": remit.acme.alice.id}


@pytest.mark.requirement("DPOP-6", "DPOP-7", "DPOP-10", "DPOP-13", "DPOP-18")
async def test_userinfo_refuses_a_bound_token_in_every_other_way(remit):
    world = remit.acme
    token = (await bound_tokens(remit, world.web))["access_token"]
    plain = (await redeem(remit, world.web, await approved(remit, world.web))).json()["access_token"]
    used = beside(remit, token)
    assert (await tell(remit, token, used)).status_code == 200
    bad = {
        "as a bearer token": (token, (), "Bearer", "invalid_token"),
        "as a bearer token with a proof": (token, (beside(remit, token),), "Bearer", "invalid_token"),
        "without a proof": (token, (), "DPoP", "invalid_dpop_proof"),
        "with two": (token, (beside(remit, token), beside(remit, token)), "DPoP", "invalid_dpop_proof"),
        "by another key": (token, (beside(remit, token, THEIRS),), "DPoP", "invalid_token"),
        "without ath": (token, (beside(remit, None),), "DPoP", "invalid_dpop_proof"),
        "for another token": (token, (beside(remit, plain),), "DPoP", "invalid_dpop_proof"),
        "for another method": (token, (beside(remit, token, method="POST"),), "DPoP", "invalid_dpop_proof"),
        "a second time": (token, (used,), "DPoP", "invalid_dpop_proof"),
        "a bearer token by DPoP": (plain, (beside(remit, plain),), "DPoP", "invalid_token"),
    }
    for name, (text, shown, scheme, error) in bad.items():
        answer, told = await remit.events_of(world, tell(remit, text, *shown, scheme=scheme))
        challenge = answer.headers["www-authenticate"]
        assert (answer.status_code, answer.content) == (401, b""), name
        assert challenge.startswith(scheme), name
        assert (f'error="{error}"' in challenge, ALGS in challenge) == (True, True), name
        assert {event["type"] for event in told} <= {"token.refused", "refusals.counted"}, name


@pytest.mark.requirement("DPOP-10", "BR-4")
async def test_without_a_token_both_schemes_are_named(remit):
    answer = await remit.http.get(userinfo_url(remit))
    assert answer.headers["www-authenticate"] == f'Bearer realm="remit", DPoP {ALGS}'


@pytest.mark.requirement("DPOP-5", "DPOP-9", "DPOP-11")
async def test_a_nonce_is_asked_for_and_good_for_a_while(asking):
    first = await itself(asking, fresh(asking))
    assert refused(first) == (400, "use_dpop_nonce")
    nonce = first.headers["dpop-nonce"]
    hour_off = timedelta(hours=1)
    answer = await itself(asking, proof(OURS, "POST", token_url(asking), at=asking.clock.now() - hour_off, nonce=nonce))
    assert (answer.status_code, answer.headers["dpop-nonce"]) == (200, nonce)
    asking.clock.forward(seconds=149)
    later = await itself(asking, fresh(asking, nonce=nonce))
    assert later.status_code == 200
    asking.clock.forward(seconds=300)
    assert refused(await itself(asking, fresh(asking, nonce=nonce))) == (400, "use_dpop_nonce")
    assert refused(await itself(asking, fresh(asking, nonce="made up"))) == (400, "use_dpop_nonce")
    assert "dpop-nonce" not in (await itself(asking)).headers


@pytest.mark.requirement("DPOP-6", "DPOP-11")
async def test_a_proof_with_a_nonce_is_good_once_too(asking):
    nonce = (await itself(asking, fresh(asking))).headers["dpop-nonce"]
    shown = fresh(asking, nonce=nonce)
    assert (await itself(asking, shown)).status_code == 200
    asking.clock.forward(seconds=140)
    assert refused(await itself(asking, shown)) == (400, "invalid_dpop_proof")


@pytest.mark.requirement("DPOP-10", "DPOP-11")
async def test_a_resource_has_nonces_of_its_own(asking):
    nonce = (await itself(asking, fresh(asking))).headers["dpop-nonce"]
    code = await approved(asking, asking.acme.web)
    token = (await redeem(asking, asking.acme.web, code, fresh(asking, nonce=nonce))).json()["access_token"]
    answer = await tell(asking, token, beside(asking, token, nonce=nonce))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("DPoP ")
    assert 'error="use_dpop_nonce"' in answer.headers["www-authenticate"]
    other = answer.headers["dpop-nonce"]
    assert other != nonce
    assert (await tell(asking, token, beside(asking, token, nonce=other))).status_code == 200


@pytest.mark.requirement("DPOP-7", "DPOP-13")
async def test_the_api_takes_bound_tokens_too(remit):
    url = f"{remit.acme.issuer}/api/v1/agents"
    token = (await api_of(remit, remit.acme, dpop=fresh(remit))).token
    shown = proof(OURS, "GET", url, at=remit.clock.now(), token=token)

    async def call(scheme, *proofs):
        headers = [("authorization", f"{scheme} {token}"), *(("dpop", text) for text in proofs)]
        return await remit.http.get(url + "?limit=2", headers=headers)

    assert (await call("DPoP", shown)).status_code == 200
    for scheme, proofs, error in (
        ("DPoP", (shown,), "invalid_dpop_proof"),
        ("DPoP", (), "invalid_dpop_proof"),
        ("Bearer", (), "invalid_token"),
        ("DPoP", (proof(THEIRS, "GET", url, at=remit.clock.now(), token=token),), "invalid_token"),
    ):
        refusal = await call(scheme, *proofs)
        assert (refusal.status_code, refusal.json()["code"]) == (401, error)
        assert refusal.headers["www-authenticate"].startswith(scheme)


@pytest.mark.requirement("DPOP-16")
async def test_the_metadata_names_the_algorithms(remit):
    issuer = remit.acme.issuer.removeprefix("https://id.example")
    for document in (
        f"/.well-known/oauth-authorization-server{issuer}",
        f"/.well-known/oauth-protected-resource{issuer}/api",
    ):
        assert (await remit.http.get(document)).json()["dpop_signing_alg_values_supported"] == list(DPOP_ALGS)
