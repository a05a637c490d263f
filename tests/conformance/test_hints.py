"""Whom a client means, and what it would like: `id_token_hint` and its kin (OpenID Connect Core §3.1.2.1; OIDC)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from remit.core.keys import KeyState, KeyUse
from remit.core.stops import TargetKind
from remit.crypto.compact import write_base64url
from remit.services.signing_keys import rotate_keys
from tests.crypto.making import ACME, a_ring, compact, keys_of, private_of
from tests.kit.flows import (
    act_for_itself,
    answer_of,
    approve,
    ask,
    claims_of,
    get_tokens,
    pushed,
    redeem,
    request_for,
    request_object,
    sign_in,
    userinfo,
    visit,
)
from tests.kit.pages import form_to
from tests.kit.stops import stop
from tests.kit.world import SEEDER, sure

OPEN: dict[str, Any] = {"scope": "openid read:calendar"}


async def id_token(remit, world, **changes):
    return (await get_tokens(remit, world, world.web, **OPEN, **changes))["id_token"]


@pytest.mark.requirement("OIDC-5")
async def test_the_user_who_is_meant_is_not_asked(remit):
    world = remit.acme
    async with remit.browser() as browser:
        hint = await id_token(remit, world, browser=browser)
        asked = request_for(world.web, **OPEN, id_token_hint=hint, prompt="none")
        assert answer_of(await ask(browser, world, asked)).code


@pytest.mark.requirement("OIDC-5")
async def test_nobody_answers_for_the_user_who_is_meant(remit):
    world = remit.acme
    hint = await id_token(remit, world)
    async with remit.browser() as browser:
        await visit(browser, world, "mallory@example.com")
        # Mallory has approved the very same: without the hint she would get a code, unseen.
        await approve(remit, world, world.web, browser=browser, **OPEN)
        asked = request_for(world.web, **OPEN)
        assert answer_of(await ask(browser, world, asked | {"prompt": "none"})).code
        answer = answer_of(await ask(browser, world, asked | {"prompt": "none", "id_token_hint": hint}))
        assert answer.fields["error"] == "login_required"
        remit.clock.forward(seconds=1)
        page = await ask(browser, world, asked | {"id_token_hint": hint})
        assert page.url.path.endswith("/login")
        # Alice signs in, and it goes on.
        page = await sign_in(browser, page)
        assert page.url.path.endswith("/consent") or answer_of(page).code


@pytest.mark.requirement("OIDC-5")
async def test_whoever_signs_in_in_her_place_is_sent_back_without_a_code(remit):
    world = remit.acme
    hint = await id_token(remit, world)
    async with remit.browser() as browser:
        page = await ask(browser, world, request_for(world.web, **OPEN, id_token_hint=hint))
        page = await sign_in(browser, page, "mallory@example.com")
        assert answer_of(page).fields["error"] == "login_required"


@pytest.mark.requirement("OIDC-5")
async def test_a_hint_may_be_old_and_its_key_gone(remit):
    world = remit.acme
    async with remit.browser() as browser:
        hint = await id_token(remit, world, browser=browser)
        sure(await rotate_keys(world.tenant.id, remit.deps, SEEDER, use=KeyUse.ID))
        async with remit.deps.db.work(world.tenant.id) as work:
            retiring = [key.kid for key in await work.keys.all() if key.state is KeyState.RETIRING]
        assert retiring
        for kid in retiring:
            await stop(remit, world, TargetKind.KID, kid)
        remit.clock.forward(hours=1)
        asked = request_for(world.web, **OPEN, id_token_hint=hint, prompt="none")
        assert answer_of(await ask(browser, world, asked)).code


async def signed_by(remit, world, use, alg, **changes):
    """Sign what nobody here would sign, with a key of ours."""
    async with remit.deps.db.read(world.tenant.id) as work:
        key = next(key for key in await work.keys.all() if (key.use, key.alg) == (use, alg))
    claims = {"iss": world.issuer, "sub": world.alice.id, "aud": world.web.id} | changes
    return compact({"alg": alg, "kid": key.kid, "typ": "JWT"}, claims, private_of(world.tenant, key))


async def forged(remit, world):
    """What is no id token of this issuer, whatever else it may be."""
    tokens = await get_tokens(remit, world, world.web, **OPEN)
    good = tokens["id_token"]
    head, body, signature = good.split(".")
    other = json.dumps({**claims_of(good), "sub": world.mallory.id}).encode()
    return {
        "an access token": tokens["access_token"],
        "the token of an agent": (await act_for_itself(remit, world, world.web)).json()["access_token"],
        "an id token of another tenant": await id_token(remit, remit.globex),
        "an id token of a stranger": a_ring().sign_id(
            ACME, keys_of(ACME), "RS256", {"sub": world.alice.id}, access_token="x"
        ),
        "another user": f"{head}.{write_base64url(other).decode()}.{signature}",
        "no signature": f"{head}.{body}.",
        "no token": "usr_1",
        "a key for something else": await signed_by(remit, world, KeyUse.ACCESS, "ES256"),
        "another issuer": await signed_by(remit, world, KeyUse.ID, "RS256", iss=remit.globex.issuer),
        "nobody": await signed_by(remit, world, KeyUse.ID, "RS256", sub=None),
        "a number": await signed_by(remit, world, KeyUse.ID, "RS256", sub=1),
    }


@pytest.mark.requirement("OIDC-5")
async def test_what_the_forgeries_start_from_is_good(remit):
    world = remit.acme
    hint = await signed_by(remit, world, KeyUse.ID, "RS256")
    async with remit.browser() as browser:
        assert (await ask(browser, world, request_for(world.web, **OPEN, id_token_hint=hint))).status_code == 200


@pytest.mark.requirement("OIDC-5", "BCP-17", "BCP-18")
async def test_what_is_no_id_token_of_ours_is_refused(remit):
    world = remit.acme
    for what, text in (await forged(remit, world)).items():
        answer = answer_of(
            await remit.http.get(
                f"{world.issuer}/oauth/authorize", params=request_for(world.web, **OPEN, id_token_hint=text)
            )
        )
        assert (answer.fields["error"], "id_token_hint" in answer.fields["error_description"]) == (
            "invalid_request",
            True,
        ), what


WISHES = {
    "a page of another kind": {"display": "popup"},
    "a kind of page that nobody knows": {"display": "hologram"},
    "other languages": {"ui_locales": "fr-CA fr en", "claims_locales": "fr"},
    "a strength that nobody reaches": {"acr_values": "urn:example:gold phrh"},
    "claims that nobody knows": {"claims": '{"id_token": {"shoe_size": {"essential": true}}, "more": 1}'},
    "an address": {"login_hint": "alice@example.com"},
}


@pytest.mark.requirement("OIDC-5")
@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
async def test_what_a_client_would_like_does_no_harm(remit, wish):
    world = remit.acme
    code = (await approve(remit, world, world.web, **OPEN, **wish)).code
    tokens = (await redeem(remit, world, world.web, code)).json()
    assert tokens["scope"] == OPEN["scope"]


@pytest.mark.requirement("OIDC-5")
async def test_a_login_hint_fills_in_the_address(remit):
    world = remit.acme
    async with remit.browser() as browser:
        page = await ask(browser, world, request_for(world.web, login_hint='alice@example.com"><script>'))
        assert form_to(page, "/login").value("email") == 'alice@example.com"><script>'


@pytest.mark.requirement("OIDC-5")
async def test_a_claim_is_asked_for_with_the_scope_that_opens_it(remit):
    world = remit.acme
    asked = {**OPEN, "claims": '{"userinfo": {"name": {"essential": true}}, "id_token": {"email": null}}'}
    tokens = await get_tokens(remit, world, world.web, **asked)
    assert tokens["scope"] == "email openid profile read:calendar"
    assert claims_of(tokens["id_token"])["email"] == "alice@example.com"
    assert (await userinfo(remit, world, tokens["access_token"])).json()["name"] == "Alice"
    # The person decides about it like about everything else, and a request that is none of OpenID has no claims.
    tokens = await get_tokens(remit, world, world.web, **asked, untick=["email"], prompt="consent")
    assert "email" not in claims_of(tokens["id_token"])
    tokens = await get_tokens(remit, world, world.web, **{**asked, "scope": "read:calendar"})
    assert tokens["scope"] == "read:calendar"


@pytest.mark.requirement("OIDC-5", "OIDC-10", "JAR-1")
async def test_claims_may_stand_in_a_signed_and_in_a_pushed_request(remit):
    world = remit.acme
    said = {"id_token": {"email": None}}
    signed = request_object(remit, world, world.keyed, **OPEN, claims=said)
    async with remit.browser() as browser:
        page = await sign_in(browser, await ask(browser, world, {"client_id": world.keyed.id, "request": signed}))
        assert "email" in form_to(page, "/consent").options("scope")
        page = await ask(browser, world, await pushed(remit, world, world.web, **OPEN, claims=json.dumps(said)))
        assert "email" in form_to(page, "/consent").options("scope")


@pytest.mark.requirement("OIDC-5")
async def test_nobody_answers_for_the_user_whom_the_claims_name(remit):
    world = remit.acme

    def claims(user):
        return json.dumps({"id_token": {"sub": {"value": user}}})

    async with remit.browser() as browser:
        hint = await id_token(remit, world, browser=browser)
        asked = request_for(world.web, **OPEN, prompt="none")
        assert answer_of(await ask(browser, world, asked | {"claims": claims(world.alice.id)})).code
        both = {"claims": claims(world.mallory.id), "id_token_hint": hint}
        for change, code in (({"claims": claims(world.mallory.id)}, "login_required"), (both, "invalid_request")):
            assert answer_of(await ask(browser, world, asked | change)).fields["error"] == code


@pytest.mark.requirement("OIDC-5")
async def test_claims_that_cannot_be_read_are_refused(remit):
    world = remit.acme
    answer = answer_of(
        await remit.http.get(f"{world.issuer}/oauth/authorize", params=request_for(world.web, **OPEN, claims="{"))
    )
    assert (answer.fields["error"], "claims" in answer.fields["error_description"]) == ("invalid_request", True)
