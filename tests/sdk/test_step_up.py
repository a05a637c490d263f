"""A stronger or newer sign-in: asked for by a guard, and passed on by an agent to its user (RFC 9470)."""

# No `from __future__ import annotations`: FastAPI could not find the local `api` in a text.

from typing import Annotated

import httpx2
import pytest
from fastapi import Depends, FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, Router

from remit_sdk import MULTI_FACTOR, SINGLE_FACTOR, Caller, StepUp, current, guard
from remit_sdk.challenge import Refusal, challenge
from remit_sdk.step_up import asked_in
from remit_sdk.verify import Reason
from tests.sdk.clock import NOW
from tests.sdk.issuer import CREDENTIALS, RESOURCE

STRONG = {"acr": MULTI_FACTOR, "auth_time": NOW - 100}
ASKED = {
    "a level that is reached": (StepUp(MULTI_FACTOR), STRONG, True),
    "one of several": (StepUp([SINGLE_FACTOR, MULTI_FACTOR]), STRONG, True),
    "several as one text": (StepUp(f"{SINGLE_FACTOR} {MULTI_FACTOR}"), STRONG, True),
    "another level": (StepUp(MULTI_FACTOR), {**STRONG, "acr": SINGLE_FACTOR}, False),
    "no level": (StepUp(MULTI_FACTOR), {"auth_time": NOW}, False),
    "a level that is a list": (StepUp(MULTI_FACTOR), {**STRONG, "acr": [MULTI_FACTOR]}, False),
    "new enough": (StepUp(max_age=100), STRONG, True),
    "too old": (StepUp(max_age=99), STRONG, False),
    "no time": (StepUp(max_age=100), {"acr": MULTI_FACTOR}, False),
    "a time that is a text": (StepUp(max_age=100), {"auth_time": str(NOW)}, False),
    "a time that is true": (StepUp(max_age=10**9 - 1), {"auth_time": True}, False),
    "a time without end": (StepUp(max_age=100), {"auth_time": float("inf")}, False),
    "no number": (StepUp(max_age=100), {"auth_time": float("nan")}, False),
    "a time to come": (StepUp(max_age=100), {"auth_time": NOW + 11}, False),
    "a clock that is off a little": (StepUp(max_age=100), {"auth_time": NOW + 10}, True),
    "strong, and too old": (StepUp(MULTI_FACTOR, max_age=99), STRONG, False),
    "new, and too weak": (StepUp(MULTI_FACTOR, max_age=100), {**STRONG, "acr": SINGLE_FACTOR}, False),
}


@pytest.mark.requirement("STEP-1")
@pytest.mark.parametrize(("asked", "claims", "met"), ASKED.values(), ids=ASKED)
def test_what_is_met(asked, claims, met):
    assert asked.met(claims, now=NOW, leeway=10) is met


@pytest.mark.parametrize(
    ("acr", "age"), [((), None), ("", None), ('a"b', None), (["a b"], None), ("a", -1), ((), 10**9), ((), True)]
)
def test_what_cannot_be_meant_is_refused_at_once(acr, age):
    with pytest.raises(ValueError, match=r"acr|max_age"):
        StepUp(acr, max_age=age)


async def told(_: Request) -> JSONResponse:
    return JSONResponse({})


@pytest.fixture
async def client(issuer, clock):
    api = guard(issuer.base, resource=RESOURCE, credentials=CREDENTIALS, clock=clock)
    app = api.wrap(
        Router([Route("/pay", told), Route("/events", told), Route("/lately", told)]),
        routes={"GET /pay": "read:calendar", "GET /events": "read:calendar", "GET /lately": "read:calendar"},
        step_up={"GET /pay": StepUp(MULTI_FACTOR, max_age=300), "GET /lately": StepUp(max_age=0)},
    )
    async with api.running():
        await api.ready()
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=RESOURCE) as opened:
            yield opened


