"""Authorization requests that their client signed (RFC 9101), at the authorization endpoint."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from remit.crypto.jose import PrivateKey
from remit.services.provisioning.changes import change_client
from remit.services.provisioning.credentials import rotate_client_keys
from tests.kit.flows import answer_of, answered, approve, ask, claims_of, redeem, request_for, request_object, visit
from tests.kit.pages import submit, text_of
from tests.kit.world import CALENDAR, SEEDER, sure


def at_authorize(remit, **asked):
    return remit.http.get(f"{remit.acme.issuer}/oauth/authorize", params=asked)


@pytest.mark.requirement("JAR-1", "JAR-2")
async def test_only_what_is_signed_counts(remit):
    world = remit.acme
    signed = request_object(remit, world, world.keyed, scope="read:calendar", resource=[CALENDAR], max_age=3600, x={})
    beside = {"redirect_uri": "https://evil.test/", "state": "beside", "scope": "write:calendar", "prompt": "none"}
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await ask(browser, world, {"client_id": world.keyed.id, "request": signed, **beside})
        answer = answer_of(await submit(browser, page, answered(page)))
    assert answer.url.startswith(world.keyed.redirect_uris[0])
    assert answer.fields["state"] == request_for(world.keyed)["state"]
    body = (await redeem(remit, world, world.keyed, answer.code)).json()
    assert (claims_of(body["access_token"])["aud"], body["scope"]) == (CALENDAR, "read:calendar")


@pytest.mark.requirement("JAR-2")
async def test_a_signed_request_is_answered_once(remit):
    world = remit.acme
    asked = {"client_id": world.keyed.id, "request": request_object(remit, world, world.keyed, jti="one")}
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await ask(browser, world, asked)
        assert answer_of(await submit(browser, page, answered(page))).code
        # Whoever finds it in a log within its hour gets nowhere with it; its jti is its client's own.
        remit.clock.forward(seconds=200)
        page = await ask(browser, world, {**asked, "request": request_object(remit, world, world.keyed, jti="one")})
        assert (page.status_code, "already answered" in page.text) == (400, True)


BROKEN = {
    "no object": lambda r, w: "a.b.c",
    "no signature": lambda r, w: request_object(r, w, w.keyed).rpartition(".")[0] + ".",
    "alg none": lambda r, w: request_object(r, w, w.keyed, header={"alg": "none"}),
    "of another client": lambda r, w: request_object(r, w, w.web),
    "for another tenant": lambda r, w: request_object(r, r.globex, w.keyed),
    "a value of the wrong type": lambda r, w: request_object(r, w, w.keyed, state=5),
    "a line end in a value": lambda r, w: request_object(r, w, w.keyed, state="a\nb"),
}


@pytest.mark.requirement("JAR-2", "JAR-3")
@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN)
async def test_a_broken_object_is_answered_by_our_own_page(remit, make):
    world = remit.acme
    asked = {**request_for(world.keyed), "request": make(remit, world)}
    answer, events = await remit.events_of(world, at_authorize(remit, **asked))
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert "request object" in text_of(answer)
    assert [event["what"]["code"] for event in events] == ["invalid_request_object"]


@pytest.mark.requirement("JAR-1", "JAR-3")
async def test_where_no_key_is_registered_none_is_believed(remit):
    world = remit.acme
    answer = await at_authorize(remit, **request_for(world.web, request=request_object(remit, world, world.web)))
    assert answer_of(answer).fields["error"] == "request_not_supported"
    answer = await at_authorize(remit, **request_for(world.web, request_uri="https://app.example/request.jwt"))
    assert answer_of(answer).fields["error"] == "request_uri_not_supported"


@pytest.mark.requirement("JAR-4")
async def test_signing_can_be_required(remit):
    world = remit.acme
    sure(await change_client(world.tenant.id, remit.deps, SEEDER, replace(world.keyed, require_signed=True)))
    answer = answer_of(await at_authorize(remit, **request_for(world.keyed)))
    assert (answer.fields["error"], "sign" in answer.fields["error_description"]) == ("invalid_request", True)
    signed = request_object(remit, world, world.keyed)
    assert (await at_authorize(remit, client_id=world.keyed.id, request=signed)).status_code == 303


async def test_the_keys_before_a_rotation_still_sign_for_a_while(remit):
    world = remit.acme
    other = json.dumps({"keys": [PrivateKey.generate("ES256").jwk() | {"kid": "k2", "alg": "ES256"}]})
    args = (world.tenant.id, remit.deps, SEEDER)
    sure(await rotate_client_keys(*args, client=world.keyed.id, jwks=other, overlap=timedelta(hours=1)))
    signed = request_object(remit, world, world.keyed)
    assert (await at_authorize(remit, client_id=world.keyed.id, request=signed)).status_code == 303
    remit.clock.forward(hours=1)
    signed = request_object(remit, world, world.keyed)
    assert (await at_authorize(remit, client_id=world.keyed.id, request=signed)).status_code == 400


async def test_what_is_remembered_is_given_once_to_a_signed_request(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await approve(remit, world, world.keyed, browser=browser)
        asked = {"client_id": world.keyed.id, "request": request_object(remit, world, world.keyed)}
        assert answer_of(await ask(browser, world, asked)).code
        assert "already answered" in (await ask(browser, world, asked)).text
