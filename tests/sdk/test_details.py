"""Authorization details at a guard: the application gets them, or the token gets nowhere (RFC 9396 §9.1)."""

from __future__ import annotations

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, Router

from remit_sdk import current, guard
from tests.sdk.issuer import CREDENTIALS, RESOURCE

TYPE = "remit_tool_call"
ONE = {"type": TYPE, "tools": ["create_event"], "max_calls": 3}
WAYS = {"knows the type": [TYPE], "as one text": TYPE, "knows none": ()}


async def told(request: Request) -> JSONResponse:
    return JSONResponse([dict(detail) for detail in current().details])


@pytest.fixture
async def clients(issuer, clock):
    """Guards of one API that keep to different types of limits."""
    opened = {}
    for way, kinds in WAYS.items():
        api = guard(issuer.base, resource=RESOURCE, credentials=CREDENTIALS, details=kinds, clock=clock)
        app = api.wrap(Router([Route("/events", told)]), routes={"GET /events": "read:calendar"})
        opened[way] = (api, httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=RESOURCE))
    return opened


async def call(clients, way, token):
    api, client = clients[way]
    async with api.running():
        await api.ready()
        return await client.get("/events", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.requirement("RAR-6")
async def test_the_application_gets_them(clients, issuer):
    for way in ("knows the type", "as one text"):
        assert (await call(clients, way, issuer.token(authorization_details=[ONE]))).json() == [ONE]
    assert (await call(clients, "knows the type", issuer.token())).json() == []


BAD = {
    "a type that is not kept to": [ONE, {"type": "payment"}],
    "an object": ONE,
    "nothing": [],
    "null": None,
    "no object": ["remit_tool_call"],
    "no type": [{"tools": ["a"]}],
    "a type that is no text": [{"type": ["a"]}],
}


@pytest.mark.requirement("RAR-6")
@pytest.mark.parametrize("details", BAD.values(), ids=BAD)
async def test_limits_that_nobody_keeps_to_or_reads_get_nowhere(clients, issuer, details):
    answer = await call(clients, "knows the type", issuer.token(authorization_details=details))
    assert (answer.status_code, 'error="invalid_token"' in answer.headers["www-authenticate"]) == (401, True)


async def test_an_api_that_says_nothing_of_limits_takes_no_limited_token(clients, issuer):
    assert (await call(clients, "knows none", issuer.token(authorization_details=[ONE]))).status_code == 401
    assert (await call(clients, "knows none", issuer.token())).status_code == 200


@pytest.mark.requirement("RAR-8", "PRM-4")
async def test_the_metadata_names_the_types(clients):
    for way, listed in (("knows the type", [TYPE]), ("knows none", None)):
        document = (await clients[way][1].get("/.well-known/oauth-protected-resource")).json()
        assert document.get("authorization_details_types_supported") == listed