async def call(client, path, token):
    return await client.get(path, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.requirement("STEP-1")
async def test_a_weak_sign_in_is_told_what_is_needed(client, issuer):
    for claims in ({"acr": SINGLE_FACTOR, "auth_time": NOW}, {"acr": MULTI_FACTOR, "auth_time": NOW - 301}, {}):
        answer = await call(client, "/pay", issuer.token(**claims))
        challenge = answer.headers["www-authenticate"]
        assert answer.status_code == 401
        assert challenge.startswith('Bearer error="insufficient_user_authentication", error_description="')
        assert f'acr_values="{MULTI_FACTOR}", max_age="300", resource_metadata="' in challenge
        assert answer.json()["error"] == "insufficient_user_authentication"
        assert (await call(client, "/events", issuer.token(**claims))).status_code == 200
    answer = await call(client, "/pay", issuer.token(acr=MULTI_FACTOR, auth_time=NOW - 300))
    assert answer.status_code == 200
    assert 'max_age="0"' in (await call(client, "/lately", issuer.token(auth_time=NOW - 1))).headers["www-authenticate"]


@pytest.mark.requirement("STEP-1")
async def test_who_may_not_call_at_all_is_not_asked_to_sign_in(client, issuer):
    assert (await call(client, "/pay", issuer.token(scope="other"))).status_code == 403
    assert 'error="invalid_token"' in (await call(client, "/pay", issuer.token(aud="x"))).headers["www-authenticate"]


@pytest.mark.requirement("STEP-1")
async def test_single_endpoints_ask_for_it_too(issuer, clock):
    api = guard(issuer.base, resource=RESOURCE, credentials=CREDENTIALS, clock=clock)
    app = FastAPI()

    @app.get("/required")
    async def required(caller: Annotated[Caller, Depends(api.require("read:calendar", step_up=StepUp(MULTI_FACTOR)))]):
        return caller.sub

    @app.get("/protected")
    @api.protect("read:calendar", step_up=StepUp(MULTI_FACTOR))
    async def protected():
        return current().sub

    async with api.running():
        await api.ready()
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=RESOURCE) as client:
            for path in ("/required", "/protected"):
                answer = await call(client, path, issuer.token())
                assert f'acr_values="{MULTI_FACTOR}"' in answer.headers["www-authenticate"]
                assert (await call(client, path, issuer.token(acr=MULTI_FACTOR))).json() == "usr_alice"


async def test_only_routes_that_there_are_can_ask_for_it(issuer, clock):
    api = guard(issuer.base, resource=RESOURCE, credentials=CREDENTIALS, clock=clock)
    with pytest.raises(ValueError, match="GET /pay"):
        api.wrap(Router(), routes={"GET /events": "read:calendar"}, step_up={"GET /pay": StepUp(MULTI_FACTOR)})


CHALLENGES = {
    "both": ({"acr_values": "a b", "max_age": "5"}, StepUp(["a", "b"], max_age=5)),
    "a level": ({"acr_values": "a"}, StepUp("a")),
    "an age": ({"max_age": "0"}, StepUp(max_age=0)),
    "nothing": ({}, None),
    "no number": ({"max_age": "-1"}, None),
    "a number without end": ({"max_age": "9" * 10}, None),
    "names that no request can carry": ({"acr_values": 'a"b'}, None),
    "names without end": ({"acr_values": "a" * 2000, "max_age": "1"}, StepUp(max_age=1)),
}


@pytest.mark.requirement("STEP-2")
@pytest.mark.parametrize(("challenge", "asked"), CHALLENGES.values(), ids=CHALLENGES)
def test_what_an_api_asks_for(challenge, asked):
    assert asked_in(challenge) == asked


@pytest.mark.requirement("STEP-1")
def test_who_proves_a_key_is_told_in_his_own_scheme():
    refusal = Refusal(
        reason=Reason.INSUFFICIENT_AUTHENTICATION, hint="sign in", step_up=StepUp(MULTI_FACTOR, max_age=5), dpop=True
    )
    said = challenge(refusal, metadata_url="https://m.example") or ""
    assert said.startswith('DPoP error="insufficient_user_authentication"')
    assert f'acr_values="{MULTI_FACTOR}", max_age="5"' in said
