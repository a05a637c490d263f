"""A stronger or newer sign-in, asked for and told (RFC 9470; STEP)."""

from __future__ import annotations

import json

import pytest

from remit.core.sessions import MULTI_FACTOR, SINGLE_FACTOR
from tests.kit.flows import (
    answer_of,
    answered,
    ask,
    claims_of,
    get_tokens,
    introspect,
    redeem,
    refresh,
    request_for,
    request_object,
    sign_in,
    visit,
)
from tests.kit.pages import follow, submit
from tests.kit.second_factor import enrol, type_code

OPEN = {"scope": "openid read:calendar"}
STRONG = {**OPEN, "acr_values": MULTI_FACTOR}


async def step_up(remit, world, browser, app, **asked):
    """Walk from a request through both steps of the sign-in to the tokens."""
    page = await ask(browser, world, request_for(world.web, **asked))
    assert page.url.path.endswith("/login")
    page = await sign_in(browser, page)
    assert page.url.path.endswith("/login/code")
    page = await type_code(browser, page, app.code())
    code = answer_of(page if page.is_redirect else await submit(browser, page, answered(page))).code
    return (await redeem(remit, world, world.web, code)).json()


@pytest.mark.requirement("STEP-2", "STEP-3", "OIDC-2")
async def test_who_signed_in_with_one_factor_is_asked_for_the_other(remit):
    world = remit.acme
    async with remit.browser() as browser:
        weak = await get_tokens(remit, world, world.web, **OPEN, browser=browser)
        assert claims_of(weak["id_token"])["acr"] == SINGLE_FACTOR
        app = await enrol(remit, world)
        strong = await step_up(remit, world, browser, app, **STRONG)
        at = int(remit.clock.now().timestamp())
        for text in (strong["id_token"], strong["access_token"]):
            said = claims_of(text)
            assert (said["acr"], said["amr"], said["auth_time"]) == (MULTI_FACTOR, ["pwd", "otp", "mfa"], at)
        told = await introspect(remit, world, strong["access_token"])
        assert (told["acr"], told["amr"], told["auth_time"]) == (MULTI_FACTOR, ["pwd", "otp", "mfa"], at)
        # From then on it is what this browser has.
        asked = request_for(world.web, **STRONG, prompt="none")
        assert answer_of(await ask(browser, world, asked)).code
    # A refresh is no sign-in: what was weak stays weak, what was strong as old as it is.
    remit.clock.forward(minutes=5)
    for before, acr in ((weak, SINGLE_FACTOR), (strong, MULTI_FACTOR)):
        later = (await refresh(remit, world, world.web, before["refresh_token"])).json()
        said, first = claims_of(later["access_token"]), claims_of(before["access_token"])
        assert (said["acr"], said["auth_time"]) == (acr, first["auth_time"])


@pytest.mark.requirement("STEP-2")
async def test_what_nobody_may_be_asked_is_refused(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        asked = request_for(world.web, **STRONG)
        # Who has no second factor could sign in as often as he likes.
        for prompt in ({}, {"prompt": "none"}):
            answer = answer_of(await ask(browser, world, asked | prompt))
            assert answer.fields["error"] == "unmet_authentication_requirements"
        await enrol(remit, world)
        answer = answer_of(await ask(browser, world, asked | {"prompt": "none"}))
        assert answer.fields["error"] == "login_required"


@pytest.mark.requirement("STEP-2")
@pytest.mark.parametrize("acr", [MULTI_FACTOR, "urn:example:gold"])
async def test_what_is_essential_and_not_reached_is_refused(remit, acr):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        claims = json.dumps({"id_token": {"acr": {"essential": True, "value": acr}}})
        answer = answer_of(await ask(browser, world, request_for(world.web, **OPEN, claims=claims)))
    assert answer.fields["error"] == "unmet_authentication_requirements"


@pytest.mark.requirement("STEP-2", "JAR-1")
async def test_a_signed_request_may_ask_for_it_too(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        signed = request_object(remit, world, world.keyed, acr_values=MULTI_FACTOR)
        answer = answer_of(await ask(browser, world, {"client_id": world.keyed.id, "request": signed}))
    assert answer.fields["error"] == "unmet_authentication_requirements"


@pytest.mark.requirement("STEP-4")
@pytest.mark.parametrize("wish", [{"max_age": "60"}, {"max_age": "0"}, {"prompt": "login"}], ids=str)
async def test_too_old_means_signing_in_again_with_all_that_there_is(remit, wish):
    world = remit.acme
    app = await enrol(remit, world)
    async with remit.browser() as browser:
        page = await follow(browser, await visit(browser, world))
        await type_code(browser, page, app.code())
        remit.clock.forward(minutes=2)
        tokens = await step_up(remit, world, browser, app, **OPEN, **wish)
    assert claims_of(tokens["access_token"])["auth_time"] == int(remit.clock.now().timestamp())


@pytest.mark.requirement("STEP-5")
async def test_metadata_lists_the_levels(remit):
    told = (await remit.http.get(f"{remit.acme.issuer}/.well-known/openid-configuration")).json()
    assert told["acr_values_supported"] == [SINGLE_FACTOR, MULTI_FACTOR]
