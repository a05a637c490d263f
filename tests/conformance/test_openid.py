"""ID tokens, and the scope that asks for access while the user is away (OpenID Connect Core; OIDC)."""

from __future__ import annotations

import base64
import hashlib

import pytest

from remit.core.sessions import SINGLE_FACTOR
from tests.kit.flows import (
    act_for_itself,
    answer_of,
    answered,
    approve,
    ask,
    claims_of,
    get_tokens,
    redeem,
    refresh,
    request_for,
    sign_in,
    sign_out,
    visit,
)
from tests.kit.pages import form_to, submit

NONCES = {
    "a plain one": "n-0S6_WzA2Mj",
    "one of 64 characters": "x" * 64,
    "one of 2048 characters": "x" * 2048,
    "one with what URLs and JSON escape": 'a b+c%20&d=e"f\\g/ü\U0001f600',
    "one that looks like a number": "0012",
    "none": None,
}


@pytest.mark.requirement("OIDC-1", "OIDC-2", "JAT-2")
@pytest.mark.parametrize("nonce", NONCES.values(), ids=NONCES)
async def test_an_id_token_holds_what_it_must_and_nothing_else(remit, nonce):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope="openid read:calendar", nonce=nonce, away="no")
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    at = int(remit.clock.now().timestamp())
    said = claims_of(tokens["id_token"])
    assert len(said["sub"]) <= 255
    assert said["sub"].isascii()
    assert said == {
        "iss": world.issuer,
        "sub": world.alice.id,
        "aud": world.web.id,
        "iat": at,
        "exp": at + 300,
        "auth_time": at,
        "amr": ["pwd"],
        "acr": SINGLE_FACTOR,
        "sid": claims_of(tokens["access_token"])["sid"],
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
        **({"nonce": nonce} if nonce is not None else {}),
    }


@pytest.mark.requirement("OIDC-2", "OIDC-4")
@pytest.mark.parametrize("changes", [{"max_age": "60"}, {"prompt": "login"}], ids=["max_age", "prompt=login"])
async def test_the_login_that_was_asked_for_is_the_one_that_is_told(remit, changes):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        remit.clock.forward(minutes=5)
        page = await ask(browser, world, request_for(world.web, scope="openid read:calendar", **changes))
        assert page.url.path.endswith("/login")
        page = await sign_in(browser, page)
        code = answer_of(await submit(browser, page, answered(page))).code
    tokens = (await redeem(remit, world, world.web, code)).json()
    at = int(remit.clock.now().timestamp())
    for text in (tokens["id_token"], tokens["access_token"]):
        assert claims_of(text)["auth_time"] == at
    remit.clock.forward(minutes=5)
    # RFC 9470 §6: a refresh is no login.
    later = (await refresh(remit, world, world.web, tokens["refresh_token"])).json()
    assert claims_of(later["access_token"])["auth_time"] == at
    assert claims_of(later["access_token"])["acr"] == SINGLE_FACTOR


@pytest.mark.requirement("OIDC-1", "OA-16")
async def test_an_agent_that_acts_for_itself_has_nobody_to_tell_about(remit):
    world = remit.acme
    answer = await act_for_itself(remit, world, world.web, scope="openid read:calendar")
    assert answer.json()["error"] == "invalid_scope"
    assert "id_token" not in (await act_for_itself(remit, world, world.web)).json()


@pytest.mark.requirement("OIDC-8")
async def test_access_while_away_is_shown_and_may_be_refused(remit):
    world = remit.acme
    asked = "openid offline_access read:calendar"
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await ask(browser, world, request_for(world.web, scope=asked))
        assert "offline_access" in form_to(page, "/consent").options("scope")
        for untick, scope in (((), asked), (("offline_access",), "openid read:calendar")):
            answer = await approve(
                remit, world, world.web, browser=browser, scope=asked, untick=untick, prompt="consent"
            )
            tokens = (await redeem(remit, world, world.web, answer.code)).json()
            assert sorted(tokens["scope"].split()) == sorted(scope.split())


@pytest.mark.requirement("OIDC-8", "RT-9")
async def test_access_while_away_is_ignored_where_there_are_no_refresh_tokens(remit):
    world = remit.acme
    remit.sql(
        "update client set grant_types = '[\"authorization_code\"]' where tenant = :tenant and id = :id",
        tenant=world.tenant.id,
        id=world.rival.id,
    )
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await ask(browser, world, request_for(world.rival, scope="openid offline_access read:calendar"))
        assert form_to(page, "/consent").options("scope") == {"openid", "read:calendar"}
        tokens = await redeem(remit, world, world.rival, answer_of(await submit(browser, page, answered(page))).code)
    assert tokens.json()["scope"] == "openid read:calendar"
    assert "refresh_token" not in tokens.json()


@pytest.mark.requirement("JAT-2")
async def test_how_somebody_logged_in_is_told_as_long_as_tokens_come_of_it(remit):
    """Also when the login is long over: its row must not be swept away before the last line that it backs."""
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await ask(browser, world, request_for(world.web, scope="openid read:calendar"))
        form = answered(page)
        form.put("duration", "month")
        tokens = (await redeem(remit, world, world.web, answer_of(await submit(browser, page, form)).code)).json()
        await sign_out(remit, browser, world)
    first = claims_of(tokens["access_token"])
    for _ in range(3):
        remit.clock.forward(days=9, hours=23)
        async with remit.deps.db.work(world.tenant.id) as work:
            await work.housekeeping.purge(now=remit.clock.now())
        tokens = (await refresh(remit, world, world.web, tokens["refresh_token"])).json()
        said = claims_of(tokens["access_token"])
        assert {name: said[name] for name in ("auth_time", "amr", "acr")} == {
            name: first[name] for name in ("auth_time", "amr", "acr")
        }
